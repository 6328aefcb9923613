// Tasks of an operator in a real browser: finding, looking into what failed, and the figures of yesterday.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Merchant } from './merchant.mjs';
import { startServer } from './server.mjs';
import { DESK, launch, PHONE, visit } from './visitor.mjs';

let browser, server, merchant, sold;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer()]);
    merchant = new Merchant(server);
    await merchant.call('POST', '/orders', { userId: 'li.lei@example.com', subject: '个人版套餐', amount: 990 });
    await pay('li.lei@example.com', '个人版套餐，一年', 129900);
    sold = await pay('wang.fang@example.com', '团队版套餐，一个月', 9990);
    await merchant.tell('/notice', { set: { mchid: '1900000000' }, newId: true, send: true });
    await merchant.tell('/faults', { kind: 'notEnough', endpoint: 'refund' });
    await merchant.call('POST', `/payments/${sold.id}/refund`, { reason: '不需要了', amount: 1000, refundNo: 'R-2026-0815' });
    await merchant.until(`/payments/${sold.id}/refunds`, ({ data }) => data[0].status === 'needs_attention');
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

async function pay(userId, subject, amount) {
    const order = await merchant.order({ userId, subject, amount });
    const payment = await merchant.start(order, 'wechat');
    await merchant.pay(payment);
    return merchant.until(`/payments/${payment.id}`, (payment) => payment.status === 'success');
}

for (const [device, viewport] of [['desk', DESK], ['phone', PHONE]]) {
    for (const language of ['zh', 'en']) {
        test(`${device}, ${language}: find, look into what failed, and read the figures`, async () => {
            const name = `console-lists-${device}-${language}`;
            await visit(browser, server, { name, viewport, javaScriptEnabled: false }, async (visitor) => {
                const { page } = visitor;
                const go = async (path, picture) => {
                    await page.goto(`${server.url}/admin${path}`);
                    await visitor.picture(picture);
                };
                await visitor.logIn(`/admin?lang=${language}`, { landmark: 'main h1' });
                await visitor.picture('overview');
                // The last six digits that a caller reads out lead to the order.
                await page.goto(`${server.url}/admin/orders?q=${sold.transactionId.slice(-6)}`);
                await page.waitForURL(/\/admin\/orders\/ord_/);
                assert.ok((await visitor.text('main')).includes('¥99.90'));
                await visitor.picture('order');
                // So does a refund number, and a part of an address finds its list.
                await page.goto(`${server.url}/admin/orders?q=R-2026-0815`);
                await page.waitForURL(/\/admin\/orders\/ord_/);
                await go('/orders?q=example.com', 'orders');
                await page.locator('td a[href*="list="]').first().click();
                await page.locator('a[rel=next]').click();
                await page.locator('a[rel=prev]').waitFor();
                await visitor.picture('neighbours');
                await go('/orders?q=nobody', 'nothing');
                // Which payment, refund and callback did not go as it should?
                await go('/payments?status=success', 'payments');
                await go('/refund-list?status=stuck', 'refunds');
                assert.ok((await visitor.text('main')).includes('R-2026-0815'));
                await go('/callbacks?outcome=problem', 'callbacks');
                assert.equal(await page.locator('a[href^="/admin/callbacks/wechat/"]').count(), 1);
                // The empty account gets its own advice, and the refund is sent again in place.
                await go('/attention', 'attention');
                const stuck = page.locator('section.incident', { has: page.locator('[data-action=retry]') });
                const advice = await stuck.innerText();
                assert.ok(advice.includes(language === 'zh' ? '充值' : 'Top up'), advice);
                assert.ok(advice.includes('¥10.00') && advice.includes('wang.fang@example.com'), advice);
                await go('/balances', 'balances');
                await page.goto(`${server.url}/admin`);
                await page.locator('main nav a[href^="/admin?from="]').nth(1).click();
                await visitor.picture('range');
                assert.ok((await visitor.text('main')).includes('¥1,398.90'));
            });
        });
    }
}
