// A person with a browser: their actions on our pages, and what they must never see.
import assert from 'node:assert/strict';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import jsQR from 'jsqr';
import { chromium } from 'playwright-core';
import { PNG } from 'pngjs';
import { admin } from './server.mjs';

const pictures = join(dirname(fileURLToPath(import.meta.url)), 'screenshots');

export const DESK = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };
export const NARROW = { width: 320, height: 640 };

/** A waiting page asks every few seconds; a slow machine gets some more. */
export const SOON_MS = 10_000;

export function launch() {
    return chromium.launch({
        executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
        args: [
            '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
            '--disable-background-networking', '--disable-component-update', '--disable-sync',
        ],
    });
}

/** Runs `journey` with a visitor, who afterwards has seen no error and no other host. */
export async function visit(browser, server, options, journey) {
    const { name, viewport = DESK, ...rest } = options;
    // A paid page leaves for the merchant's by itself, except for visitors who ask for less motion.
    const still = { reducedMotion: 'reduce' };
    const context = await browser.newContext({ viewport, deviceScaleFactor: 2, locale: 'zh-CN', ...still, ...rest });
    context.setDefaultTimeout(SOON_MS);
    const visitor = new Visitor(server, context, name);
    await forgetPictures(name);
    try {
        visitor.page = await visitor.newPage();
        await journey(visitor);
        await visitor.picture('end');
    } catch (error) {
        await visitor.picture('failed').catch(() => {});
        const seen = visitor.complaints.map((complaint) => `\n  console: ${complaint}`).join('');
        throw new Error(`${error.message}\n  at ${visitor.page?.url()}; pictures in ${pictures}${seen}`, { cause: error });
    } finally {
        await context.close();
    }
    assert.deepEqual(visitor.foreign, [], 'our pages must ask no other host');
    assert.deepEqual(visitor.complaints, [], 'the browser console must stay silent');
}

/** Deletes the screenshots of an earlier run. */
async function forgetPictures(name) {
    await mkdir(pictures, { recursive: true });
    const old = (await readdir(pictures)).filter((file) => file.startsWith(`${name}-`));
    await Promise.all(old.map((file) => rm(join(pictures, file), { force: true })));
}

class Visitor {
    constructor(server, context, name) {
        Object.assign(this, { server, context, name, foreign: [], complaints: [], requests: 0 });
    }

    async newPage() {
        const page = await this.context.newPage();
        const own = [new URL(this.server.url).host, new URL(this.server.wallet).host];
        page.on('request', (request) => {
            const url = new URL(request.url());
            this.requests += 1;
            if (url.protocol.startsWith('http') && !own.includes(url.host)) this.foreign.push(request.url());
        });
        page.on('console', (message) => {
            const refused = /content security policy|refused to/i.test(message.text());
            if (message.type() === 'error' || refused) this.complaints.push(message.text());
        });
        page.on('pageerror', (error) => this.complaints.push(String(error)));
        return page;
    }

    /** Opens a page of the console, logs in on the way to it, and waits until `landmark` is there. */
    async logIn(path = '/admin', { person = admin, landmark = '.side' } = {}) {
        await this.page.goto(this.server.url + path);
        await this.page.locator('input[name=email]').fill(person.email);
        await this.page.locator('input[name=password]').fill(person.password);
        await this.page.locator('form[action="/admin/login"] button').click();
        await this.page.locator(landmark).first().waitFor();
    }

    /** Buys a plan in the demo shop and arrives at its checkout. */
    async buy(query = '') {
        await this.page.goto(this.server.url + '/' + query);
        await this.picture('shop');
        await this.page.locator('form[data-plan] button').first().click();
        await this.page.waitForURL(/\/checkout\/[^/?]{16,}/);
        await this.reaches('choose');
        await this.picture('choose');
    }

    async choose(method) {
        await this.page.locator(`input[name=method][value=${method}]`).check();
        await this.page.locator('button[data-action=pay]').click();
        await this.reaches('waiting');
        await this.picture(`waiting-${method}`);
    }

    /** Chooses a method that opens the gateway's own page, without a page of ours in between. */
    async leaveFor(method) {
        await this.page.locator(`input[name=method][value=${method}]`).check();
        await this.page.locator('button[data-action=pay]').click();
        await this.page.locator('[data-testid=cashier-pay]').waitFor();
    }

    /** Takes another method while a code is on the screen: one tap. */
    async switchTo(method) {
        const before = await this.page.locator('[data-testid=qr]').getAttribute('data-code');
        await this.page.locator(`button[data-action=switch][value=${method}]`).click();
        await this.page.locator(`[data-testid=qr]:not([data-code="${before}"])`).waitFor();
        await this.reaches('waiting');
        await this.picture(`switched-${method}`);
    }

    async reaches(state, within = SOON_MS) {
        const main = this.page.locator('main[data-state]');
        const wanted = this.page.locator(`main[data-state="${state}"]`);
        await wanted.waitFor({ timeout: within }).catch(async () => {
            const found = await main.getAttribute('data-state', { timeout: 1000 }).catch(() => 'no state at all');
            assert.fail(`the page should be "${state}" within ${within / 1000} s; it is "${found}"`);
        });
    }

    /** Like `reaches`, for pages without JavaScript: presses "I have paid" between looks. */
    async reachesByAsking(state) {
        for (let look = 0; look < 4; look += 1) {
            if ((await this.page.locator(`main[data-state="${state}"]`).count()) > 0) return;
            await this.page.waitForTimeout(1_200);
            const check = this.page.locator('[data-action=check]');
            if ((await check.count()) > 0) await check.first().click();
        }
        await this.reaches(state);
    }

    /** What a phone's camera reads from the code on the screen. */
    async scan() {
        const card = this.page.locator('[data-testid=qr]');
        // The page may draw the code anew in between: an element that is asked for its own size is looked up again.
        const width = await card.locator('svg').evaluate((code) => code.getBoundingClientRect().width);
        assert.ok(width >= 200, `a code of ${width} px is too small to scan`);
        const png = PNG.sync.read(await card.screenshot());
        const read = jsQR(new Uint8ClampedArray(png.data), png.width, png.height);
        assert.ok(read, 'the code on the screen cannot be read');
        assert.equal(read.data, await card.getAttribute('data-code'), 'picture and text of the code differ');
        return { code: read.data, card: png };
    }

    /** Takes the phone out: opens the wallet with a scanned code and presses one of its buttons. */
    async wallet(code, act) {
        const phone = await this.newPage();
        await phone.goto(this.server.wallet);
        const field = phone.locator('[name=code]:not([type=hidden])').first();
        await field.fill(code);
        await field.press('Enter');
        await phone.locator(`button[name=act][value=${act}]`).first().click();
        const outcome = { pay: 'paid', refuse: 'refused', later: 'later' }[act];
        await phone.locator(`[data-testid=wallet-result][data-outcome=${outcome}]`).waitFor();
        await phone.screenshot({ path: join(pictures, `${this.name}-wallet-${act}.png`) });
        await phone.close();
    }

    text(selector) {
        return this.page.locator(selector).first().innerText();
    }

    async fitsTheScreen() {
        const [wide, room] = await this.page.evaluate(() => [
            document.scrollingElement.scrollWidth,
            document.documentElement.clientWidth,
        ]);
        assert.ok(wide <= room, `the page is ${wide} px wide on a screen of ${room} px`);
    }

    /** What axe calls serious or critical, in the light and in the dark. */
    async hasNoBarriers() {
        for (const colorScheme of ['light', 'dark']) {
            await this.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
            await this.page.evaluate(axe.source);
            const found = await this.page.evaluate(async () => {
                const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
                const { violations } = await window.axe.run(document, { runOnly: tags });
                return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map((node) => node.html) }));
            });
            const grave = found.filter(({ impact }) => impact === 'serious' || impact === 'critical');
            assert.deepEqual(grave, [], `barriers in the ${colorScheme}`);
            if (colorScheme === 'dark') await this.picture('dark');
        }
        await this.page.emulateMedia({ colorScheme: 'light', reducedMotion: null });
    }

    /** Moves the focus forward, as Tab does, until it is on `selector`. */
    async tabTo(selector) {
        for (let presses = 0; presses < 60; presses += 1) {
            await this.page.keyboard.press('Tab');
            if (await this.page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
        }
        assert.fail(`the keyboard does not reach ${selector}`);
    }

    async picture(what) {
        await this.page.screenshot({ path: join(pictures, `${this.name}-${what}.png`), fullPage: true });
    }
}
