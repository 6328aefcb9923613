// Measures the time from the start of a server to its first answer, and its memory a second later:
//
//   cargo build --release && TONGQIAN_BIN=target/release/tongqian node end2end/load/start.mjs [starts]
//
// The first start has everything to make; those after it find their database. Settings in the environment are the server's:
// without any it starts with its simulator. No test: figures depend on the machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const n_starts = Number(process.argv[2] ?? 8);
const program = resolve(process.env.TONGQIAN_BIN ?? 'target/release/tongqian');
const folder = await mkdtemp(join(tmpdir(), 'tongqian-start-'));

async function freePort() {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    return port;
}

/** Connects again and again, because a client that waits between two tries would be measured too. */
async function firstAnswer(port) {
    for (;;) {
        const socket = connect(port, '127.0.0.1');
        try {
            await once(socket, 'connect');
            socket.write('GET /health/live HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n');
            const [head] = await once(socket, 'data');
            if (String(head).startsWith('HTTP/1.1 200')) return;
        } catch {
            await pause(1);
        } finally {
            socket.destroy();
        }
    }
}

async function start() {
    const port = await freePort();
    const began = performance.now();
    const env = { ...process.env, LISTEN: `127.0.0.1:${port}` };
    const server = spawn(program, ['serve'], { cwd: folder, env, stdio: 'ignore' });
    await Promise.race([
        firstAnswer(port),
        once(server, 'exit').then(([code]) => { throw new Error(`the server ended with ${code}`); }),
    ]);
    const ms = performance.now() - began;
    await pause(1_000);
    const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
    const megabytes = (name) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024);
    console.log(`${ms.toFixed(0).padStart(5)} ms  ${megabytes('VmRSS')} MB resident, ${megabytes('RssAnon')} MB anonymous`);
    server.kill();
    await once(server, 'exit');
}

try {
    for (let n = 0; n < n_starts; n += 1) await start();
} finally {
    await rm(folder, { recursive: true, force: true });
}
