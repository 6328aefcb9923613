// Measures what a living webhook endpoint notices of ten dead ones, from the request that creates an order to the webhook:
//
//   cargo build --release && TONGQIAN_BIN=target/release/tongqian node end2end/load/dead-endpoints.mjs [orders a round]
//
// Two servers are measured in turn, one of them with the dead endpoints, so that both see the same machine; the figures are
// medians of the rounds. No test: they depend on the machine.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { Merchant } from '../browser/merchant.mjs';
import { startServer } from '../browser/server.mjs';

const n_orders = Number(process.argv[2] ?? 200);
const N_DEAD = 10;
const ROUNDS = 9;
// Few enough that nothing waits for the machine: this is about delay, not about throughput.
const EVERY_MS = 50;
const PATIENCE_MS = 30_000;

/** A program that notes when it is told of each order. */
async function listenAlive() {
    const heard = new Map();
    const program = createServer(async (request, answer) => {
        const at = performance.now();
        let body = '';
        for await (const chunk of request) body += chunk;
        const { orderId } = JSON.parse(body);
        if (!heard.has(orderId)) heard.set(orderId, at);
        answer.writeHead(204).end();
    });
    await once(program.listen(0, '127.0.0.1'), 'listening');
    return { url: `http://127.0.0.1:${program.address().port}/hook`, heard };
}

/** Takes every connection and says nothing. */
async function listenDead() {
    let n_attempts = 0;
    const program = createSocketServer((socket) => {
        n_attempts += 1;
        socket.on('error', () => {});
        socket.resume();
    });
    await once(program.listen(0, '127.0.0.1'), 'listening');
    return { url: `http://127.0.0.1:${program.address().port}/hook`, n_attempts: () => n_attempts };
}

async function open(n_dead) {
    const server = await startServer({ LOG: 'error' });
    const merchant = new Merchant(server);
    const register = (url) => merchant.call('POST', '/webhook-endpoints', { url, events: ['order.created'] });
    const dead = await Promise.all(Array.from({ length: n_dead }, listenDead));
    for (const { url } of dead) await register(url);
    const alive = await listenAlive();
    await register(alive.url);
    return { server, merchant, dead, heard: alive.heard, rounds: [] };
}

/** Returns the waits of a round in milliseconds, the shortest first. */
async function measure({ merchant, heard }) {
    const sent = await Promise.all(Array.from({ length: n_orders }, async (_, index) => {
        await pause(index * EVERY_MS);
        const begun = performance.now();
        return { begun, order: await merchant.order() };
    }));
    const until = performance.now() + PATIENCE_MS;
    const waits = [];
    for (const { begun, order } of sent) {
        while (!heard.has(order.id)) {
            if (performance.now() > until) throw new Error(`order ${order.id} was never told`);
            await pause(5);
        }
        waits.push(heard.get(order.id) - begun);
    }
    return waits.sort((left, right) => left - right);
}

const alone = await open(0);
const beside = await open(N_DEAD);
for (let round = 0; round <= ROUNDS; round += 1) {
    for (const shop of [alone, beside]) {
        const waits = await measure(shop);
        // The first round warms up.
        if (round > 0) shop.rounds.push(waits);
    }
}
const share = (waits, part) => waits[Math.min(waits.length - 1, Math.floor(waits.length * part))];
const median = (values) => values.sort((left, right) => left - right)[Math.floor(values.length / 2)];
const show = (name, { rounds }) => {
    const [p50, p99, worst] = [0.5, 0.99, 1].map((part) => median(rounds.map((waits) => share(waits, part))));
    console.log(`${name.padEnd(16)} p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  worst ${worst.toFixed(1)} ms`);
    return p99;
};
console.log(`${ROUNDS} rounds of ${n_orders} orders, one each ${EVERY_MS} ms, ${cpus().length} cores`);
const p99_alone = show('alone', alone);
const p99_beside = show(`beside ${N_DEAD} dead`, beside);
const n_attempts = beside.dead.map((one) => one.n_attempts());
console.log(`p99 beside dead ones: ${((p99_beside / p99_alone) * 100).toFixed(0)} % of alone; `
    + `attempts at each dead one: ${Math.min(...n_attempts)} to ${Math.max(...n_attempts)}`);
await Promise.all([alone.server.stop(), beside.server.stop()]);
process.exit(0);
