// Runs a Python driver as a process of its own; every step it reports is a subtest.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
// Where scripts/interop.sh put the SDKs; see `cache` in scripts/common.sh.
const cache = process.env.TONGQIAN_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tongqian');

/** `requirements` names the environment; the addresses are given to the driver as they are. */
export async function runDriver(t, driver, requirements, ...addresses) {
    const python = join(cache, 'interop', requirements, 'bin/python');
    const child = spawn(python, ['-B', join(here, driver), ...addresses], {
        stdio: ['ignore', 'pipe', 'inherit'],
        // The Alipay SDKs write local time where Alipay wants Beijing's.
        env: { PATH: process.env.PATH, HOME: process.env.HOME, TZ: 'Asia/Shanghai', PYTHONUTF8: '1' },
    });
    const stop = () => child.kill('SIGKILL');
    process.once('exit', stop);
    t.after(stop);
    const ended = new Promise((done, fail) => {
        child.once('error', fail);
        child.once('close', (code, signal) => done(code ?? signal));
    });
    // Awaited below; until then a missing interpreter must not be an unhandled rejection.
    ended.catch(() => {});
    let finished = false;
    for await (const line of createInterface({ input: child.stdout })) {
        const report = JSON.parse(line);
        if ('finished' in report) finished = true;
        else {
            await t.test(report.step, () => {
                if (report.error) throw new Error(report.error);
            });
        }
    }
    assert.equal(await ended, 0, 'the driver ended badly');
    assert.ok(finished, 'the driver ended before its last step');
    process.off('exit', stop);
}
