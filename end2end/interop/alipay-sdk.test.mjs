// npm alipay-sdk (the official one): the gateway is a setting.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AlipaySdk } from 'alipay-sdk';
import { openInbox } from './inbox.mjs';
import { freshNumber, startSimulator } from './simulator.mjs';

// It writes the timestamp in local time, and Alipay reads it as Beijing's.
process.env.TZ = 'Asia/Shanghai';

const CHECKED = { validateSign: true };

test('alipay-sdk 4.14.0', async (t) => {
    const simulator = await startSimulator();
    t.after(() => simulator.stop());
    const keys = simulator.credentials;
    const gateway = `${simulator.url}/gateway.do`;
    const sdk = new AlipaySdk({
        gateway,
        appId: keys.alipayAppId,
        privateKey: keys.alipayPrivateKey,
        keyType: 'PKCS8',
        alipayPublicKey: keys.alipayPublicKey,
    });

    const seen = [];
    const inbox = await openInbox(({ body }) => {
        const fields = Object.fromEntries(new URLSearchParams(body));
        assert.ok(sdk.checkNotifySignV2(fields), 'forged');
        seen.push(fields);
        return { status: 200, body: 'success' };
    });
    t.after(() => inbox.close());

    const out_trade_no = freshNumber('AL');
    const out_request_no = `${out_trade_no}R1`;
    const subject = '专业版 100% + "月付"';
    const precreate = (biz) =>
        sdk.exec(
            'alipay.trade.precreate',
            { notifyUrl: inbox.url, bizContent: { out_trade_no, total_amount: '49.90', subject, ...biz } },
            CHECKED,
        );
    const query = (options = CHECKED) => sdk.exec('alipay.trade.query', { bizContent: { out_trade_no } }, options);
    /** The raw answer to a query, asked with the SDK's own signature. */
    const rawQuery = async (client = sdk) => {
        const signed = client.sdkExecute('alipay.trade.query', { bizContent: { out_trade_no } });
        return (await fetch(`${gateway}?${signed}`)).text();
    };

    await t.test('orders', async () => {
        const answer = await precreate();
        assert.equal(answer.code, '10000');
        assert.match(answer.qrCode, /^https:\/\/qr\.alipay\.com\//);
    });

    await t.test('queries a code that nobody scanned', async () => {
        const answer = await query();
        assert.equal(answer.code, '40004');
        assert.equal(answer.subCode, 'ACQ.TRADE_NOT_EXIST');
    });

    await t.test('checks the notice of the payment', async () => {
        await simulator.pay(out_trade_no);
        const { refusal } = await inbox.next();
        assert.ifError(refusal);
        const paid = seen.at(-1);
        assert.equal(paid.out_trade_no, out_trade_no);
        assert.equal(paid.trade_status, 'TRADE_SUCCESS');
        assert.equal(paid.total_amount, '49.90');
        assert.equal(paid.subject, subject);
        await simulator.acknowledged(out_trade_no, 'TRADE_SUCCESS');
    });

    await t.test('queries a paid trade', async () => {
        const answer = await query();
        assert.equal(answer.tradeStatus, 'TRADE_SUCCESS');
        assert.equal(answer.totalAmount, '49.90');
    });

    await t.test('refunds', async () => {
        const answer = await sdk.exec(
            'alipay.trade.refund',
            { bizContent: { out_trade_no, out_request_no, refund_amount: '10.00', refund_reason: '少发一件' } },
            CHECKED,
        );
        assert.equal(answer.code, '10000');
        assert.equal(answer.fundChange, 'Y');
        assert.equal(answer.refundFee, '10.00');
    });

    await t.test('checks the notice of the refund', async () => {
        const { refusal } = await inbox.next();
        assert.ifError(refusal);
        const refunded = seen.at(-1);
        assert.equal(refunded.out_biz_no, out_request_no);
        assert.equal(refunded.refund_fee, '10.00');
        // A partial refund leaves the trade paid, so both notifications have the same status.
        assert.equal(refunded.trade_status, 'TRADE_SUCCESS');
        await simulator.acknowledged(out_trade_no, 'TRADE_SUCCESS', 2);
    });

    await t.test('queries the refund', async () => {
        const answer = await sdk.exec(
            'alipay.trade.fastpay.refund.query',
            { bizContent: { out_trade_no, out_request_no } },
            CHECKED,
        );
        assert.equal(answer.refundStatus, 'REFUND_SUCCESS');
        assert.equal(answer.refundAmount, '10.00');
    });

    const page = (number, subject) => ({
        notifyUrl: inbox.url,
        bizContent: {
            out_trade_no: number,
            total_amount: '49.90',
            subject,
            product_code: 'FAST_INSTANT_TRADE_PAY',
        },
    });

    /** What a browser makes of the form that sends itself. */
    const submit = async (html) => {
        const unescape = (text) => text.replaceAll('&quot;', '"').replaceAll('&amp;', '&');
        const fields = [...html.matchAll(/<input type="hidden" name="(.*?)" value="(.*?)"/g)];
        return (
            await fetch(/ action="(.*?)"/.exec(html)[1], {
                method: 'POST',
                body: new URLSearchParams(fields.map(([, name, value]) => [name, unescape(value)])),
            })
        ).text();
    };

    await t.test('signs a payment page, as an address and as a form, and is paid there', async () => {
        for (const [httpMethod, open] of [['GET', fetch], ['POST', submit]]) {
            const number = freshNumber('AL');
            await open(sdk.pageExecute('alipay.trade.page.pay', httpMethod, page(number, subject)));
            await simulator.pay(number);
            assert.ifError((await inbox.next()).refusal);
            assert.equal(seen.at(-1).out_trade_no, number);
        }
    });

    await t.test('defect: a form with a character reference in a text arrives altered', async () => {
        const form = sdk.pageExecute('alipay.trade.page.pay', 'POST', page(freshNumber('AL'), 'A &quot;B&quot;'));
        assert.match(await submit(form), /isv\.invalid-signature/);
    });

    await t.test('works in certificate mode', async () => {
        const certified = new AlipaySdk({
            gateway,
            appId: keys.alipayAppId,
            privateKey: keys.alipayPrivateKey,
            keyType: 'PKCS8',
            appCertContent: keys.alipayAppCert,
            alipayPublicCertContent: keys.alipayCert,
            alipayRootCertContent: keys.alipayRootCert,
        });
        const answer = await certified.exec('alipay.trade.query', { bizContent: { out_trade_no } }, CHECKED);
        assert.equal(answer.tradeStatus, 'TRADE_SUCCESS');
        assert.match(await rawQuery(certified), /,"alipay_cert_sn":"[0-9a-f]{32}","sign":/);
    });

    await t.test('refuses a notice that somebody else signed, or that was altered', async () => {
        const { answer } = await simulator.forge(out_trade_no, { signedBy: 'stranger', send: true });
        assert.equal(answer.body, 'fail');
        assert.match((await inbox.next()).refusal.message, /forged/);
        const { body } = await simulator.forge(out_trade_no);
        const altered = { ...Object.fromEntries(new URLSearchParams(body)), total_amount: '0.01' };
        assert.equal(sdk.checkNotifySignV2(altered), false);
    });

    await t.test('refuses a forged answer, if it was told to check', async () => {
        await simulator.fault({ kind: 'badSignature', gateway: 'alipay', endpoint: 'query' });
        await assert.rejects(query(), /验签失败/);
    });

    await t.test('defect: believes a forged answer, because it does not check unless told to', async () => {
        await simulator.fault({ kind: 'badSignature', gateway: 'alipay', endpoint: 'query' });
        assert.equal((await query({})).tradeStatus, 'TRADE_SUCCESS');
    });

    await t.test('defect: checkNotifySign decodes twice and throws at a percent sign', async () => {
        const { body } = await simulator.forge(out_trade_no);
        const fields = Object.fromEntries(new URLSearchParams(body));
        assert.throws(() => sdk.checkNotifySign(fields), URIError);
        assert.equal(sdk.checkNotifySignV2(fields), true);
    });

    await t.test('defect: refuses a good answer whose signature comes first', async () => {
        const raw = await rawQuery();
        const { sign } = JSON.parse(raw);
        sdk.checkResponseSign(raw, 'alipay_trade_query_response', sign);
        const node = sdk.getSignStr(raw, 'alipay_trade_query_response');
        const signFirst = `{"sign":"${sign}","alipay_trade_query_response":${node}}`;
        assert.deepEqual(JSON.parse(signFirst), JSON.parse(raw));
        assert.throws(() => sdk.checkResponseSign(signFirst, 'alipay_trade_query_response', sign), /验签失败/);
    });

    await t.test('defect: hides an unsigned error behind a TypeError when told to check', async () => {
        await simulator.fault({ kind: 'errorBefore', gateway: 'alipay', endpoint: 'query' });
        await assert.rejects(query(), TypeError);
        await simulator.fault({ kind: 'errorBefore', gateway: 'alipay', endpoint: 'query' });
        assert.equal((await query({})).code, '20000');
    });

    await t.test('defect: sends local time, which Alipay refuses outside its time zone', async (t) => {
        t.after(() => (process.env.TZ = 'Asia/Shanghai'));
        process.env.TZ = 'UTC';
        const answer = await query({});
        assert.equal(answer.subCode, 'isv.invalid-timestamp');
    });
});
