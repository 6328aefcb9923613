// Our server in simulator mode, with a key, as other people's programs use it.
import { startProgram } from '../program.mjs';

/** `stop()` ends it; `url`, `key` and `wallet` are what a merchant's program and a payer need. */
export async function startServer(settings = {}) {
    const key = 'interop-key-0123456789-abcdefgh';
    const { found, stop, log } = await startProgram(
        ['serve'],
        { LISTEN: '127.0.0.1:0', API_KEY: key, ...settings },
        (said) => {
            const url = /Tongqian listens on (http:\S+)\s/.exec(said)?.[1];
            const wallet = /Simulated wallet at (http:\S+)\s/.exec(said)?.[1];
            return url && wallet && { url, wallet };
        },
    );
    return { ...found, key, stop, log };
}
