// A payment link from the desk to the payers: made, printed, scanned by both wallets, sold out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import jsQR from 'jsqr';
import { PNG } from 'pngjs';
import { Merchant } from './merchant.mjs';
import { startServer } from './server.mjs';
import { DESK, launch, PHONE, visit } from './visitor.mjs';

const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const AGENTS = {
    wechat: `${IPHONE} Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN`,
    alipay: `${IPHONE} Mobile/15E148 NebulaSDK/1.8.100112 AlipayClient/10.6.0 Language/zh-Hans`,
};

let browser, server, merchant;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer()]);
    merchant = new Merchant(server);
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

/** Makes a link at the desk and returns its address. */
async function make(visitor, { subject, amount, stock }) {
    const form = visitor.page.locator('form[action="/admin/payment-links"]');
    await form.locator('[name=subject]').fill(subject);
    await form.locator('[name=amount]').fill(amount);
    await form.locator('[name=stock]').fill(stock);
    await form.locator('[data-action=make-link]').click();
    return visitor.page.locator('[data-testid=address]').inputValue();
}

async function readCode(visitor) {
    const png = PNG.sync.read(await visitor.page.locator('.plate__code').screenshot());
    return jsQR(new Uint8ClampedArray(png.data), png.width, png.height)?.data;
}

const phone = (name, userAgent) => ({ name, userAgent, viewport: PHONE, hasTouch: true, isMobile: true });

async function surround(visitor) {
    await visitor.page.exposeFunction('payInTheApp', (words) => merchant.tell('/bridge', words));
    await visitor.page.addInitScript(() => {
        window.WeixinJSBridge = {
            invoke(name, words, answer) {
                const done = (end) => answer({ err_msg: `get_brand_wcpay_request:${end}` });
                window.payInTheApp(words).then(() => done('ok'), () => done('fail'));
            },
        };
    });
}

for (const [where, viewport] of [['desk', DESK], ['phone', PHONE]]) {
    test(`a link of two is made on a ${where}, printed, paid from both wallets, and then sold out`, async () => {
        await visit(browser, server, { name: `link-${where}`, viewport }, async (desk) => {
            await desk.logIn('/admin/payment-links');
            await desk.hasNoBarriers();
            const address = await make(desk, { subject: '明前龙井 50 克', amount: '88.00', stock: '2' });
            assert.equal(await readCode(desk), address);
            await desk.fitsTheScreen();
            await desk.hasNoBarriers();
            await desk.picture('link');
            const place = desk.page.url().split('?')[0];
            await desk.page.goto(`${place}/plate`);
            assert.equal(await readCode(desk), address);
            await desk.hasNoBarriers();
            await desk.picture('plate');

            await visit(browser, server, phone(`link-${where}-wechat`, AGENTS.wechat), async (payer) => {
                await surround(payer);
                await payer.page.goto(address);
                await payer.fitsTheScreen();
                await payer.hasNoBarriers();
                await payer.picture('open');
                await payer.page.locator('[data-action=open-link]').click();
                await payer.reaches('paid');
            });
            await visit(browser, server, phone(`link-${where}-alipay`, AGENTS.alipay), async (payer) => {
                await payer.page.goto(address);
                await payer.page.locator('[data-action=open-link]').click();
                await payer.page.locator('[data-testid=cashier-pay]').click();
                if (!payer.page.url().startsWith(server.url)) {
                    await payer.page.locator('[data-testid=cashier-back]').click();
                }
                await payer.page.waitForURL(/\/checkout\//);
                await payer.reaches('paid', 8_000);
            });
            await visit(browser, server, phone(`link-${where}-late`, AGENTS.wechat), async (payer) => {
                await payer.page.goto(address);
                await payer.reaches('sold_out');
                await payer.hasNoBarriers();
                await payer.picture('sold-out');
            });
            await desk.page.goto(place);
            assert.equal(await desk.page.locator('td a[href^="/admin/orders/"]').count(), 2);
        });
    });
}

test('a payer enters the amount of a link without one', async () => {
    await visit(browser, server, { name: 'link-open-amount', viewport: DESK }, async (desk) => {
        await desk.logIn('/admin/payment-links');
        const address = await make(desk, { subject: '打赏', amount: '', stock: '' });
        await visit(browser, server, { ...phone('link-open-amount-payer', undefined), locale: 'en-GB' }, async (payer) => {
            await payer.page.goto(`${address}?device=desk`);
            await payer.page.locator('[name=amount]').fill('12.5');
            await payer.hasNoBarriers();
            await payer.picture('amount');
            await payer.page.locator('[data-action=open-link]').click();
            await payer.reaches('choose');
            assert.match(await payer.text('[data-testid=amount]'), /12\.50/);
        });
    });
});

test('an order by hand has a link to copy, and is closed on its page after a question', async () => {
    await visit(browser, server, { name: 'manual-order', viewport: PHONE, javaScriptEnabled: false }, async (desk) => {
        await desk.logIn('/admin/payment-links');
        const form = desk.page.locator('form[action="/admin/orders"][method=post]');
        await form.locator('[name=subject]').fill('上门维修');
        await form.locator('[name=amount]').fill('120');
        await form.locator('[name=user]').fill('张先生');
        await form.locator('[data-action=make-order]').click();
        const address = await desk.page.locator('[data-testid=address]').inputValue();
        assert.match(address, /\/checkout\//);
        await desk.fitsTheScreen();
        await desk.page.locator('[data-action=close-order]').click();
        await desk.page.locator('[data-question]').waitFor();
        assert.match(await desk.text('[data-question]'), /¥120\.00/);
        await desk.fitsTheScreen();
        await desk.picture('question');
        await desk.page.locator('.button--danger').click();
        await desk.page.waitForURL(/said=order_closed/);
        await desk.page.goto(address);
        await desk.reaches('closed');
    });
});
