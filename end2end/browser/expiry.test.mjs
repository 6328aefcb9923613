// A code whose time is over says so by itself, and a new one can be had.
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

test('a code that nobody paid expires in front of the visitor, who takes a new one and pays it', async () => {
    await visit(browser, server, { name: 'expiry' }, async (visitor) => {
        await visitor.buy();
        await visitor.choose('wechat');
        await visitor.reaches('expired', 25_000);
        await visitor.picture('expired');
        await visitor.page.locator('button[data-action=new-code]').click();
        await visitor.reaches('waiting');
        const { code } = await visitor.scan();
        await visitor.wallet(code, 'pay');
        await visitor.reaches('paid');
    });
});
