// Paying with a balance: only where the merchant allowed it, only after confirmation, and never more than there is.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Merchant } from './merchant.mjs';
import { startServer } from './server.mjs';
import { launch, PHONE, visit } from './visitor.mjs';

let browser, server, merchant;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer()]);
    merchant = new Merchant(server);
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

const give = (userId, amount, adjustmentNo) =>
    merchant.call('POST', `/balance/${userId}/adjust`, { amount, adjustmentNo, note: '测试' });
const available = async (userId) => (await merchant.call('GET', `/balance/${userId}`)).available;

for (const javaScriptEnabled of [true, false]) {
    const how = javaScriptEnabled ? 'live' : 'plain';
    test(`a balance that is short is topped up, and then spent after confirmation (${how})`, async () => {
        const userId = `saver-${how}`;
        await give(userId, 4_000, `gift-${how}`);
        const order = await merchant.order({ userId, allowBalance: true });
        const options = { name: `balance-${how}`, javaScriptEnabled, viewport: PHONE };
        await visit(browser, server, options, async (visitor) => {
            const { page } = visitor;
            await page.goto(`${order.checkoutUrl}?lang=en`);
            assert.match(await visitor.text('.method[data-method=balance]'), /¥40\.00 available, ¥59\.90 short/);
            await visitor.picture('choose');
            await page.locator('input[value=balance]').check();
            await page.locator('[data-action=pay]').click();
            await visitor.reaches('short');
            assert.match(await visitor.text('main h1'), /short by ¥59\.90/);
            await visitor.fitsTheScreen();
            if (javaScriptEnabled) await visitor.hasNoBarriers();
            await visitor.picture('short');

            await page.locator('[data-action=top-up]').click();
            await visitor.reaches('choose');
            assert.match(await visitor.text('[data-testid=amount]'), /59\.90/);
            assert.equal(await page.locator('input[value=balance]').count(), 0, 'a balance cannot fill itself');
            await visitor.choose('wechat');
            const { code } = await visitor.scan();
            await visitor.wallet(code, 'pay');
            if (javaScriptEnabled) await visitor.reaches('paid');
            else await visitor.reachesByAsking('paid');
            await page.locator('[data-action=return]').click();

            await visitor.reaches('balance');
            assert.equal(await available(userId), 9_990, 'nothing is taken before the second yes');
            await visitor.fitsTheScreen();
            if (javaScriptEnabled) await visitor.hasNoBarriers();
            await visitor.picture('confirm');
            await page.locator('[data-action=confirm]').click();
            await visitor.reaches('paid');
            assert.equal(await available(userId), 0);
            await page.reload();
            await visitor.reaches('paid');
            assert.equal(await available(userId), 0, 'loading the page again takes nothing more');
        });
    });
}

test('a link alone neither shows nor spends a balance', async () => {
    await give('owner', 50_000, 'gift-owner');
    const order = await merchant.order({ userId: 'owner' });
    await visit(browser, server, { name: 'balance-link' }, async (visitor) => {
        for (const query of ['', '?pay=balance']) {
            await visitor.page.goto(order.checkoutUrl + query);
            await visitor.reaches('choose');
            assert.equal(await visitor.page.locator('input[value=balance]').count(), 0);
            assert.ok(!(await visitor.page.content()).includes('500.00'), 'the balance is nobody else\'s business');
        }
        const token = order.checkoutUrl.split('/').at(-1);
        for (const action of ['pay_by_balance', 'top_up']) {
            const answer = await visitor.page.request.post(`${server.url}/ui/${action}`, { form: { token }, maxRedirects: 0 });
            assert.match(answer.headers().location, /error=/);
        }
    });
    assert.equal(await available('owner'), 50_000);
});

test('a code that is on the screen is closed before the balance pays', async () => {
    await give('switcher', 20_000, 'gift-switcher');
    const order = await merchant.order({ userId: 'switcher', allowBalance: true });
    const payment = await merchant.start(order, 'wechat');
    await visit(browser, server, { name: 'balance-switch' }, async (visitor) => {
        await visitor.page.goto(order.checkoutUrl);
        await visitor.page.locator('button[data-action=switch][value=balance]').click();
        await visitor.reaches('balance');
        await visitor.page.locator('[data-action=confirm]').click();
        await visitor.reaches('paid');
    });
    assert.equal((await merchant.call('GET', `/payments/${payment.id}`)).status, 'cancelled');
});
