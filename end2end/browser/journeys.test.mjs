// From the shop to "paid", with and without JavaScript.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';
import { launch, PHONE, visit } from './visitor.mjs';

let browser, server;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer()]);
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

test('a paid WeChat code turns the open page to paid, by itself', async () => {
    await visit(browser, server, { name: 'desk-wechat' }, async (visitor) => {
        await visitor.buy();
        const amount = await visitor.text('[data-testid=amount]');
        assert.match(amount.replace(/\s/g, ''), /¥[\d,]+\.\d\d/);
        await visitor.choose('wechat');
        const { code } = await visitor.scan();
        assert.match(code, /^weixin:/);
        assert.match(await visitor.text('[data-testid=deadline]'), /\d/);
        await visitor.page.evaluate(() => { window.stillTheSamePage = true; });
        await visitor.wallet(code, 'pay');
        await visitor.reaches('paid');
        assert.ok(await visitor.page.evaluate(() => window.stillTheSamePage), 'the page was loaded again');
        await visitor.page.reload();
        await visitor.reaches('paid');
    });
});

test('without JavaScript plain forms go the same way', async () => {
    await visit(browser, server, { name: 'plain-wechat', javaScriptEnabled: false }, async (visitor) => {
        await visitor.buy();
        await visitor.choose('wechat');
        assert.equal(await visitor.page.locator('meta[http-equiv=refresh i]').count(), 1, 'nothing would renew it');
        const { code } = await visitor.scan();
        await visitor.wallet(code, 'pay');
        await visitor.reachesByAsking('paid');
        assert.equal(await visitor.page.locator('meta[http-equiv=refresh i]').count(), 0, 'paid is the end');
    });
});

test('an Alipay code is paid from a phone-sized page', async () => {
    await visit(browser, server, { name: 'phone-alipay', viewport: PHONE, hasTouch: true }, async (visitor) => {
        await visitor.buy();
        await visitor.choose('alipay');
        const { code } = await visitor.scan();
        await visitor.wallet(code, 'pay');
        await visitor.reaches('paid');
        await visitor.fitsTheScreen();
    });
});

test('refusing in the wallet leaves the order payable, and another method pays it', async () => {
    await visit(browser, server, { name: 'switch' }, async (visitor) => {
        await visitor.buy();
        await visitor.choose('wechat');
        const first = await visitor.scan();
        await visitor.wallet(first.code, 'refuse');
        // Longer than a question to the gateway takes: the page has had its chance to give up wrongly.
        await visitor.page.waitForTimeout(4_000);
        await visitor.reaches('waiting');
        await visitor.switchTo('alipay');
        const second = await visitor.scan();
        assert.notEqual(second.code, first.code);
        await visitor.wallet(second.code, 'pay');
        await visitor.reaches('paid');
    });
});

test('"I have paid" asks at once and never says failed', async () => {
    await visit(browser, server, { name: 'check' }, async (visitor) => {
        await visitor.buy();
        await visitor.choose('wechat');
        await visitor.page.locator('[data-action=check]').first().click();
        await visitor.page.locator('main[data-state=waiting], main[data-state=confirming]').waitFor();
        assert.doesNotMatch(await visitor.text('main'), /失败/);
    });
});

test('a second tab and the receipt show the same state', async () => {
    await visit(browser, server, { name: 'receipt' }, async (visitor) => {
        await visitor.buy();
        const amount = await visitor.text('[data-testid=amount]');
        const checkout = visitor.page.url().split('?')[0];
        await visitor.choose('wechat');
        const { code } = await visitor.scan();
        const other = await visitor.newPage();
        await other.goto(checkout);
        await visitor.wallet(code, 'pay');
        await visitor.reaches('paid');
        await other.locator('main[data-state=paid]').waitFor();
        await visitor.page.goto(`${checkout}/receipt`);
        const bare = (text) => text.replace(/[^\d.]/g, '');
        assert.ok(bare(await visitor.text('main')).includes(bare(amount)), 'the receipt does not name the amount');
    });
});
