// The receivers of PAYMENT_INTEGRATION.md, as they stand there: they hear of a real paid order, and refuse altered bytes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../program.mjs';
import { startServer } from './tongqian.mjs';
import { here, python, runTool } from './tools.mjs';

const PATIENCE_MS = 30_000;

/** The example of a language, as a reader copies it. */
async function example(language) {
    const guide = await readFile(join(root, 'PAYMENT_INTEGRATION.md'), 'utf8');
    const blocks = [...guide.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].filter(([, word]) => word === language);
    assert.equal(blocks.length, 1, `one example in ${language}`);
    return blocks[0][2];
}

async function until(what, found) {
    const began = Date.now();
    for (;;) {
        const value = await found();
        if (value) return value;
        assert.ok(Date.now() - began < PATIENCE_MS, `${what} does not come`);
        await new Promise((done) => setTimeout(done, 50));
    }
}

/** Passes requests on to a receiver, and keeps them with the answers. */
async function openRelay(t) {
    const relayed = [];
    const relay = createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const letter = { headers: request.headers, body: Buffer.concat(chunks) };
        const status = await deliver(relay.target, letter).catch(() => 503);
        relayed.push({ ...letter, status });
        response.writeHead(status).end();
    });
    await new Promise((done) => relay.listen(0, '127.0.0.1', done));
    t.after(() => relay.close());
    return { relay, relayed, url: `http://127.0.0.1:${relay.address().port}/` };
}

async function deliver(url, { headers, body }) {
    const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => /^(webhook-|content-type)/.test(name)));
    return (await fetch(url, { method: 'POST', headers: sent, body })).status;
}

async function freePort() {
    const probe = createServer();
    await new Promise((done) => probe.listen(0, '127.0.0.1', done));
    const { port } = probe.address();
    await new Promise((done) => probe.close(done));
    return port;
}

const receivers = {
    async ts(home) {
        await writeFile(join(home, 'receiver.ts'), await example('ts'));
        await writeFile(join(home, 'package.json'), '{"type":"module"}');
        await symlink(join(here, 'node_modules'), join(home, 'node_modules'));
        const target = ['--target', 'es2022', '--module', 'nodenext', '--skipLibCheck', '--types', 'node'];
        await runTool('tsc', ['--strict', ...target, 'receiver.ts'], { cwd: home });
        return ['node', ['receiver.js']];
    },
    async python(home) {
        await writeFile(join(home, 'receiver.py'), await example('python'));
        return [join(python, 'python'), ['-B', 'receiver.py']];
    },
};

for (const [language, prepare] of Object.entries(receivers)) {
    test(`the receiver in ${language} hears of a paid order and refuses altered bytes`, async (t) => {
        const server = await startServer();
        t.after(() => server.stop());
        const home = await mkdtemp(join(tmpdir(), 'tongqian-receiver-'));
        t.after(() => rm(home, { recursive: true, force: true }));
        const call = async (method, path, body) => {
            const headers = { Authorization: `Bearer ${server.key}`, 'Content-Type': 'application/json' };
            const answer = await fetch(`${server.url}/api/billing${path}`, { method, headers, body: JSON.stringify(body) });
            assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
            return answer.json();
        };

        const { relay, relayed, url } = await openRelay(t);
        const endpoint = await call('POST', '/webhook-endpoints', { url, events: ['order.paid'] });
        const port = await freePort();
        relay.target = `http://127.0.0.1:${port}/`;
        const [program, args] = await prepare(home);
        const env = { PATH: process.env.PATH, WEBHOOK_SECRET: endpoint.secret, PORT: String(port) };
        const receiver = spawn(program, args, { cwd: home, env, stdio: ['ignore', 'pipe', 'ignore'] });
        t.after(() => receiver.kill('SIGKILL'));
        let said = '';
        receiver.stdout.on('data', (chunk) => (said += chunk));
        await until('the receiver', () => fetch(relay.target, { method: 'POST', body: '{}' }).catch(() => null));

        const order = await call('POST', '/orders', { userId: 'u-7', subject: '专业版 "月付"', amount: 9990 });
        const payment = await call('POST', '/payments', { orderId: order.id, method: 'wechat' });
        const paid = await fetch(server.wallet, {
            method: 'POST',
            body: new URLSearchParams({ code: payment.paymentUrl, act: 'pay' }),
        });
        assert.equal(paid.status, 200);
        await until('the event', () => said.includes('\n'));
        assert.equal(said, `paid ${order.id} 9990\n`);
        const letter = await until('the delivery', () => relayed.find(({ status }) => status === 204));
        const log = await until('the delivery in the log', async () => {
            const page = await call('GET', `/webhook-endpoints/${endpoint.id}/deliveries?status=succeeded`);
            return page.data[0];
        });
        assert.equal(log.responseStatus, 204);
        assert.equal(log.eventId, letter.headers['webhook-id']);

        // The very bytes that were delivered: once more, and then with one of them altered in each place that is signed.
        const at = letter.body.indexOf('9990');
        const altered = Buffer.from(letter.body);
        altered[at] = '8'.charCodeAt(0);
        const header = (name, value) => ({ ...letter, headers: { ...letter.headers, [name]: value } });
        assert.equal(await deliver(relay.target, letter), 204);
        for (const wrong of [
            { ...letter, body: altered },
            header('webhook-id', `${letter.headers['webhook-id'].slice(0, -1)}_`),
            header('webhook-timestamp', String(Number(letter.headers['webhook-timestamp']) + 1)),
            header('webhook-signature', letter.headers['webhook-signature'].replace(/^v1,./, 'v1,_')),
        ]) {
            assert.equal(await deliver(relay.target, wrong), 400);
        }
        assert.equal(said, `paid ${order.id} 9990\n`, 'an event that comes twice is acted upon once');
    });
}
