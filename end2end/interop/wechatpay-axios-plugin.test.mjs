// npm wechatpay-axios-plugin: has a base URL, checks answers, and gives the parts to check a notice with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import wechatpay from 'wechatpay-axios-plugin';
import { openInbox } from './inbox.mjs';
import { freshNumber, startSimulator } from './simulator.mjs';

const { Aes, Formatter, Rsa, Wechatpay } = wechatpay;
const FRESH_SECONDS = 300;
// Long enough for the simulated bank, short enough for the SDK's own look at the clock.
const REFUND_TAKES_MS = 60_000;

test('wechatpay-axios-plugin 0.9.6', async (t) => {
    const simulator = await startSimulator();
    t.after(() => simulator.stop());
    const { wechatMchId: mchid, wechatAppId: appid, wechatPublicKeyId: keyId, ...keys } = simulator.credentials;
    const publicKey = Rsa.from(keys.wechatPublicKey, Rsa.KEY_TYPE_PUBLIC);
    const wxpay = new Wechatpay({
        baseURL: simulator.url,
        mchid,
        serial: keys.wechatSerialNo,
        privateKey: keys.wechatPrivateKey,
        certs: { [keyId]: keys.wechatPublicKey },
    });

    // As its README shows it; serial and freshness are the caller's business.
    const opened = [];
    const open = ({ headers, body }) => {
        const { 'wechatpay-timestamp': timestamp, 'wechatpay-nonce': nonce } = headers;
        assert.ok(Math.abs(Formatter.timestamp() - timestamp) < FRESH_SECONDS, 'stale');
        assert.equal(headers['wechatpay-serial'], keyId);
        const message = Formatter.response(timestamp, nonce, body);
        assert.ok(Rsa.verify(message, headers['wechatpay-signature'], publicKey), 'forged');
        const { resource } = JSON.parse(body);
        const { ciphertext, nonce: iv, associated_data: aad } = resource;
        return JSON.parse(Aes.AesGcm.decrypt(ciphertext, keys.wechatApiV3Key, iv, aad));
    };
    const inbox = await openInbox((letter) => {
        opened.push(open(letter));
        return { status: 204 };
    });
    t.after(() => inbox.close());

    const out_trade_no = freshNumber('AX');
    const out_refund_no = `${out_trade_no}R1`;
    const order = {
        appid,
        mchid,
        out_trade_no,
        description: '专业版 / 100% "月付" & more',
        notify_url: inbox.url,
        amount: { total: 4990, currency: 'CNY' },
    };
    const query = () =>
        wxpay.v3.pay.transactions.outTradeNo._out_trade_no_.get({ params: { mchid }, out_trade_no });

    await t.test('orders', async () => {
        const { status, data } = await wxpay.v3.pay.transactions.native.post(order);
        assert.equal(status, 200);
        assert.match(data.code_url, /^weixin:\/\/wxpay\//);
    });

    await t.test('queries an unpaid order', async () => {
        const { data } = await query();
        assert.equal(data.trade_state, 'NOTPAY');
    });

    await t.test('opens the notice of the payment', async () => {
        await simulator.pay(out_trade_no);
        const { refusal } = await inbox.next();
        assert.ifError(refusal);
        const paid = opened.at(-1);
        assert.equal(paid.out_trade_no, out_trade_no);
        assert.equal(paid.trade_state, 'SUCCESS');
        assert.equal(paid.amount.total, 4990);
        await simulator.acknowledged(out_trade_no, 'TRANSACTION.SUCCESS');
    });

    await t.test('queries a paid order by either number', async () => {
        const { data } = await query();
        assert.equal(data.trade_state, 'SUCCESS');
        const { transaction_id } = data;
        const byId = await wxpay.v3.pay.transactions.id._transaction_id_.get({ params: { mchid }, transaction_id });
        assert.equal(byId.data.out_trade_no, out_trade_no);
    });

    await t.test('refunds', async () => {
        const { status, data } = await wxpay.v3.refund.domestic.refunds.post({
            out_trade_no,
            out_refund_no,
            reason: '少发一件',
            notify_url: inbox.url,
            amount: { refund: 1000, total: 4990, currency: 'CNY' },
        });
        assert.equal(status, 200);
        assert.equal(data.out_refund_no, out_refund_no);
        assert.equal(data.amount.refund, 1000);
    });

    await t.test('opens the notice of the refund', async () => {
        await simulator.advance(REFUND_TAKES_MS);
        const { refusal } = await inbox.next();
        assert.ifError(refusal);
        const refunded = opened.at(-1);
        assert.equal(refunded.out_refund_no, out_refund_no);
        assert.equal(refunded.refund_status, 'SUCCESS');
        assert.equal(refunded.amount.refund, 1000);
        await simulator.acknowledged(out_trade_no, 'REFUND.SUCCESS');
    });

    await t.test('queries the refund', async () => {
        const { data } = await wxpay.v3.refund.domestic.refunds._out_refund_no_.get({ out_refund_no });
        assert.equal(data.status, 'SUCCESS');
    });

    await t.test('closes an order: 204 with a good signature over nothing', async () => {
        const other = freshNumber('AX');
        await wxpay.v3.pay.transactions.native.post({ ...order, out_trade_no: other });
        const { status } = await wxpay.v3.pay.transactions.outTradeNo._out_trade_no_.close.post(
            { mchid },
            { out_trade_no: other },
        );
        assert.equal(status, 204);
    });

    await t.test('tells a refusal by its code', async () => {
        await assert.rejects(wxpay.v3.pay.transactions.native.post({ ...order, out_trade_no: 'short' }), (error) => {
            assert.equal(error.response.status, 400);
            assert.equal(error.response.data.code, 'PARAM_ERROR');
            return true;
        });
    });

    for (const kind of ['badSignature', 'noSignature', 'probe']) {
        await t.test(`refuses an answer with the fault ${kind}`, async () => {
            await simulator.fault({ kind, gateway: 'wechat', endpoint: 'query' });
            await assert.rejects(query(), { code: /^EV3_RES_HEADER/ });
        });
    }

    await t.test('refuses notices that are forged, probed or stale', async () => {
        for (const alteration of [{ signedBy: 'stranger' }, { signedBy: 'probe' }, { ageSeconds: 600 }]) {
            const { answer } = await simulator.forge(out_trade_no, { ...alteration, send: true });
            assert.equal(answer.status, 500, JSON.stringify(alteration));
            assert.match((await inbox.next()).refusal.message, /forged|stale/);
        }
    });

    await t.test('refuses an altered ciphertext', async () => {
        const letter = await simulator.forge(out_trade_no);
        const altered = Buffer.from(JSON.parse(letter.body).resource.ciphertext, 'base64');
        altered[0] ^= 1;
        const { nonce, associated_data: aad } = JSON.parse(letter.body).resource;
        assert.throws(() => Aes.AesGcm.decrypt(altered.toString('base64'), keys.wechatApiV3Key, nonce, aad));
    });
});
