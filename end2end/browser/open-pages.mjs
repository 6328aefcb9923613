// Measures what open pages cost: `node end2end/browser/open-pages.mjs [pages]`. No test: figures depend on the machine.
import { readFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Merchant } from './merchant.mjs';
import { startServer } from './server.mjs';

const PAGES_PER_ORDER = 10;
const n_pages = Number(process.argv[2] ?? 1_000);
const n_orders = Math.ceil(n_pages / PAGES_PER_ORDER);

const server = await startServer({ LOG: 'error' });
const merchant = new Merchant(server);
const memory = async () => /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${server.pid}/status`, 'utf8'))[1];

const bought = [];
for (let n = 0; n < n_orders; n += 1) {
    const order = await merchant.order();
    bought.push({ order, payment: await merchant.start(order, 'alipay') });
}
const before = await memory();

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
const heard = new Map();
for (let page = 0; page < n_pages; page += 1) {
    const { order } = bought[page % n_orders];
    await new Promise((opened) => get(`${order.checkoutUrl}/events`, { agent }, (events) => {
        events.on('data', (chunk) => { if (String(chunk).includes('"paid"')) heard.set(page, performance.now()); });
        opened();
    }));
}
// Longer than the pauses between questions take to reach their longest.
await pause(12_000);
console.log(`memory: ${before} KB before, ${await memory()} KB with ${n_pages} open pages of ${n_orders} orders`);

const waits = [];
for (const [n, { payment }] of bought.slice(0, 30).entries()) {
    const paid = performance.now();
    await merchant.pay(payment);
    await pause(500);
    for (let page = n; page < n_pages; page += n_orders) waits.push((heard.get(page) ?? Infinity) - paid);
}
waits.sort((left, right) => left - right);
const at = (share) => waits[Math.floor(waits.length * share)].toFixed(0);
console.log(`from paying to the page: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms of ${waits.length}`);
agent.destroy();
await server.stop();
