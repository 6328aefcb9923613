// The last finish of a payer's page: the way back, a slow gateway, a lost connection, narrow screens.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { Merchant } from './merchant.mjs';
import { startServer } from './server.mjs';
import { launch, PHONE, visit } from './visitor.mjs';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
/** Five seconds, and some for a busy machine. */
const RETURNED_WITHIN_MS = 9_000;
/** A visitor who did not ask for less motion. */
const MOVING = { reducedMotion: 'no-preference' };
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1';

let browser, server, merchant;
before(async () => {
    const endpoint = { WEBHOOK_URL: 'http://127.0.0.1:9/', WEBHOOK_SECRET: SECRET };
    [browser, server] = await Promise.all([launch(), startServer(endpoint)]);
    merchant = new Merchant(server);
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

/** The merchant's page: one of this server's, because a test asks no other host. */
const thanks = () => `${server.url}/?lang=en&from=payment`;

/** Pays while the page is open. */
async function payOn(visitor, changes) {
    const order = await merchant.order(changes);
    const payment = await merchant.start(order, 'wechat');
    await visitor.page.goto(order.checkoutUrl);
    await visitor.reaches('waiting');
    await merchant.pay(payment);
    await visitor.reaches('paid');
    return order;
}

test('after the payment the page counts down and leaves once, with a result that the guide verifies', async () => {
    const guide = await readFile(new URL('../../PAYMENT_INTEGRATION.md', import.meta.url), 'utf8');
    const [, code] = /```js\n([\s\S]*?)```/.exec(guide);
    const { readReturn } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    await visit(browser, server, { name: 'finish-return', ...MOVING }, async (visitor) => {
        const { page } = visitor;
        const order = await payOn(visitor, { returnUrl: thanks() });
        await page.locator('.return__text', { hasText: '秒后返回商家' }).waitFor();
        await visitor.picture('counting');
        await page.waitForURL(/from=payment/, { timeout: RETURNED_WITHIN_MS });
        assert.deepEqual(readReturn(page.url(), SECRET), { orderNo: order.orderNo, status: 'paid' });
        assert.equal(readReturn(page.url().replace('status=paid', 'status=refunded'), SECRET), null);
        assert.equal(readReturn(page.url(), SECRET.replace('Mf', 'Nf')), null);
        // Going back shows the page, which does not leave a second time.
        await page.goBack();
        await visitor.reaches('paid');
        await page.waitForTimeout(6_500);
        assert.match(page.url(), /\/checkout\//);
    });
});

test('a payer can stay, and one who asks for less motion is not moved', async () => {
    await visit(browser, server, { name: 'finish-stay', locale: 'en-GB', ...MOVING }, async (visitor) => {
        await payOn(visitor, { returnUrl: thanks() });
        await visitor.page.locator('[data-action=stay]').click();
        await visitor.page.waitForTimeout(6_500);
        await visitor.reaches('paid');
        assert.equal(await visitor.page.locator('.return__text:visible').count(), 0);
        await visitor.hasNoBarriers();
    });
    await visit(browser, server, { name: 'finish-still' }, async (visitor) => {
        await payOn(visitor, { returnUrl: thanks() });
        await visitor.page.waitForTimeout(6_500);
        await visitor.reaches('paid');
    });
});

test('without script the way back is a link', async () => {
    await visit(browser, server, { name: 'finish-plain', javaScriptEnabled: false }, async (visitor) => {
        const { order } = await merchant.paidOrder('wechat', { returnUrl: thanks() });
        await visitor.page.goto(order.checkoutUrl);
        await visitor.reaches('paid');
        assert.equal(await visitor.page.locator('.return__text:visible, [data-action=stay]:visible').count(), 0);
        assert.equal(await visitor.page.locator('.countdown:visible').count(), 0);
        await visitor.picture('link');
        await visitor.page.locator('[data-action=return]').click();
        await visitor.page.waitForURL(/from=payment.*signature=/);
    });
});

test('a pressed button says that it works while the gateway is slow, and takes no second press', async () => {
    await visit(browser, server, { name: 'finish-busy' }, async (visitor) => {
        const order = await merchant.order();
        await visitor.page.goto(order.checkoutUrl);
        await visitor.page.waitForLoadState('networkidle');
        await merchant.during({ kind: 'hangBefore', endpoint: 'create', times: 1 }, async () => {
            let posts = 0;
            visitor.page.on('request', (request) => { if (request.method() === 'POST') posts += 1; });
            // Looked at and pressed again by the page itself: the browser's driver waits for the navigation.
            await visitor.page.evaluate(() => {
                window.addEventListener('submit', () => setTimeout(() => {
                    const button = document.querySelector('button[data-action=pay]');
                    sessionStorage.busy = button.getAttribute('aria-busy');
                    button.click();
                }, 100), { once: true });
            });
            await visitor.page.locator('button[data-action=pay]').click({ noWaitAfter: true });
            await visitor.reaches('waiting');
            assert.equal(await visitor.page.evaluate(() => sessionStorage.busy), 'true');
            assert.equal(posts, 1);
        });
    });
});

test('a lost connection is said, and the countdown stops', async () => {
    const own = await startServer();
    const shop = new Merchant(own);
    try {
        const order = await shop.order();
        await shop.start(order, 'wechat');
        const context = await browser.newContext({ viewport: PHONE, locale: 'zh-CN' });
        const page = await context.newPage();
        // Before its script listens the page cannot say anything.
        const listening = page.waitForResponse((response) => response.url().includes('/events'));
        await page.goto(order.checkoutUrl);
        await listening;
        await page.locator('.countdown:visible').waitFor();
        await context.setOffline(true);
        await page.locator('.connection', { hasText: '连接已中断' }).waitFor();
        // An event that was on its way when the line went takes the message back for a moment.
        await page.locator('.countdown').waitFor({ state: 'hidden' });
        await page.screenshot({ path: new URL('screenshots/finish-offline.png', import.meta.url).pathname });
        await context.setOffline(false);
        await page.locator('.connection', { hasText: '连接' }).waitFor({ state: 'hidden', timeout: 15_000 });
        await page.locator('.countdown').waitFor();
        await own.stop();
        await page.locator('.connection', { hasText: '连接已中断' }).waitFor({ timeout: 15_000 });
        await context.close();
    } finally {
        await own.stop();
    }
});

test('a payer who is entering the password is told so', async () => {
    await visit(browser, server, { name: 'finish-paying', locale: 'en-GB' }, async (visitor) => {
        const order = await merchant.order();
        await merchant.start(order, 'wechat');
        await visitor.page.goto(order.checkoutUrl);
        await merchant.during({ kind: 'userPaying' }, async () => {
            await visitor.page.locator('button[data-action=switch][value=alipay]').click();
            await visitor.page.locator('[role=alert]', { hasText: 'in WeChat at this moment' }).waitFor();
            await visitor.picture('told');
        });
    });
});

for (const width of [360, 390, 1280]) {
    for (const locale of ['zh-CN', 'en-GB']) {
        test(`nothing is cut off at ${width} px (${locale})`, async () => {
            const options = { name: `finish-${width}-${locale}`, locale, viewport: { width, height: 800 } };
            await visit(browser, server, options, async (visitor) => {
                const { page } = visitor;
                const order = await merchant.order({ returnUrl: thanks() });
                const look = async (what) => {
                    await visitor.fitsTheScreen();
                    await visitor.picture(what);
                };
                await page.goto(order.checkoutUrl);
                await look('choose');
                await visitor.choose('alipay');
                await look('waiting');
                const { order: paid, payment } = await merchant.paidOrder('wechat', { returnUrl: thanks() });
                await merchant.refund(payment, 2_000);
                await merchant.until(`/orders/${paid.id}`, ({ refundedAmount }) => refundedAmount === 2_000);
                await page.goto(paid.checkoutUrl);
                await look('refunded');
                await page.goto(`${paid.checkoutUrl}/receipt`);
                await look('receipt');
                const { order: whole } = await merchant.paidOrder('alipay', { returnUrl: thanks() });
                await page.goto(whole.checkoutUrl);
                await look('paid');
                await page.goto(server.wallet);
                await look('wallet');
            });
        });
    }
}

test('a phone comes to the wallet by one press', async () => {
    const options = { name: 'finish-one-press', userAgent: IPHONE, viewport: PHONE, isMobile: true, hasTouch: true };
    await visit(browser, server, options, async (visitor) => {
        for (const method of ['wechat', 'alipay']) {
            const order = await merchant.order();
            await visitor.page.goto(order.checkoutUrl);
            await visitor.leaveFor(method);
        }
    });
});
