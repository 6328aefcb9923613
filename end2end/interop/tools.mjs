// Runs other people's command line tools, with what they printed in the error.
import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));
const cache = process.env.TONGQIAN_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tongqian');
/** Tools of requirements-api.txt, where scripts/interop.sh put them. */
export const python = join(cache, 'interop', 'requirements-api', 'bin');

/** Resolves to what was printed; a bad end rejects with it. */
export function runTool(name, args, options = {}) {
    const path = [join(here, 'node_modules', '.bin'), python, process.env.PATH].join(delimiter);
    const env = { PATH: path, HOME: process.env.HOME, PYTHONUTF8: '1', NO_COLOR: '1', ...options.env };
    return new Promise((done, fail) => {
        const child = spawn(name, args, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
        let printed = '';
        child.stdout.on('data', (chunk) => (printed += chunk));
        child.stderr.on('data', (chunk) => (printed += chunk));
        child.once('error', fail);
        child.once('close', (code) => {
            if (code === 0) done(printed);
            else fail(new Error(`${name} ended with ${code}:\n${printed.slice(-6000)}`));
        });
    });
}
