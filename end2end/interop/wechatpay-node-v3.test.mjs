// npm wechatpay-node-v3: its host is fixed, so its requests are turned to the simulator by `createHttp`.
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import Pay from 'wechatpay-node-v3';
import { startSimulator } from './simulator.mjs';
import { openShop } from './wechat.mjs';

const HOST = 'https://api.mch.weixin.qq.com';

function clientOf({ url, credentials: keys }) {
    const pay = new Pay({
        appid: keys.wechatAppId,
        mchid: keys.wechatMchId,
        serial_no: keys.wechatSerialNo,
        // Only read for the serial number above.
        publicKey: createPublicKey(keys.wechatPrivateKey).export({ type: 'spki', format: 'pem' }),
        privateKey: Buffer.from(keys.wechatPrivateKey),
        key: keys.wechatApiV3Key,
    });
    const own = pay.httpService;
    const here = (address) => address.replace(HOST, url);
    pay.createHttp({
        get: (address, headers) => own.get(here(address), headers),
        post: (address, params, headers) => own.post(here(address), params, headers),
    });
    return pay;
}

const signedBy = (headers) => ({
    timestamp: headers['wechatpay-timestamp'],
    nonce: headers['wechatpay-nonce'],
    serial: headers['wechatpay-serial'],
    signature: headers['wechatpay-signature'],
});

test('wechatpay-node-v3 2.2.1', async (t) => {
    let pay;
    const decipher = ({ ciphertext, associated_data: aad, nonce }) => pay.decipher_gcm(ciphertext, aad, nonce);
    const shop = await openShop(t, {
        prefix: 'NV',
        wechatKeys: 'certificate',
        reply: { status: 200, body: '{"code":"SUCCESS","message":"成功"}' },
        opener(simulator) {
            pay = clientOf(simulator);
            const apiSecret = simulator.credentials.wechatApiV3Key;
            return async ({ headers, body }) => {
                assert.ok(await pay.verifySign({ ...signedBy(headers), body, apiSecret }), 'forged');
                return decipher(JSON.parse(body).resource);
            };
        },
    });
    const { simulator, inbox, order, freshNumber } = shop;
    const { out_trade_no, out_refund_no } = shop.refund;
    const ownPublicKey = createPublicKey(simulator.credentials.wechatPrivateKey);
    const apiSecret = simulator.credentials.wechatApiV3Key;

    await t.test('orders', async () => {
        const { status, data } = await pay.transactions_native(order);
        assert.equal(status, 200);
        assert.match(data.code_url, /^weixin:\/\/wxpay\//);
    });

    await t.test('queries an unpaid order', async () => {
        const { status, data } = await pay.query({ out_trade_no });
        assert.equal(status, 200);
        assert.equal(data.trade_state, 'NOTPAY');
    });

    await t.test('fetches the platform certificate and opens the notice of the payment', shop.isPaidAndTold);

    await t.test('queries a paid order by either number', async () => {
        const { data } = await pay.query({ out_trade_no });
        assert.equal(data.trade_state, 'SUCCESS');
        const byId = await pay.query({ transaction_id: data.transaction_id });
        assert.equal(byId.data.out_trade_no, out_trade_no);
    });

    await t.test('refunds', async () => {
        const { status, data } = await pay.refunds(shop.refund);
        assert.equal(status, 200);
        assert.equal(data.amount.refund, 1000);
    });

    await t.test('opens the notice of the refund', shop.isToldOfTheRefund);

    await t.test('queries the refund', async () => {
        const { status, data } = await pay.find_refunds(out_refund_no);
        assert.equal(status, 200);
        assert.equal(data.status, 'SUCCESS');
    });

    await t.test('closes an order', async () => {
        const other = freshNumber();
        await pay.transactions_native({ ...order, out_trade_no: other });
        const { status } = await pay.close(other);
        assert.equal(status, 204);
        assert.equal((await pay.query({ out_trade_no: other })).data.trade_state, 'CLOSED');
    });

    await t.test("orders in WeChat's own browser and signs for it", async () => {
        const payer = { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' };
        const { status, data } = await pay.transactions_jsapi({ ...order, out_trade_no: freshNumber(), payer });
        assert.equal(status, 200);
        assert.match(data.package, /^prepay_id=wx/);
        const message = [data.appId, data.timeStamp, data.nonceStr, data.package, ''].join('\n');
        assert.ok(verify('RSA-SHA256', Buffer.from(message), ownPublicKey, Buffer.from(data.paySign, 'base64')));
    });

    await t.test('fetches the new certificate when WeChat Pay has changed it', async () => {
        await simulator.fault({ kind: 'rotate', gateway: 'wechat', endpoint: 'query' });
        await pay.query({ out_trade_no });
        const { headers, body } = await simulator.forge(out_trade_no, { signedBy: 'rotated' });
        const { serial } = signedBy(headers);
        assert.ok(!(serial in Pay.certificates));
        assert.equal(await pay.verifySign({ ...signedBy(headers), body, apiSecret }), true);
        assert.ok(serial in Pay.certificates);
    });

    await t.test('refuses a notice that somebody else signed', async () => {
        const { answer } = await simulator.forge(out_trade_no, { signedBy: 'stranger', send: true });
        assert.equal(answer.status, 500);
        assert.match((await inbox.next()).refusal.message, /forged/);
    });

    await t.test('defect: deciphers an altered ciphertext without a word, so 49.90 becomes 99.90', async () => {
        const number = freshNumber();
        await pay.transactions_native({ ...order, out_trade_no: number });
        const { resource } = JSON.parse((await simulator.forge(number)).body);
        const plain = Buffer.from(JSON.stringify(decipher(resource)));
        const place = plain.indexOf('"total":4990') + '"total":'.length;
        const altered = Buffer.from(resource.ciphertext, 'base64');
        altered[place] ^= '4'.charCodeAt(0) ^ '9'.charCodeAt(0);
        const believed = decipher({ ...resource, ciphertext: altered.toString('base64') });
        assert.equal(believed.amount.total, 9990);
    });

    await t.test('defect: takes a notice of any age', async () => {
        const { headers, body } = await simulator.forge(out_trade_no, { ageSeconds: 24 * 60 * 60 });
        assert.equal(await pay.verifySign({ ...signedBy(headers), body, apiSecret }), true);
    });

    await t.test('defect: believes an answer that nobody or a stranger signed', async () => {
        for (const kind of ['noSignature', 'badSignature']) {
            await simulator.fault({ kind, gateway: 'wechat', endpoint: 'query' });
            const answer = await pay.query({ out_trade_no });
            assert.equal(answer.status, 200);
            // Nor could the caller check: the headers are not handed on.
            assert.deepEqual(Object.keys(answer).sort(), ['data', 'status']);
        }
    });

    await t.test('defect: an empty POST is signed without its fifth line and refused', async () => {
        const path = `/v3/pay/transactions/out-trade-no/${out_trade_no}/close`;
        const headers = pay.getHeaders(pay.buildAuthorization('POST', `${HOST}${path}`));
        const answer = await fetch(simulator.url + path, { method: 'POST', headers });
        assert.equal(answer.status, 401);
        const { code, detail } = await answer.json();
        assert.equal(code, 'SIGN_ERROR');
        assert.match(detail.sign_information.truncated_sign_message, /\n[0-9a-z]+\n\n$/);
    });

    await t.test('defect: cannot check the 204 of a close with the body it hands out', async () => {
        const path = `/v3/pay/transactions/out-trade-no/${freshNumber()}/close`;
        const params = { mchid: simulator.credentials.wechatMchId };
        const authorization = pay.buildAuthorization('POST', `${HOST}${path}`, params);
        const answer = await fetch(simulator.url + path, {
            method: 'POST',
            headers: pay.getHeaders(authorization, { 'Content-Type': 'application/json' }),
            body: JSON.stringify(params),
        });
        assert.equal(answer.status, 204);
        const signed = { ...signedBy(Object.fromEntries(answer.headers)), apiSecret };
        // Its client gives `{}` for no body, and no body at all is signed as the word "undefined".
        assert.deepEqual((await pay.close(freshNumber())).data, {});
        assert.equal(await pay.verifySign({ ...signed, body: {} }), false);
        assert.equal(await pay.verifySign({ ...signed, body: undefined }), false);
        assert.equal(await pay.verifySign({ ...signed, body: '' }), true);
    });

    await t.test('defect: knows no public-key mode, until the key is put among the certificates', async (t) => {
        const today = await startSimulator({ wechatKeys: 'public-key' });
        t.after(() => today.stop());
        const pay = clientOf(today);
        const number = freshNumber();
        await pay.transactions_native({ ...order, out_trade_no: number });
        const { headers, body } = await today.forge(number);
        const { wechatPublicKeyId, wechatPublicKey, wechatApiV3Key } = today.credentials;
        const verified = () => pay.verifySign({ ...signedBy(headers), body, apiSecret: wechatApiV3Key });
        await assert.rejects(verified(), { message: '拉取平台证书失败' });
        Pay.certificates[wechatPublicKeyId] = wechatPublicKey;
        assert.equal(await verified(), true);
    });
});
