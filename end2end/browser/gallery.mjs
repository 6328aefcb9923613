// Takes the README's pictures: `node end2end/browser/gallery.mjs`, after `scripts/bundle.sh`, `cargo build` and
// `scripts/browser.sh`, on a machine whose fonts for `system-ui` are Roboto and Noto Sans CJK.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Merchant } from './merchant.mjs';
import { startServer } from './server.mjs';
import { launch, PHONE, visit } from './visitor.mjs';

const gallery = join(dirname(fileURLToPath(import.meta.url)), 'gallery');
const languages = [['', 'zh-CN'], ['-en', 'en-GB']];
const agent = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1';

const server = await startServer({ MERCHANT_NAME: '山间茶舍', LOG: 'error' });
const merchant = new Merchant(server);
const browser = await launch();
try {
    const goods = { userId: 'u-1024', subject: '明前龙井 250 克', amount: 9_990, allowBalance: true };
    await merchant.call('POST', '/balance/u-1024/adjust', { amount: 20_000, adjustmentNo: 'A-1', note: '补偿' });
    const chosen = await merchant.order(goods);
    await merchant.start(chosen, 'wechat');
    const open = await merchant.order(goods);
    const sold = await sellAndRefundAPart();
    for (const [suffix, locale] of languages) {
        await take(`checkout-desk${suffix}`, { locale, viewport: { width: 1100, height: 960 } }, chosen.checkoutUrl);
        await take(`checkout-phone${suffix}`, { locale, viewport: PHONE, userAgent: agent }, open.checkoutUrl);
        const desk = { locale, viewport: { width: 1360, height: 1080 }, isConsole: true };
        await take(`console-order${suffix}`, desk, `${server.url}/admin/orders/${sold.id}`);
        await take(`console-phone${suffix}`, { ...desk, viewport: PHONE }, `${server.url}/admin/orders`);
    }
} finally {
    await browser.close();
    await server.stop();
}

async function take(name, { isConsole, ...options }, url) {
    await visit(browser, server, { name, deviceScaleFactor: 1, ...options }, async (visitor) => {
        if (isConsole) await visitor.logIn();
        await visitor.page.goto(url);
        await visitor.page.screenshot({ path: join(gallery, `${name}.png`) });
    });
}

async function sellAndRefundAPart() {
    for (const [userId, subject, amount] of [['u-1001', '白毫银针 100 克', 12_800], ['u-1017', '茶具一套', 39_900]]) {
        await merchant.paidOrder('alipay', { userId, subject, amount });
    }
    const { order, payment } = await merchant.paidOrder('wechat', { userId: 'u-1024', subject: '加购茶点，三份', amount: 29_700 });
    const refund = await merchant.refund(payment, 9_900);
    await merchant.until(`/refunds/${refund.id}`, (now) => now.status === 'success');
    return order;
}
