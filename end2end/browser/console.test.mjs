// The operator's console in a real browser: a desktop and a phone, with JavaScript and without.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Merchant } from './merchant.mjs';
import { startServer } from './server.mjs';
import { DESK, launch, NARROW, PHONE, visit } from './visitor.mjs';

let browser, server, sold;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer({ REFUND_APPROVAL_ABOVE: '500000' })]);
    sold = await sell();
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

/** A few orders in different states; the last one is paid. */
async function sell() {
    const merchant = new Merchant(server);
    for (const amount of [990, 129900, 1234500]) await merchant.order({ userId: 'bob', subject: '企业版套餐，一个月', amount });
    const order = await merchant.order({ userId: 'ann', subject: '团队版套餐，一个月' });
    const payment = await merchant.start(order, 'wechat');
    await merchant.pay(payment);
    const paid = await merchant.until(`/payments/${payment.id}`, (payment) => payment.status === 'success');
    await merchant.tell('/notice', { set: { mchid: '1900000000' }, newId: true, send: true });
    return paid;
}

for (const [name, options] of [
    ['console-desk', { viewport: DESK }],
    ['console-phone-without-javascript', { viewport: PHONE, javaScriptEnabled: false, locale: 'en-GB' }],
]) {
    test(`${name}: find the order of a payment number and give half of it back`, async () => {
        await visit(browser, server, { name, ...options }, async (visitor) => {
            const { page } = visitor;
            await page.goto(`${server.url}/admin`);
            await visitor.picture('login');
            await visitor.logIn();
            await visitor.picture('overview');
            await page.goto(`${server.url}/admin/orders`);
            await visitor.picture('orders');
            await page.locator('.top-bar input[name=q]').fill(sold.transactionId);
            await page.locator('.top-bar input[name=q]').press('Enter');
            await page.waitForURL(/\/admin\/orders\/ord_/);
            await visitor.picture('order');
            await page.locator('a[href$="/refund"]').click();
            await page.locator('input[name=amount]').fill('30.00');
            await visitor.picture('refund');
            await page.locator('form[action$="/check"] button').click();
            await page.locator('.button--danger').waitFor();
            assert.match(await visitor.text('h1'), /¥30\.00/);
            await visitor.picture('refund-check');
            await page.locator('.button--danger').click();
            await page.waitForURL(/said=refund_requested/);
            await visitor.picture('refunded');
            for (const place of ['attention', 'refunds', 'callbacks', 'gateways', 'keys', 'balances?user=ann', 'books', 'people', 'audit-log', 'webhooks', 'account']) {
                await page.goto(`${server.url}/admin/${place}`);
                await visitor.picture(place.split('?')[0]);
                if (options.javaScriptEnabled !== false) await visitor.fitsTheScreen();
            }
        });
    });
}

test('at 320 px no page of the console scrolls sideways', async () => {
    await visit(browser, server, { name: 'console-narrow', viewport: NARROW, colorScheme: 'dark' }, async (visitor) => {
        await visitor.logIn('/admin?lang=en');
        for (const place of ['', '/orders', '/attention', '/refunds', '/callbacks', '/gateways', '/keys', '/people', '/audit-log', '/webhooks', '/account']) {
            await visitor.page.goto(`${server.url}/admin${place}`);
            await visitor.fitsTheScreen();
        }
        await visitor.page.goto(`${server.url}/admin/orders?q=${sold.paymentNo}`);
        await visitor.fitsTheScreen();
        await visitor.picture('order');
    });
});
