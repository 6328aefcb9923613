import { test } from 'node:test';
import { runDriver } from './python.mjs';
import { startSimulator } from './simulator.mjs';

test('alipay-sdk-python 3.7.1411', async (t) => {
    const simulator = await startSimulator();
    t.after(() => simulator.stop());
    await runDriver(t, 'alipay_sdk_python_driver.py', 'requirements', simulator.url);
});
