// The real server with its simulator, started for one test file in a directory of its own.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const binary = process.env.TONGQIAN_BIN ?? join(root, 'target/debug/tongqian');
const START_MS = 60_000;
const STOP_MS = 20_000;

export const admin = { email: 'owner@example.com', password: 'correct horse battery staple' };
export const apiKey = 'tq_browser_tests_0123456789abcdefghij';

// An interrupted run takes its servers along.
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

/** Starts a server; `settings` are further variables of `.env.example`. */
export async function startServer(settings = {}) {
    const home = await mkdtemp(join(tmpdir(), 'tongqian-browser-'));
    const child = spawn(binary, ['serve'], {
        cwd: home,
        stdio: ['ignore', 'pipe', 'pipe'],
        // Nothing of the caller's own configuration may reach the test.
        env: {
            PATH: process.env.PATH,
            HOME: home,
            LISTEN: '127.0.0.1:0',
            SIMULATOR_LISTEN: '127.0.0.1:0',
            LEPTOS_SITE_ROOT: join(root, 'target/site'),
            API_KEY: apiKey,
            ADMIN_EMAIL: admin.email,
            ADMIN_PASSWORD: admin.password,
            ...settings,
        },
    });
    running.add(child);
    const ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
    let said = '';
    const addresses = new Promise((done, fail) => {
        const listen = (chunk) => {
            said += chunk;
            const url = /Tongqian listens on (http:\S+)\s/.exec(said)?.[1];
            const wallet = /Simulated wallet at (http:\S+)\s/.exec(said)?.[1];
            if (url && wallet) done({ url, wallet });
        };
        child.stdout.on('data', listen);
        child.stderr.on('data', listen);
        child.once('error', fail);
        ended.then((how) => fail(new Error(`the server ended (${how}) before it listened:\n${said}`)));
        setTimeout(() => fail(new Error(`the server did not say where it listens:\n${said}`)), START_MS).unref();
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
        return { ...(await addresses), pid: child.pid, stop, log: () => said };
    } catch (error) {
        await stop();
        throw error;
    }
}
