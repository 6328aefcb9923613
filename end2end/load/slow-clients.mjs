// Measures what a healthy client notices of ten thousand slow ones:
//
//   cargo build --release && TONGQIAN_BIN=target/release/tongqian node end2end/load/slow-clients.mjs [clients] [seconds] [crowd]
//
// No test: figures depend on the machine. Give the shell enough descriptors first (`ulimit -n 20000`).
import { fork } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { cpus } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { Merchant } from '../browser/merchant.mjs';
import { apiKey, startServer } from '../browser/server.mjs';

const n_clients = Number(process.argv[2] ?? 10_000);
const seconds = Number(process.argv[3] ?? 20);
const chosen = process.argv[4];
const STREAMS_PER_ORDER = 10;
const N_UNREAD = 20;
const COMES_BACK_MS = 3_000;
const LEAVES_MS = 5_000;
// One address has too few ports for all of them.
const CLIENTS_PER_ADDRESS = 2_500;

const server = await startServer({ LOG: 'error', TRUSTED_PROXIES: '127.0.0.0/8' });
const merchant = new Merchant(server);
const { hostname, port } = new URL(server.url);

async function memory() {
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    // Times of the process in hundredths of a second, by user and system.
    const times = (await readFile(`/proc/${server.pid}/stat`, 'utf8')).split(') ')[1].split(' ').slice(11, 13);
    const descriptors = await readdir(`/proc/${server.pid}/fd`);
    return {
        rss: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
        descriptors: descriptors.length,
        cpu: times.map((time) => Number(time) / 100),
    };
}

/**
 * Keeps `n` connections open that send `head(n)`; closed ones are reopened. A client that reads nothing does not notice that
 * it was closed, so it leaves by itself after a while.
 */
function gather(n, head, readsNothing) {
    const sockets = new Set();
    let n_opened = 0;
    let isOver = false;
    const open = (index) => {
        if (isOver) return;
        const localAddress = `127.0.1.${1 + Math.floor(index / CLIENTS_PER_ADDRESS)}`;
        const socket = connect({ host: hostname, port, localAddress });
        n_opened += 1;
        sockets.add(socket);
        socket.on('connect', () => socket.write(head(index)));
        if (readsNothing) {
            socket.pause();
            setTimeout(() => socket.destroy(), LEAVES_MS).unref();
        } else {
            socket.resume();
        }
        socket.on('error', () => {});
        socket.on('close', () => {
            sockets.delete(socket);
            setTimeout(open, COMES_BACK_MS, index).unref();
        });
    };
    for (let index = 0; index < n; index += 1) setTimeout(open, index / 2, index);
    return {
        n_opened: () => n_opened,
        n_open: () => sockets.size,
        disperse() {
            isOver = true;
            sockets.forEach((socket) => socket.destroy());
        },
    };
}

const healthy = fork(new URL('healthy.mjs', import.meta.url), [server.url, apiKey]);
async function measure(ms) {
    const told = new Promise((done) => healthy.once('message', done));
    healthy.send({ ms, page: page.checkoutUrl });
    return told;
}

const page = await merchant.order();
await merchant.start(page, 'wechat');
await measure(2_000);
const quiet = await measure(seconds * 1_000);
const show = (name, seen, more = '') => console.log(
    `${name.padEnd(8)} p50 ${seen.p50.toFixed(1)} ms  p99 ${seen.p99.toFixed(1)} ms  worst ${seen.worst.toFixed(0)} ms  `
    + `${seen.n} requests, ${seen.n_failed} failed${more}`,
);
console.log(`${n_clients} slow clients, ${seconds} s each, ${cpus().length} cores`);
const before = await memory();
show('quiet', quiet, `  ${before.rss.toFixed(0)} MB, ${before.descriptors} descriptors`);

const html = await (await fetch(page.checkoutUrl)).text();
const [stylesheet] = /\/assets\/main\.[^"]+/.exec(html);
const orders = [];
for (let n = 0; n < n_clients / STREAMS_PER_ORDER; n += 1) orders.push(await merchant.order());
const streamOf = (index) => new URL(orders[index % orders.length].checkoutUrl).pathname;
const head = (line, more = '') => `${line} HTTP/1.1\r\nHost: ${hostname}\r\n${more}`;
const crowds = {
    heads: () => head('GET /'),
    bodies: () => `${head('POST /ui/buy_plan', 'Content-Length: 60000\r\n')}\r\n${'x'.repeat(1_000)}`,
    // More than the buffers of both systems hold, and nothing that costs the server work.
    readers: () => `${head(`GET ${stylesheet}`)}\r\n`.repeat(N_UNREAD),
    streams: (index) => head(
        `GET ${streamOf(index)}/events`,
        `X-Forwarded-For: 203.0.${Math.floor(index / 100)}.${index % 100}\r\n\r\n`,
    ),
};
for (const [name, say] of Object.entries(crowds)) {
    if (chosen && chosen !== name) continue;
    const then = await memory();
    const crowd = gather(n_clients, say, name === 'readers');
    // The slow clients connect within `n / 2` ms.
    await pause(n_clients / 2 + 1_000);
    const seen = await measure(seconds * 1_000);
    const now = await memory();
    const bound = 50 + 1.2 * quiet.p99;
    show(name, seen, `  ${now.rss.toFixed(0)} MB, ${now.descriptors} descriptors, ${crowd.n_open()} there, `
        + `${crowd.n_opened()} opened, ${now.cpu.map((time, at) => (time - then.cpu[at]).toFixed(1)).join(' + ')} s of CPU: ${seen.p99 <= bound && now.rss <= 150 ? 'within' : 'OUTSIDE'} the aims`);
    crowd.disperse();
    await pause(3_000);
}
healthy.disconnect();
await server.stop();
