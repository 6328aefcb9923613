// `tongqian simulator` as a process of its own, and what a test may ask of its control page.
import assert from 'node:assert/strict';
import { startProgram } from '../program.mjs';

const SETTLE_MS = 10_000;

/** `wechatKeys` is `public-key` or `certificate`: what WeChat Pay signs with. */
export async function startSimulator({ wechatKeys = 'public-key' } = {}) {
    const args = ['simulator', '--listen', '127.0.0.1:0', '--wechat-keys', wechatKeys];
    const { found: url, stop } = await startProgram(args, {}, (said) => {
        const url = /Simulator listens on (http:\S+)\s/.exec(said)?.[1];
        return said.includes('# The simulator is ready.') && url;
    });
    try {
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
