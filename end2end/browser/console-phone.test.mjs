// The console on a phone, in both languages: every page fits, speaks one language, and the daily tasks can be done.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Merchant } from './merchant.mjs';
import { admin, startServer } from './server.mjs';
import { launch, PHONE, visit } from './visitor.mjs';

let browser, server, merchant, sold;
before(async () => {
    const settings = { REFUND_APPROVAL_ABOVE: '5000', RECONCILE_CRON: '* * * * * *', EPAY: 'on' };
    [browser, server] = await Promise.all([launch(), startServer(settings)]);
    merchant = new Merchant(server);
    sold = await sell();
});
after(async () => {
    await browser?.close();
    await server?.stop();
});

async function sell(amount = 15_900) {
    const { order, payment } = await merchant.paidOrder('wechat', { subject: '团队版套餐', amount });
    return { order, payment: await merchant.call('GET', `/payments/${payment.id}`) };
}

/** Forgets what the browser says of answers that refuse a form, or of a page that is missing: the test asked for them. */
function provoked(visitor) {
    visitor.complaints = visitor.complaints.filter((complaint) => !/status of (404|422) /.test(complaint));
}

function phone(name, locale = 'zh-CN') {
    return { name: `console-phone-${name}`, viewport: PHONE, locale };
}

async function act(visitor, selector, until) {
    await visitor.page.locator(selector).first().click();
    await visitor.page.waitForURL(until);
    await visitor.fitsTheScreen();
}

/** Words in Latin letters that Chinese pages have too: names, abbreviations, and what programs call it. */
const NAMES = /^(API|App|Webhook|Webhooks|JSON|HTTPS?|URL|CSV|XLSX|RSA|PEM|MD5|ID|IP|GMT|EPAY|REFUND|Standard|tongqian|audit|doctor|English|WeChat|epay|min|ms|pid|OpenAPI|SHA|TOTP)$/;

/** Visible text outside of numbers, addresses, code and what people typed. */
function readTexts() {
    const said = ['详情', '操作人', '响应', '错误'].map((name) => `td[data-label="${name}"]`).join();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const texts = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const parent = node.parentElement;
        if (parent.closest('.reference, code, pre, time, textarea, [lang]:not(html), .incident > p:not(.panel__text)') || parent.closest(said)) continue;
        if (parent.closest('option') || parent.checkVisibility()) texts.push(node.textContent.trim());
    }
    const labels = [...document.querySelectorAll('[data-label]')].map((cell) => cell.dataset.label);
    return [...texts, ...labels].filter(Boolean);
}

/** What is no word of a language: numbers of ours, settings, accounts of the ledger, requests, and browsers. */
const CODE = /…\w{4}\b|[0-9a-f]{8}-[0-9a-f-]{27}|\b[0-9a-f]{12,}\b|\b[a-z]{3}_[0-9A-Z]{10,}|\b[0-9A-Z]{8,}\b|\b[A-Z_]{4,}=\S+|\b[a-z]+(_[a-z]+)+\b|\b(gateway|user|fees):\w+|\bsales\b|\b(GET|POST) \S+|https?:\/\/\S+|Mozilla\/.*/g;

async function speaksOneLanguage(visitor, isChinese, people) {
    let texts = await visitor.page.evaluate(readTexts);
    for (const said of [...people, CODE]) texts = texts.map((text) => text.replaceAll(said, ''));
    const foreign = isChinese
        ? texts.flatMap((text) => text.match(/[A-Za-z]{3,}/g) ?? []).filter((word) => !NAMES.test(word))
        : texts.filter((text) => /\p{Script=Han}/u.test(text));
    assert.ok(foreign.length === 0, `${new URL(visitor.page.url()).pathname}: ${foreign.join(' | ')}`);
}

async function places(visitor) {
    const first = async (list, selector) => {
        await visitor.page.goto(`${server.url}/admin/${list}`);
        return (await visitor.page.locator(selector).first().getAttribute('href')).replace(/^\/admin\//, '');
    };
    const link = await first('payment-links', 'td a[href^="/admin/payment-links/"]');
    const endpoint = await first('webhooks', 'td a[href^="/admin/webhooks/"]');
    const callback = await first('callbacks', 'td a[href^="/admin/callbacks/"]');
    const key = await first('keys', 'a[href$="/revoke"]');
    const user = (await first('people', 'a[href$="/disable"]')).replace(/\/disable$/, '');
    const rotate = await first('epay', 'a[href$="/rotate"]');
    const order = `orders/${sold.order.id}`;
    return [
        '', 'orders', 'orders?status=paid', 'orders?q=nothing', 'payments', 'refund-list', order, 'refunds', 'attention', 'balances', 'balances?user=u1', 'books',
        'reconciliation', 'gateways', 'keys', 'epay', 'webhooks', 'callbacks', 'people', 'account', 'account/password', 'account/totp',
        'account/totp/off', 'account/recovery-codes', 'audit-log', 'files', 'payment-links', 'confirm', 'nowhere',
        `payments/${sold.payment.id}/refund`, link, `${link}/plate`, `${link}/close`, endpoint, `${endpoint}/rotate-secret`,
        `${endpoint}/delete`, callback, key, `${user}/disable`, `${user}/reset`, rotate, rotate.replace(/rotate$/, 'disable'),
    ];
}

/** Things of every kind, so that no list is empty. */
async function furnish(visitor) {
    const { page } = visitor;
    const send = async (path, fields) => {
        await page.goto(`${server.url}/admin/${path}`);
        const form = page.locator(`form[action="/admin/${path}"][method=post]`).first();
        for (const [name, value] of Object.entries(fields)) {
            const field = form.locator(`[name="${name}"]`);
            await (value === true ? field.check() : field.fill(value));
        }
        await form.locator('button').click();
        await page.waitForLoadState();
    };
    await send('payment-links', { subject: '停车费', amount: '9.90' });
    await send('webhooks', { url: 'https://example.com/a-rather-long-path/for-a-webhook-endpoint/of-a-shop' });
    await send('keys', { name: '商城', pay: true });
    await send('epay', { name: '论坛' });
    await send('people', { email: 'wang.xiaoming@finance.example.com', password: 'a first password' });
    await page.goto(`${server.url}/admin/balances?user=u1`);
    const form = page.locator('form[action$="/adjust/check"]');
    await form.locator('[name=amount]').fill('12.30');
    await form.locator('[name=note]').fill('补偿');
    await form.locator('button').click();
    await page.locator('[data-question]').waitFor();
    await visitor.fitsTheScreen();
    await visitor.picture('adjust-question');
    // The way back keeps what was typed.
    await page.locator('[data-question] a.act').click();
    assert.equal(await form.locator('[name=amount]').inputValue(), '12.30');
    await form.locator('button').click();
    await page.locator('[data-question] form button').click();
    await page.waitForLoadState();
}

test('every page fits a phone, folds its menu and its filters, and speaks one language', async () => {
    await visit(browser, server, phone('furnish'), async (visitor) => {
        await visitor.logIn();
        await furnish(visitor);
    });
    const people = [
        '团队版套餐', '停车费', '商城', '论坛', '补偿', 'wang.xiaoming@finance.example.com', admin.email, '铜钱', 'Tongqian', 'u1',
        'API_KEY', 'first start', 'nothing',
    ];
    for (const [language, locale] of [['zh', 'zh-CN'], ['en', 'en-GB']]) {
        await visit(browser, server, phone(`pages-${language}`, locale), async (visitor) => {
            await visitor.logIn();
            const faults = [];
            for (const place of await places(visitor)) {
                await visitor.page.goto(`${server.url}/admin/${place}`);
                const name = place.split('?')[0].replaceAll(/[a-z]+_[0-9A-Za-z]{10,}/g, 'one').replaceAll(/[^a-z-]+/g, '-').slice(0, 60);
                await visitor.picture(`page-${name}`);
                await visitor.fitsTheScreen().catch((error) => faults.push(`${place}: ${error.message}`));
                await speaksOneLanguage(visitor, language === 'zh', people).catch((error) => faults.push(error.message));
                assert.equal(await visitor.page.locator('.side__menu a').first().isVisible(), false, `${place}: the menu is folded`);
            }
            assert.deepEqual(faults.join('\n'), '');
            await visitor.page.goto(`${server.url}/admin/orders`);
            assert.equal(await visitor.page.locator('select[name=status]').isVisible(), false, 'filters are folded');
            assert.equal(await visitor.page.locator('td .badge').first().isVisible(), true, 'states are in sight');
            assert.equal(await visitor.page.locator('td.amount-cell').first().isVisible(), true, 'amounts are in sight');
            await visitor.page.locator('.filters__fold').click();
            assert.equal(await visitor.page.locator('select[name=status]').isVisible(), true);
            await visitor.fitsTheScreen();
            await visitor.picture('filters');
            await visitor.page.locator('.side__fold').click();
            await visitor.fitsTheScreen();
            await visitor.picture('menu');
            await visitor.hasNoBarriers();
            await act(visitor, '.side__menu a[href="/admin/refunds"]', /\/admin\/refunds/);
            provoked(visitor);
        });
    }
});

for (const [language, locale] of [['zh', 'zh-CN'], ['en', 'en-GB']]) {
    test(`${language}: a refund is found, half given back, its amount changed once, and a colleague's approved`, async () => {
        const { order, payment } = await sell();
        const back = await merchant.refund(payment, 100);
        const colleague = { email: `finance-${language}@example.com`, password: 'a first password' };
        await visit(browser, server, phone(`invite-${language}`, locale), async (visitor) => {
            await visitor.logIn();
            await visitor.page.goto(`${server.url}/admin/people`);
            const form = visitor.page.locator('form[action="/admin/people"]');
            await form.locator('[name=email]').fill(colleague.email);
            await form.locator('[name=role]').selectOption('finance');
            await form.locator('[name=password]').fill('short');
            await form.locator('button').click();
            await visitor.page.locator('.field__problem').waitFor();
            assert.equal(await form.locator('[name=email]').inputValue(), colleague.email, 'what was typed is kept');
            await visitor.fitsTheScreen();
            await visitor.hasNoBarriers();
            await visitor.picture('weak');
            await form.locator('[name=password]').fill(colleague.password);
            await form.locator('button').click();
            await visitor.page.waitForURL(/said=person_invited/);
            provoked(visitor);
        });
        await visit(browser, server, phone(`refund-${language}`, locale), async (visitor) => {
            const { page } = visitor;
            await visitor.logIn('/admin', { person: colleague, landmark: 'form[action="/admin/account/password"]' });
            await visitor.picture('first-password');
            await visitor.hasNoBarriers();
            await page.locator('[name=old]').fill(colleague.password);
            for (const name of ['password', 'again']) await page.locator(`[name=${name}]`).fill('a password of my own');
            await act(visitor, 'form[action="/admin/account/password"] button', /said=password_changed/);

            await page.locator('.top-bar input[name=q]').fill(back.refundNo);
            await page.locator('.top-bar input[name=q]').press('Enter');
            await page.waitForURL(new RegExp(`/admin/orders/${order.id}`));
            await merchant.until(`/refunds/${back.id}`, (now) => now.status === 'success');
            await page.reload();
            await visitor.picture('order');
            await act(visitor, 'a[href$="/refund"]', /\/refund$/);
            await page.locator('input[name=amount]').fill('79.50');
            await page.locator('select[name=reason]').selectOption('defect');
            await act(visitor, 'form[action$="/check"] button', /\/check$/);
            await visitor.picture('check');
            await act(visitor, '[data-action=change]', /\/refund\?/);
            assert.equal(await page.locator('input[name=amount]').inputValue(), '79.50', 'going back keeps the amount');
            assert.equal(await page.locator('select[name=reason]').inputValue(), 'defect');
            await page.locator('input[name=amount]').fill('78.50');
            await act(visitor, 'form[action$="/check"] button', /\/check$/);
            assert.match(await visitor.text('h1'), /78\.50/);
            await act(visitor, '.button--danger', /said=refund_waiting/);
            await page.goto(`${server.url}/admin/refunds`);
            await visitor.picture('own-request');
            assert.equal(await page.locator('form[action$="/approve"]').count(), 0, 'nobody approves their own');
        });
        await visit(browser, server, phone(`approve-${language}`, locale), async (visitor) => {
            await visitor.logIn();
            await act(visitor, '.side__fold', /\/admin/);
            await act(visitor, '.side__menu a[href="/admin/refunds"]', /\/admin\/refunds/);
            assert.match(await visitor.text('.panel__title'), /78\.50/);
            await visitor.picture('question');
            await visitor.hasNoBarriers();
            await act(visitor, 'form[action$="/approve"] button', /said=refund_approved/);
            const { data } = await merchant.call('GET', `/payments/${payment.id}/refunds`);
            assert.ok(data.some((refund) => refund.amount === 7_850), 'the changed amount is refunded, once approved');
            assert.equal(data.length, 2, 'and nothing else');
        });
    });

    test(`${language}: a key is rotated, and somebody leaves and comes back`, async () => {
        await visit(browser, server, phone(`rotate-${language}`, locale), async (visitor) => {
            const { page } = visitor;
            await visitor.logIn();
            await page.goto(`${server.url}/admin/keys`);
            const form = page.locator('form[action="/admin/keys"]');
            await form.locator('[name=name]').fill(`shop ${language}`);
            await form.locator('[name=read]').uncheck();
            await form.locator('button').click();
            await page.locator('#problem-scopes').waitFor();
            assert.equal(await form.locator('[name=name]').inputValue(), `shop ${language}`);
            await visitor.picture('no-scope');
            await form.locator('[name=pay]').check();
            await form.locator('button').click();
            await page.locator('[data-testid=new-key]').waitFor();
            await visitor.fitsTheScreen();
            await visitor.picture('new-key');
            const n_keys = await page.locator('a[href$="/revoke"]').count();
            await page.reload();
            await page.waitForURL(/said=sent_before/);
            assert.equal(await page.locator('a[href$="/revoke"]').count(), n_keys, 'a reload makes no second key');
            await act(visitor, 'tr:has-text("shop") a[href$="/revoke"]', /\/revoke$/);
            await visitor.picture('revoke');
            await visitor.hasNoBarriers();
            await act(visitor, '.button--danger', /said=key_revoked/);

            await page.goto(`${server.url}/admin/people`);
            const row = `tr:has-text("wang.xiaoming")`;
            await act(visitor, `${row} a[href$="/disable"]`, /\/disable$/);
            await visitor.picture('disable');
            await act(visitor, '.button--danger', /said=person_disabled/);
            await visitor.picture('people');
            await act(visitor, `${row} a[href$="/enable"]`, /\/enable$/);
            await act(visitor, '.button--primary', /said=person_enabled/);
            provoked(visitor);
        });
    });
}
