// `tongqian simulator` as a process of its own, and what a test may ask of its control page.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.TONGQIAN_BIN ?? join(root, 'target/debug/tongqian');
const START_MS = 60_000;
const STOP_MS = 20_000;
const SETTLE_MS = 10_000;

// An interrupted run takes its simulators along.
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

/** `wechatKeys` is `public-key` or `certificate`: what WeChat Pay signs with. */
export async function startSimulator({ wechatKeys = 'public-key' } = {}) {
    const home = await mkdtemp(join(tmpdir(), 'tongqian-interop-'));
    const child = spawn(binary, ['simulator', '--listen', '127.0.0.1:0', '--wechat-keys', wechatKeys], {
        cwd: home,
        stdio: ['ignore', 'pipe', 'pipe'],
        // Nothing of the caller's own configuration may reach the test.
        env: { PATH: process.env.PATH, HOME: home },
    });
    running.add(child);
    const ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
    let said = '';
    const address = new Promise((done, fail) => {
        const listen = (chunk) => {
            said += chunk;
            const url = /Simulator listens on (http:\S+)\s/.exec(said)?.[1];
            if (url && said.includes('# The simulator is ready.')) done(url);
        };
        child.stdout.on('data', listen);
        child.stderr.on('data', listen);
        child.once('error', fail);
        ended.then((how) => fail(new Error(`the simulator ended (${how}) before it listened:\n${said}`)));
        setTimeout(() => fail(new Error(`the simulator did not say where it listens:\n${said}`)), START_MS).unref();
    });

    async function stop() {
        child.kill('SIGTERM');
        const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
        await ended;
        running.delete(child);
        clearTimeout(late);
        await rm(home, { recursive: true, force: true });
    }

    try {
        const url = await address;
        return { ...controls(url), credentials: await control(url, 'GET', '/credentials'), url, stop };
    } catch (error) {
        await stop();
        throw error;
    }
}

async function control(url, method, path, body) {
    const answer = await fetch(`${url}/_control${path}`, { method, body: body && JSON.stringify(body) });
    const value = await answer.json();
    assert.equal(answer.status, 200, `${method} ${path}: ${value.error}`);
    return value;
}

function controls(url) {
    const books = () => control(url, 'GET', '/books');
    return {
        books,
        pay: (outTradeNo) => control(url, 'POST', '/pay', { outTradeNo }),
        advance: (advanceMs) => control(url, 'POST', '/clock', { advanceMs }),
        fault: (fault) => control(url, 'POST', '/faults', { times: 1, ...fault }),
        /** A signed notice that was never sent, altered as asked. */
        forge: (outTradeNo, alteration = {}) => control(url, 'POST', '/notice', { outTradeNo, ...alteration }),
        /** Waits until the merchant's answers were counted as receipts: of so many notices with these words. */
        async acknowledged(outTradeNo, about, nNotices = 1) {
            const started = Date.now();
            for (;;) {
                const { notices } = await books();
                const ours = notices.filter((notice) => notice.outTradeNo === outTradeNo && notice.about === about);
                if (ours.filter((notice) => notice.acknowledged).length >= nNotices) return;
                const shown = JSON.stringify(notices);
                assert.ok(Date.now() - started < SETTLE_MS, `not ${nNotices} receipts for ${about}: ${shown}`);
                await new Promise((done) => setTimeout(done, 20));
            }
        },
    };
}

/** A number both gateways take. */
export function freshNumber(prefix) {
    return `${prefix}${Date.now()}${String(Math.random()).slice(2, 8)}`;
}
