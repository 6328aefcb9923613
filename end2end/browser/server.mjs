// The real server with its simulator, started for one test file in a directory of its own.
import { join } from 'node:path';
import { root, startProgram } from '../program.mjs';

export const admin = { email: 'owner@example.com', password: 'correct horse battery staple' };
export const apiKey = 'tq_browser_tests_0123456789abcdefghij';

/** Starts a server; `settings` are further variables of `.env.example`. */
export async function startServer(settings = {}) {
    const own = {
        LISTEN: '127.0.0.1:0',
        SIMULATOR_LISTEN: '127.0.0.1:0',
        LEPTOS_SITE_ROOT: join(root, 'target/site'),
        API_KEY: apiKey,
        ADMIN_EMAIL: admin.email,
        ADMIN_PASSWORD: admin.password,
    };
    const { found, ...server } = await startProgram(['serve'], { ...own, ...settings }, (said) => {
        const url = /Tongqian listens on (http:\S+)\s/.exec(said)?.[1];
        const wallet = /Simulated wallet at (http:\S+)\s/.exec(said)?.[1];
        return url && wallet && { url, wallet };
    });
    return { ...found, ...server };
}
