import { test } from 'node:test';
import { runDriver } from './python.mjs';
import { startSimulator } from './simulator.mjs';

test('wechatpayv3 2.0.4', async (t) => {
    const publicKey = await startSimulator({ wechatKeys: 'public-key' });
    t.after(() => publicKey.stop());
    const certificate = await startSimulator({ wechatKeys: 'certificate' });
    t.after(() => certificate.stop());
    await runDriver(t, 'wechatpayv3_driver.py', 'requirements', publicKey.url, certificate.url);
});
