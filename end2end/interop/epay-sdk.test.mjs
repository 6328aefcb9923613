import { test } from 'node:test';
import { startProgram } from '../program.mjs';
import { runDriver } from './python.mjs';

const pid = '1001';
const key = 'epay-interop-key-0123456789-abcdefgh';

test('epay-sdk 0.4.1', async (t) => {
    const settings = { LISTEN: '127.0.0.1:0', EPAY: 'on', EPAY_PID: pid, EPAY_KEY: key };
    const { found, stop } = await startProgram(['serve'], settings, (said) => {
        const server = /Tongqian listens on (http:\S+)\s/.exec(said)?.[1];
        const wallet = /Simulated wallet at (http:\S+)\s/.exec(said)?.[1];
        return server && wallet && { server, wallet };
    });
    t.after(stop);
    await runDriver(t, 'epay_sdk_driver.py', 'requirements', found.server, found.wallet, pid, key);
});
