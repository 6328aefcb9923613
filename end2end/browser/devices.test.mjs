// Checkout pages on a phone, inside the two wallets, and after returning from one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Merchant } from './merchant.mjs';
import { startServer } from './server.mjs';
import { launch, PHONE, visit } from './visitor.mjs';

const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const AGENTS = {
    phone: `${IPHONE} Version/17.5 Mobile/15E148 Safari/604.1`,
    wechat: `${IPHONE} Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN`,
    alipay: `${IPHONE} Mobile/15E148 NebulaSDK/1.8.100112 AlipayClient/10.6.0 Language/zh-Hans`,
};
/** From a payment to the page that shows it, when no notification arrives. */
const LOST_CALLBACK_MS = 5_000;

let browser, server, merchant;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer()]);
    merchant = new Merchant(server);
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

const phone = (name, userAgent = AGENTS.phone) => ({ name, userAgent, viewport: PHONE, hasTouch: true, isMobile: true });
const methods = (visitor) => visitor.page.locator('input[name=method]').evaluateAll((all) => all.map(({ value }) => value));

for (const method of ['wechat', 'alipay']) {
    for (const javaScriptEnabled of [true, false]) {
        const how = javaScriptEnabled ? 'live' : 'plain';
        test(`a phone opens ${method} from our page and finds it paid when it comes back (${how})`, async () => {
            const options = { ...phone(`device-phone-${method}-${how}`), javaScriptEnabled };
            await visit(browser, server, options, async (visitor) => {
                const order = await merchant.order();
                await visitor.page.goto(order.checkoutUrl);
                await visitor.leaveFor(method);
                // The page keeps a way to the wallet for a payer who came back without having paid.
                await visitor.page.goto(order.checkoutUrl);
                const link = visitor.page.locator('[data-action=open-gateway]');
                assert.equal(await link.getAttribute('referrerpolicy'), method === 'wechat' ? 'origin' : 'no-referrer');
                await link.click();
                await visitor.page.locator('[data-testid=cashier-pay]').click();
                if (!visitor.page.url().startsWith(server.url)) {
                    await visitor.page.locator('[data-testid=cashier-back]').click();
                }
                await visitor.page.waitForURL(/\/checkout\//);
                // The gateway is queried while the page is made; where that was too soon, the page polls.
                await visitor.reaches('paid', 8_000);
            });
        });
    }
}

test('a phone can show a code for another phone, and go back to the app', async () => {
    await visit(browser, server, phone('device-other-way'), async (visitor) => {
        const order = await merchant.order();
        await visitor.page.goto(order.checkoutUrl);
        await visitor.leaveFor('wechat');
        await visitor.page.goto(order.checkoutUrl);
        await visitor.page.locator('[data-action=other-way]').click();
        const { code } = await visitor.scan();
        assert.match(code, /^weixin:/);
        await visitor.picture('scan');
        await visitor.page.locator('[data-action=other-way]').click();
        await visitor.page.locator('[data-testid=cashier-pay]').waitFor();
        await visitor.page.goto(order.checkoutUrl);
        await visitor.page.locator('[data-action=open-gateway]').waitFor();
        await visitor.fitsTheScreen();
    });
});

/** Inside a wallet: the methods that work there, and instructions to leave for the others. */
async function advises(visitor, shop, wallet, other) {
    const order = await shop.order();
    await visitor.page.goto(order.checkoutUrl);
    assert.deepEqual(await methods(visitor), [wallet]);
    const guide = visitor.page.locator('[data-testid=guide]');
    assert.ok((await guide.innerText()).includes(other));
    assert.ok((await guide.innerText()).includes(order.checkoutUrl), 'the address can be selected');
    await visitor.picture('guide');
    await visitor.hasNoBarriers();
    // The payer's correction of the detected device is kept.
    await visitor.page.locator('[data-action=correct-device]').click();
    await visitor.page.waitForURL(/device=phone/);
    assert.deepEqual(await methods(visitor), ['wechat', 'alipay']);
    const form = visitor.page.locator('form.methods [name=device]');
    assert.equal(await form.getAttribute('value'), 'phone');
}

test('inside Alipay only Alipay is offered, with instructions to leave', async () => {
    await visit(browser, server, phone('device-inside-alipay', AGENTS.alipay), (visitor) => advises(visitor, merchant, 'alipay', '微信'));
});

test('inside WeChat without JSAPI a code for another phone is offered, with instructions to leave', async () => {
    const other = await startServer({ WECHAT_PRODUCTS: 'native' });
    try {
        await visit(browser, other, phone('device-inside-wechat', AGENTS.wechat), (visitor) => advises(visitor, new Merchant(other), 'wechat', '支付宝'));
    } finally {
        await other.stop();
    }
});

/** The app around the page: it pays what it is handed. */
async function surround(visitor) {
    await visitor.page.exposeFunction('payInTheApp', (words) => merchant.tell('/bridge', words));
    await visitor.page.addInitScript(() => {
        window.WeixinJSBridge = {
            invoke(name, words, answer) {
                const done = (end) => answer({ err_msg: `${name === 'getBrandWCPayRequest' ? 'get_brand_wcpay_request' : name}:${end}` });
                window.payInTheApp(words).then(() => done('ok'), () => done('fail'));
            },
        };
    });
}

test('inside WeChat one press opens the payment, without a second phone', async () => {
    await visit(browser, server, phone('device-inside-wechat-jsapi', AGENTS.wechat), async (visitor) => {
        await surround(visitor);
        const order = await merchant.order();
        await visitor.page.goto(order.checkoutUrl);
        assert.deepEqual(await methods(visitor), ['wechat']);
        assert.equal(await visitor.page.locator('[data-testid=guide]').count(), 0);
        await visitor.hasNoBarriers();
        await visitor.page.locator('[data-action=pay]').click();
        await visitor.reaches('paid');
        assert.doesNotMatch(visitor.page.url(), /open=/, 'a reload would open the payment again');
    });
});

test('a code that WeChat refuses leads to a code for another phone, with the reason', async () => {
    await visit(browser, server, phone('device-inside-wechat-refused', AGENTS.wechat), async (visitor) => {
        await merchant.tell('/oauth', { slip: 'usedCode' });
        const order = await merchant.order();
        await visitor.page.goto(order.checkoutUrl);
        await visitor.page.locator('[data-action=pay]').click();
        await visitor.reaches('waiting');
        await visitor.page.locator('[role=alert]').waitFor();
        const { code } = await visitor.scan();
        assert.match(code, /^weixin:/);
        await visitor.fitsTheScreen();
        await visitor.hasNoBarriers();
    });
});

test('inside Alipay one press leads to its own page', async () => {
    await visit(browser, server, phone('device-inside-alipay-wap', AGENTS.alipay), async (visitor) => {
        const order = await merchant.order();
        await visitor.page.goto(order.checkoutUrl);
        await visitor.page.locator('[data-action=pay]').click();
        await visitor.page.locator('[data-testid=cashier-pay]').click();
        if (!visitor.page.url().startsWith(server.url)) {
            await visitor.page.locator('[data-testid=cashier-back]').click();
        }
        await visitor.page.waitForURL(/\/checkout\//);
        await visitor.reaches('paid', 8_000);
    });
});

test('inside WeChat a payer with a known openid pays by a button', async () => {
    await visit(browser, server, phone('device-jsapi', AGENTS.wechat), async (visitor) => {
        const order = await merchant.order();
        await merchant.start(order, 'wechat', { product: 'jsapi', openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' });
        await surround(visitor);
        await visitor.page.goto(order.checkoutUrl);
        await visitor.picture('button');
        await visitor.page.locator('[data-action=open-bridge]').click();
        await visitor.reaches('paid');
    });
});

test('after a lost notification the page shows "paid" within five seconds, and at once on return', async () => {
    await merchant.during({ kind: 'mute' }, () => visit(browser, server, { name: 'device-lost' }, async (visitor) => {
        for (const comesBack of [false, true]) {
            const order = await merchant.order();
            const payment = await merchant.start(order, 'wechat');
            await visitor.page.goto(order.checkoutUrl);
            await visitor.reaches('waiting');
            // Long enough for the polling intervals to have grown to their longest.
            await visitor.page.waitForTimeout(comesBack ? 1_500 : 11_000);
            await merchant.pay(payment);
            const paidAt = Date.now();
            if (comesBack) await visitor.page.evaluate(() => window.dispatchEvent(new Event('pageshow')));
            await visitor.reaches('paid');
            const took = Date.now() - paidAt;
            assert.ok(took <= (comesBack ? 2_500 : LOST_CALLBACK_MS), `it took ${took} ms`);
        }
    }));
});

test('on a desktop Alipay has its own page as the other mode', async () => {
    await visit(browser, server, { name: 'device-desk' }, async (visitor) => {
        const order = await merchant.order();
        await visitor.page.goto(order.checkoutUrl);
        await visitor.choose('alipay');
        await visitor.page.locator('[data-action=other-way]').click();
        await visitor.page.locator('[data-testid=cashier-pay]').waitFor();
        await visitor.page.goto(order.checkoutUrl);
        await visitor.page.locator('[data-action=open-gateway]').waitFor();
        await visitor.picture('alipay-page');
    });
});
