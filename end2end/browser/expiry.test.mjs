// An expired code is renewed once while the page is visible; after that the page shows its end and offers a new one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';
import { launch, visit } from './visitor.mjs';

let browser, server;
before(async () => {
    const settings = { PAYMENT_TTL_MINUTES: '0.15', EXPIRY_CRON: '* * * * * *' };
    [browser, server] = await Promise.all([launch(), startServer(settings)]);
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

test('an unpaid code is renewed once, then expires, and a new one can be paid', async () => {
    await visit(browser, server, { name: 'expiry' }, async (visitor) => {
        await visitor.buy();
        await visitor.choose('wechat');
        const { code: first } = await visitor.scan();
        await visitor.page.evaluate(() => { window.stillTheSamePage = true; });
        await visitor.page.locator(`[data-testid=qr]:not([data-code="${first}"])`).waitFor({ timeout: 25_000 });
        assert.ok(await visitor.page.evaluate(() => window.stillTheSamePage), 'the page was loaded again');
        await visitor.reaches('expired', 25_000);
        await visitor.picture('expired');
        await visitor.page.locator('button[data-action=new-code]').click();
        await visitor.reaches('waiting');
        const { code } = await visitor.scan();
        await visitor.wallet(code, 'pay');
        await visitor.reaches('paid');
    });
});
