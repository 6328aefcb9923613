// The receipt on paper, and what a first page weighs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Merchant } from './merchant.mjs';
import { startServer } from './server.mjs';
import { launch, visit } from './visitor.mjs';

/** A first page that is usable without a script: document, stylesheet, and the code in it. */
const FIRST_PAGE_BYTES = 15 * 1024;
const BUNDLE_BYTES = 90 * 1024;
const POINTS_PER_MM = 72 / 25.4;

let browser, server, merchant;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer()]);
    merchant = new Merchant(server);
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

test('a receipt is printed on A4 or on a roll of 80 mm, with every refund and no buttons', async () => {
    await merchant.tell('/merchant', { wechatRefundMs: 0 });
    const { order, payment } = await merchant.paidOrder('wechat');
    await merchant.refund(payment, 2_000);
    await merchant.until(`/orders/${order.id}`, ({ refundedAmount }) => refundedAmount === 2_000);
    await visit(browser, server, { name: 'receipt-paper' }, async (visitor) => {
        const { page } = visitor;
        for (const [paper, width] of [['a4', 210], ['80', 80]]) {
            await page.goto(`${order.checkoutUrl}/receipt?paper=${paper}&lang=en`);
            const text = await visitor.text('main');
            for (const part of ['99.90', 'Team plan', order.orderNo, payment.paymentNo, 'Refunded', '¥20.00', 'GMT+8']) {
                assert.ok(text.includes(part), `${part} is missing`);
            }
            await visitor.picture(`screen-${paper}`);
            await page.emulateMedia({ media: 'print' });
            assert.equal(await page.locator('main .button:visible, .foot:visible, .skip:visible').count(), 0);
            await visitor.picture(`print-${paper}`);
            const pdf = await page.pdf({ preferCSSPageSize: true });
            const [, points] = /\/MediaBox\s*\[\s*0 0 ([\d.]+)/.exec(pdf.toString('latin1'));
            assert.equal(Math.round(Number(points) / POINTS_PER_MM), width);
            await page.emulateMedia({ media: 'screen' });
        }
    });
});

test('a first page with its code is small, and so is its bundle', async () => {
    const order = await merchant.order();
    await merchant.start(order, 'wechat');
    const sent = {};
    await visit(browser, server, { name: 'weight' }, async (visitor) => {
        const devtools = await visitor.context.newCDPSession(visitor.page);
        await devtools.send('Network.enable');
        const paths = new Map();
        devtools.on('Network.responseReceived', ({ requestId, response }) => paths.set(requestId, response));
        devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
            const response = paths.get(requestId);
            if (response) sent[new URL(response.url).pathname] = { bytes: encodedDataLength, headers: response.headers };
        });
        await visitor.page.goto(order.checkoutUrl);
        await visitor.reaches('waiting');
        await visitor.page.waitForLoadState('networkidle').catch(() => {});
        const shifts = await visitor.page.evaluate(() => new Promise((done) => {
            new PerformanceObserver((list) => done(list.getEntries().reduce((sum, { value }) => sum + value, 0)))
                .observe({ type: 'layout-shift', buffered: true });
            setTimeout(() => done(0), 500);
        }));
        assert.ok(shifts < 0.02, `the layout shifts by ${shifts}`);
    });
    const total = (isPart) => Object.entries(sent)
        .filter(([path]) => isPart(path))
        .reduce((sum, [, { bytes }]) => sum + bytes, 0);
    const first = total((path) => path.startsWith('/checkout/') ? !/events|status/.test(path) : path.endsWith('.css'));
    assert.ok(first > 0 && first <= FIRST_PAGE_BYTES, `the first page has ${first} bytes`);
    const bundle = Object.keys(sent).filter((path) => path.startsWith('/pkg/'));
    assert.equal(bundle.length, 2, 'the script and its wasm');
    assert.ok(total((path) => path.startsWith('/pkg/')) <= BUNDLE_BYTES, JSON.stringify(sent));
    for (const path of bundle) {
        const headers = Object.fromEntries(Object.entries(sent[path].headers).map(([name, value]) => [name.toLowerCase(), value]));
        assert.match(headers['cache-control'], /immutable/);
        assert.equal(headers['content-encoding'], 'br');
    }
    console.log(`first page ${first} bytes, bundle ${total((path) => path.startsWith('/pkg/'))} bytes`);
});

test('on a slow line the code is there before the script is', async () => {
    const order = await merchant.order();
    await merchant.start(order, 'wechat');
    await visit(browser, server, { name: 'slow' }, async (visitor) => {
        const devtools = await visitor.context.newCDPSession(visitor.page);
        await devtools.send('Network.enable');
        const line = { offline: false, latency: 100, downloadThroughput: 100 * 1024, uploadThroughput: 50 * 1024 };
        await devtools.send('Network.emulateNetworkConditions', line);
        const began = Date.now();
        await visitor.page.goto(order.checkoutUrl, { waitUntil: 'commit' });
        await visitor.page.locator('[data-testid=qr] svg').waitFor();
        const usable = Date.now() - began;
        assert.ok(usable < 2_000, `the code took ${usable} ms`);
        console.log(`usable after ${usable} ms at 100 KB/s`);
    });
});
