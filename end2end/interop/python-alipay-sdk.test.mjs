import { test } from 'node:test';
import { runDriver } from './python.mjs';
import { startSimulator } from './simulator.mjs';

test('python-alipay-sdk 3.4.0', async (t) => {
    const simulator = await startSimulator();
    t.after(() => simulator.stop());
    await runDriver(t, 'python_alipay_sdk_driver.py', 'requirements-python-alipay-sdk', simulator.url);
});
