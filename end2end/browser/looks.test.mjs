// Narrow screens, the keyboard, the dark, other languages, and time running out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startServer } from './server.mjs';
import { launch, NARROW, visit } from './visitor.mjs';

let browser, server;
before(async () => {
    [browser, server] = await Promise.all([launch(), startServer()]);
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

test('at 320 px nothing scrolls sideways and the keyboard alone is enough', async () => {
    await visit(browser, server, { name: 'narrow-keyboard', viewport: NARROW }, async (visitor) => {
        await visitor.page.goto(server.url);
        await visitor.fitsTheScreen();
        await visitor.tabTo('form[data-plan] button');
        await visitor.page.keyboard.press('Enter');
        await visitor.page.waitForURL(/\/checkout\//);
        await visitor.reaches('choose');
        await visitor.fitsTheScreen();
        await visitor.tabTo('input[name=method]');
        await visitor.page.keyboard.press('Space');
        const checkout = visitor.page.url();
        for (let presses = 0; presses < 4; presses += 1) {
            if (await visitor.page.locator('input[value=alipay]').isChecked()) break;
            await visitor.page.keyboard.press('ArrowDown');
        }
        assert.ok(await visitor.page.locator('input[value=alipay]').isChecked(), 'arrows do not reach Alipay');
        assert.equal(visitor.page.url(), checkout, 'an arrow key must not load a page');
        await visitor.tabTo('button[data-action=pay]');
        await visitor.picture('focus');
        await visitor.page.keyboard.press('Enter');
        await visitor.reaches('waiting');
        await visitor.fitsTheScreen();
        const { code } = await visitor.scan();
        await visitor.wallet(code, 'pay');
        await visitor.reaches('paid');
        await visitor.fitsTheScreen();
    });
});

test('in the dark theme the code stays on white', async () => {
    await visit(browser, server, { name: 'dark', colorScheme: 'dark' }, async (visitor) => {
        await visitor.buy();
        await visitor.choose('wechat');
        const { card } = await visitor.scan();
        // Within the border and outside the code: the quiet zone a camera needs.
        const at = (Math.round(card.height / 2) * card.width + 8) * 4;
        assert.deepEqual([...card.data.subarray(at, at + 3)], [255, 255, 255]);
        const ground = await visitor.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const light = Math.max(...ground.match(/[\d.]+/g).slice(0, 3).map(Number));
        assert.ok(light < 80, `the page is not dark: ${ground}`);
    });
});

for (const [name, locale, query, lang, waiting, paid] of [
    ['chinese', 'zh-CN', '', 'zh', '请扫码支付', '支付成功'],
    ['english-by-header', 'en-GB', '', 'en', 'Scan to pay', 'Payment received'],
    ['english-by-link', 'zh-CN', '?lang=en', 'en', 'Scan to pay', 'Payment received'],
]) {
    test(`the pages speak the visitor's language: ${name}`, async () => {
        await visit(browser, server, { name, locale }, async (visitor) => {
            const speaks = async (title) => {
                assert.ok((await visitor.page.locator('html').getAttribute('lang')).startsWith(lang));
                assert.ok((await visitor.text('main')).includes(title), `"${title}" is not on the page`);
            };
            await visitor.buy(query);
            await visitor.choose('wechat');
            await speaks(waiting);
            const { code } = await visitor.scan();
            await visitor.wallet(code, 'pay');
            await visitor.reaches('paid');
            await speaks(paid);
        });
    });
}

test('state changes are announced, and headings and names are there', async () => {
    await visit(browser, server, { name: 'roles' }, async (visitor) => {
        await visitor.buy();
        assert.equal(await visitor.page.getByRole('heading', { level: 1 }).count(), 1);
        assert.ok((await visitor.page.getByRole('radio', { name: /微信/ }).count()) === 1, 'WeChat Pay by its name');
        await visitor.choose('wechat');
        assert.ok((await visitor.page.locator('[role=status], [aria-live=polite]').count()) > 0);
        assert.ok((await visitor.page.getByRole('img').count()) > 0, 'the code is announced as a picture');
    });
});

test('at twice the size nothing scrolls sideways either', async () => {
    // A desktop screen of 1280 px at 200 % has room for 640.
    await visit(browser, server, { name: 'zoomed', viewport: { width: 640, height: 450 } }, async (visitor) => {
        await visitor.buy('?lang=en');
        await visitor.fitsTheScreen();
        await visitor.choose('alipay');
        await visitor.fitsTheScreen();
    });
});

test('injected content neither runs nor is shown', async () => {
    await visit(browser, server, { name: 'smuggled' }, async (visitor) => {
        await visitor.buy();
        const effects = await visitor.page.evaluate(async () => {
            const script = document.createElement('script');
            script.textContent = 'window.smuggled = true';
            const image = document.createElement('img');
            image.setAttribute('onerror', 'window.smuggled = true');
            image.src = '/nowhere.png';
            const styled = document.createElement('p');
            styled.setAttribute('style', 'position: fixed; inset: 0');
            document.body.append(script, image, styled);
            await new Promise((done) => setTimeout(done, 500));
            return [window.smuggled, getComputedStyle(styled).position];
        });
        assert.deepEqual(effects, [undefined, 'static']);
        const refused = visitor.complaints.filter((complaint) => /content security policy/i.test(complaint));
        assert.ok(refused.length >= 2, 'the policy of the page refuses it');
        visitor.complaints.length = 0;
    });
});

test('with reduced motion nothing moves', async () => {
    await visit(browser, server, { name: 'still', reducedMotion: 'reduce' }, async (visitor) => {
        await visitor.buy();
        const moving = await visitor.page.evaluate(() => [...document.querySelectorAll('*')].filter((element) => {
            const { transitionDuration, animationName } = getComputedStyle(element);
            return transitionDuration.split(', ').some((time) => parseFloat(time) > 0) || animationName !== 'none';
        }).length);
        assert.equal(moving, 0);
    });
});
