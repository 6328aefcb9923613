// The program under test as a process of its own, in a directory of its own.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const binary = process.env.TONGQIAN_BIN ?? join(root, 'target/debug/tongqian');
const START_MS = 60_000;
const STOP_MS = 20_000;

// An interrupted run takes its programs along.
const running = new Set();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

/**
 * Starts `tongqian` and waits until `ready(said)` makes something of what it has said so far. `settings` are all that it
 * gets of an environment: nothing of the caller's own configuration may reach the test.
 */
export async function startProgram(args, settings, ready) {
    const home = await mkdtemp(join(tmpdir(), 'tongqian-'));
    const child = spawn(binary, args, {
        cwd: home,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { PATH: process.env.PATH, HOME: home, ...settings },
    });
    running.add(child);
    const ended = new Promise((done) => child.once('exit', (code, signal) => done(code ?? signal)));
    const name = `tongqian ${args[0]}`;
    let said = '';
    const started = new Promise((done, fail) => {
        const listen = (chunk) => {
            said += chunk;
            const found = ready(said);
            if (found) done(found);
        };
        child.stdout.on('data', listen);
        child.stderr.on('data', listen);
        child.once('error', fail);
        ended.then((how) => fail(new Error(`${name} ended (${how}) before it listened:\n${said}`)));
        setTimeout(() => fail(new Error(`${name} did not say where it listens:\n${said}`)), START_MS).unref();
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
        return { found: await started, pid: child.pid, stop, log: () => said };
    } catch (error) {
        await stop();
        throw error;
    }
}
