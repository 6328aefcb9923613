// npm wechatpay-axios-plugin: has a base URL, checks answers, and gives the parts to verify a notification with.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import wechatpay from 'wechatpay-axios-plugin';
import { openShop } from './wechat.mjs';

const { Aes, Formatter, Rsa, Wechatpay } = wechatpay;
const FRESH_SECONDS = 300;

// As its README shows it; serial and freshness are the caller's business.
function opener({ credentials: keys }) {
    const publicKey = Rsa.from(keys.wechatPublicKey, Rsa.KEY_TYPE_PUBLIC);
    return ({ headers, body }) => {
        const { 'wechatpay-timestamp': timestamp, 'wechatpay-nonce': nonce } = headers;
        assert.ok(Math.abs(Formatter.timestamp() - timestamp) < FRESH_SECONDS, 'stale');
        assert.equal(headers['wechatpay-serial'], keys.wechatPublicKeyId);
        const message = Formatter.response(timestamp, nonce, body);
        assert.ok(Rsa.verify(message, headers['wechatpay-signature'], publicKey), 'forged');
        const { resource } = JSON.parse(body);
        const { ciphertext, nonce: iv, associated_data: aad } = resource;
        return JSON.parse(Aes.AesGcm.decrypt(ciphertext, keys.wechatApiV3Key, iv, aad));
    };
}

test('wechatpay-axios-plugin 0.9.6', async (t) => {
    const shop = await openShop(t, { prefix: 'AX', opener, reply: { status: 204 } });
    const { simulator, inbox } = shop;
    const { wechatMchId: mchid, wechatAppId: appid, wechatPublicKeyId: keyId, ...keys } = simulator.credentials;
    const order = { ...shop.order, appid, mchid };
    const { out_trade_no, out_refund_no } = shop.refund;
    const wxpay = new Wechatpay({
        baseURL: simulator.url,
        mchid,
        serial: keys.wechatSerialNo,
        privateKey: keys.wechatPrivateKey,
        certs: { [keyId]: keys.wechatPublicKey },
    });

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

    await t.test('opens the notice of the payment', shop.isPaidAndTold);

    await t.test('queries a paid order by either number', async () => {
        const { data } = await query();
        assert.equal(data.trade_state, 'SUCCESS');
        const { transaction_id } = data;
        const byId = await wxpay.v3.pay.transactions.id._transaction_id_.get({ params: { mchid }, transaction_id });
        assert.equal(byId.data.out_trade_no, out_trade_no);
    });

    await t.test('refunds', async () => {
        const { status, data } = await wxpay.v3.refund.domestic.refunds.post({ ...shop.refund, reason: '少发一件' });
        assert.equal(status, 200);
        assert.equal(data.out_refund_no, out_refund_no);
        assert.equal(data.amount.refund, 1000);
    });

    await t.test('opens the notice of the refund', shop.isToldOfTheRefund);

    await t.test('queries the refund', async () => {
        const { data } = await wxpay.v3.refund.domestic.refunds._out_refund_no_.get({ out_refund_no });
        assert.equal(data.status, 'SUCCESS');
    });

    await t.test('closes an order: 204 with a good signature over nothing', async () => {
        const other = shop.freshNumber();
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
