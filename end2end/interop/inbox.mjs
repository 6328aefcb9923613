// Receiver of notifications: a server whose every answer the test decides.
import { createServer } from 'node:http';

const PATIENCE_MS = 10_000;

/**
 * `judge({ headers, body })` returns `{ status, body }`, or throws to refuse the notice.
 * The body is the raw text, because signatures are made over it.
 */
export async function openInbox(judge) {
    const letters = [];
    const waiting = [];
    const server = createServer(async (request, response) => {
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const letter = { headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
        let answer;
        try {
            answer = await judge(letter);
        } catch (error) {
            letter.refusal = error;
            answer = { status: 500, body: 'fail' };
        }
        response.writeHead(answer.status, answer.headers).end(answer.body);
        const reader = waiting.shift();
        if (reader) reader(letter);
        else letters.push(letter);
    });
    await new Promise((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done));
    return {
        url: `http://127.0.0.1:${server.address().port}/notify`,
        /** The next notification that was answered; with `refusal` when it was refused. */
        async next() {
            if (letters.length > 0) return letters.shift();
            return new Promise((done, fail) => {
                const reader = (letter) => {
                    clearTimeout(late);
                    done(letter);
                };
                const late = setTimeout(() => {
                    waiting.splice(waiting.indexOf(reader), 1);
                    fail(new Error('no notice came'));
                }, PATIENCE_MS);
                waiting.push(reader);
            });
        },
        async close() {
            server.closeAllConnections();
            await new Promise((done) => server.close(done));
        },
    };
}
