// The healthy client of `slow-clients.mjs`: a program and a payer, half of them over new connections.
import { Agent, request } from 'node:http';

const EVERY_MS = 20;
const [base, apiKey] = process.argv.slice(2);
const kept = new Agent({ keepAlive: true });

function call(url, method, agent, headers, body) {
    const begun = performance.now();
    return new Promise((done) => {
        const call = request(url, { method, agent, headers }, (answer) => {
            answer.resume();
            answer.on('end', () => done({ ms: performance.now() - begun, isGood: answer.statusCode < 300 }));
        });
        call.on('error', () => done({ ms: performance.now() - begun, isGood: false }));
        call.end(body);
    });
}

process.on('message', async ({ ms, page }) => {
    const program = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    const order = JSON.stringify({ userId: 'u1', subject: 'Team plan', amount: 9_990 });
    const kinds = [
        () => call(`${base}/api/billing/orders?limit=1`, 'GET', kept, program),
        () => call(page, 'GET', false, {}),
        () => call(`${base}/api/billing/orders`, 'POST', false, program, order),
        () => call(`${page}/status`, 'GET', kept, {}),
    ];
    const calls = [];
    const until = performance.now() + ms;
    for (let n = 0; performance.now() < until; n += 1) {
        calls.push(kinds[n % kinds.length]());
        await new Promise((next) => setTimeout(next, EVERY_MS));
    }
    const seen = await Promise.all(calls);
    const waits = seen.map((one) => one.ms).sort((left, right) => left - right);
    const at = (share) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))];
    process.send({
        n: seen.length,
        n_failed: seen.filter((one) => !one.isGood).length,
        p50: at(0.5),
        p99: at(0.99),
        worst: waits.at(-1),
    });
});
