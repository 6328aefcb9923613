// The OpenAPI description of a running server: linted, its calls fuzzed, and clients generated from it in two languages.
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startServer } from './tongqian.mjs';
import { here, runTool } from './tools.mjs';

// `SCHEMATHESIS_EXAMPLES=200 node --test openapi.test.mjs` is the long run.
const examples = process.env.SCHEMATHESIS_EXAMPLES ?? '2';
const seed = process.env.SCHEMATHESIS_SEED ?? '20261128';

test('the OpenAPI description', async (t) => {
    const server = await startServer();
    t.after(() => server.stop());
    const home = await mkdtemp(join(tmpdir(), 'tongqian-openapi-'));
    t.after(() => rm(home, { recursive: true, force: true }));
    const address = `${server.url}/api/billing/openapi.json`;
    const answer = await fetch(address);
    assert.equal(answer.status, 200);
    const file = join(home, 'openapi.json');
    await writeFile(file, await answer.text());

    await t.test('the page for people has every call, no script and no other host', async () => {
        const description = JSON.parse(await readFile(file, 'utf8'));
        const page = await fetch(`${server.url}/docs?lang=en`, { headers: { Accept: 'text/html' } });
        assert.equal(page.status, 200);
        assert.doesNotMatch(page.headers.get('content-security-policy'), /'unsafe-(inline|eval)'/);
        const text = await page.text();
        for (const [path, calls] of Object.entries(description.paths)) {
            assert.ok(text.includes(path), path);
            for (const call of Object.values(calls)) assert.ok(text.includes(call.summary), call.summary);
        }
        for (const name of Object.keys(description.components.schemas)) assert.ok(text.includes(`id="object-${name}"`), name);
        assert.doesNotMatch(text, /<script(?![^>]*nonce=)|<script[^>]*src=/);
        assert.doesNotMatch(text, /(src|href)="https?:\/\/(?!127\.0\.0\.1:)/);
        for (const [language, guide] of [['en', 'PAYMENT_INTEGRATION.md'], ['zh', 'PAYMENT_INTEGRATION.zh-CN.md']]) {
            const shown = await fetch(`${server.url}/docs?lang=${language}`, { headers: { Accept: 'text/html' } });
            assert.ok((await shown.text()).includes(`href="/docs/${guide}"`), language);
            const read = await fetch(`${server.url}/docs/${guide}`);
            assert.equal(read.headers.get('content-type'), 'text/plain; charset=utf-8');
            assert.match(await read.text(), /POST \/api\/billing\/orders/);
        }
        const shop = await fetch(server.url, { headers: { Accept: 'text/html' } });
        assert.match(await shop.text(), /href="\/docs"/);
    });

    await t.test('redocly lint finds no error', async () => {
        const env = { REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', REDOCLY_TELEMETRY: 'off' };
        const said = await runTool('redocly', ['lint', '--format', 'summary', file], { env, cwd: home });
        assert.match(said, /Your API description is valid/);
        assert.doesNotMatch(said, /^(error|warning) /m);
    });

    await t.test('a client in TypeScript compiles under --strict, and orders with metadata', async () => {
        await runTool('openapi-typescript', [file, '-o', join(home, 'api.ts')]);
        await cp(join(here, 'typed_client.ts'), join(home, 'typed_client.ts'));
        await symlink(join(here, 'node_modules'), join(home, 'node_modules'));
        await writeFile(join(home, 'package.json'), '{"type":"module"}');
        const flags = ['--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess', '--skipLibCheck'];
        const target = ['--target', 'es2022', '--module', 'nodenext', '--lib', 'es2023,dom'];
        await runTool('tsc', [...flags, ...target, 'typed_client.ts'], { cwd: home });
        const said = await runTool('node', ['typed_client.js', server.url, server.key], { cwd: home });
        assert.match(said, /^ordered: pending team 3$/m);
        assert.match(said, /^refused: order_no_reused$/m);
    });

    await t.test('a client in Python passes mypy, and orders with metadata', async () => {
        // Its own clean-up rewrites signatures of the frame around our calls into ones that mypy refuses.
        await writeFile(join(home, 'config.yaml'), 'post_hooks: []\n');
        const target = ['--path', file, '--output-path', join(home, 'tongqian_client'), '--meta', 'none'];
        target.push('--config', join(home, 'config.yaml'));
        await runTool('openapi-python-client', ['generate', ...target, '--fail-on-warning'], { cwd: home });
        await cp(join(here, 'typed_client.py'), join(home, 'typed_client.py'));
        await runTool('mypy', ['tongqian_client', 'typed_client.py'], { cwd: home });
        const said = await runTool('python', ['-B', 'typed_client.py', server.url, server.key], { cwd: home });
        assert.match(said, /^ordered: pending team$/m);
        assert.match(said, /^refused: order_no_reused$/m);
    });

    // Last, because it leaves thousands of odd orders behind.
    await t.test('schemathesis finds no failure', async () => {
        const said = await runTool(
            'schemathesis',
            ['run', address, '-H', `Authorization: Bearer ${server.key}`, '--max-examples', examples, '--seed', seed,
                '--generation-deterministic', '--no-color'],
            { env: { SCHEMATHESIS_HOOKS: 'schemathesis_hooks', PYTHONPATH: here, PYTHONDONTWRITEBYTECODE: '1' }, cwd: home },
        );
        assert.doesNotMatch(said, /❌/);
    });
});
