// Takes the README's picture of the console: `node end2end/browser/gallery.mjs`, after `cargo build` and `scripts/browser.sh`.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Merchant } from './merchant.mjs';
import { admin, startServer } from './server.mjs';
import { launch } from './visitor.mjs';

const picture = join(dirname(fileURLToPath(import.meta.url)), 'gallery', 'console-order.png');
const server = await startServer({ MERCHANT_NAME: '示例商店', LOG: 'error' });
const browser = await launch();
try {
    const order = await sellAndRefundAPart();
    const page = await browser.newPage({ viewport: { width: 1360, height: 1080 }, locale: 'zh-CN' });
    await page.goto(`${server.url}/admin`);
    await page.locator('input[name=email]').fill(admin.email);
    await page.locator('input[name=password]').fill(admin.password);
    await page.locator('form[action="/admin/login"] button').click();
    await page.locator('.side').waitFor();
    await page.goto(`${server.url}/admin/orders/${order.id}`);
    await page.screenshot({ path: picture });
} finally {
    await browser.close();
    await server.stop();
}

async function sellAndRefundAPart() {
    const merchant = new Merchant(server);
    const order = await merchant.order({ userId: 'u-1024', subject: '加购席位，三个', amount: 29_700 });
    const payment = await merchant.start(order, 'wechat');
    await merchant.pay(payment);
    await merchant.until(`/payments/${payment.id}`, (now) => now.status === 'success');
    const refund = await merchant.refund(payment, 9_900);
    await merchant.until(`/refunds/${refund.id}`, (now) => now.status === 'success');
    return order;
}
