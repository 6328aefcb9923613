// Every state an order's page can be in, with and without JavaScript, on a desk and on a phone: its own words, one
// primary action, no sideways scrolling, and nothing serious for axe to find, in the light and in the dark.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Merchant } from './merchant.mjs';
import { startServer } from './server.mjs';
import { DESK, launch, PHONE, visit } from './visitor.mjs';

const RETURN = { returnUrl: 'https://shop.example/thanks' };
/** A phone's browser says so; what it gets is tested in devices.test.mjs, so here it asks for codes. */
const SCREENS = { desk: { viewport: DESK }, phone: { viewport: PHONE, hasTouch: true, isMobile: true } };

let browser, server, hasty, merchant, hastyMerchant;
before(async () => {
    const inAHurry = { PAYMENT_TTL_MINUTES: '0.02', EXPIRY_CRON: '* * * * * *' };
    [browser, server, hasty] = await Promise.all([launch(), startServer(), startServer(inAHurry)]);
    [merchant, hastyMerchant] = [new Merchant(server), new Merchant(hasty)];
});
after(async () => {
    await browser?.close();
    await Promise.all([server?.stop(), hasty?.stop()]);
});

const at = (order, query = '') => order.checkoutUrl + query;

/** Paid, and a sum of it sent back; `tookMs` is how long WeChat takes over it. */
async function refunded(amount, tookMs) {
    await merchant.tell('/merchant', { wechatRefundMs: tookMs });
    const { order, payment } = await merchant.paidOrder('wechat', RETURN);
    await merchant.refund(payment, amount);
    const ends = tookMs === 0 ? (order) => order.refundedAmount === amount : () => true;
    await merchant.until(`/orders/${order.id}`, ends);
    await merchant.until(`/payments/${payment.id}`, (payment) => tookMs === 0 || payment.status === 'refunding');
    return at(order);
}

/** An Alipay code that was never scanned can be paid until its deadline, whatever became of its order. */
async function paidAfterwards(then) {
    const order = await merchant.order(RETURN);
    const forgotten = await merchant.start(order, 'alipay');
    await then(order);
    await merchant.pay(forgotten);
    await merchant.until(`/payments/${forgotten.id}`, ({ paidAt }) => paidAt !== null);
    return at(order);
}

const STATES = [
    {
        name: 'choose', state: 'choose', says: ['选择支付方式', 'Choose how to pay'], primary: ['支付 ¥99.90', 'Pay ¥99.90'],
        reach: async () => at(await merchant.order()),
    },
    {
        name: 'waiting', state: 'waiting', says: ['请扫码支付', 'Scan to pay'], primary: null,
        async reach() {
            const order = await merchant.order();
            await merchant.start(order, 'wechat');
            return at(order);
        },
    },
    {
        name: 'leaving', state: 'waiting', says: ['前往微信支付完成支付', 'Go to WeChat Pay to pay'],
        primary: ['去微信支付 ¥99.90', 'Pay ¥99.90 with WeChat'],
        async reach() {
            const order = await merchant.order();
            await merchant.start(order, 'wechat', { product: 'h5', payerIp: '203.0.113.7' });
            return at(order);
        },
    },
    {
        name: 'confirming', state: 'confirming', says: ['正在确认支付结果', 'Confirming your payment'],
        primary: ['再次查询', 'Check again'],
        async reach() {
            const order = await merchant.order();
            await merchant.start(order, 'alipay');
            return at(order, '?asked=1');
        },
    },
    {
        name: 'paid', state: 'paid', says: ['支付成功', 'Payment received'], primary: ['返回商家', 'Back to merchant'],
        reach: async () => at((await merchant.paidOrder('wechat', RETURN)).order),
    },
    {
        name: 'expired', state: 'expired', says: ['二维码已过期', 'Code expired'], primary: ['获取新二维码', 'New code'],
        on: () => hasty,
        async reach() {
            const order = await hastyMerchant.order();
            const payment = await hastyMerchant.start(order, 'wechat');
            await hastyMerchant.until(`/payments/${payment.id}`, ({ status }) => status === 'cancelled');
            return at(order);
        },
    },
    {
        name: 'closed', state: 'closed', says: ['订单已关闭', 'Order closed'], primary: ['返回商家', 'Back to merchant'],
        async reach() {
            const order = await merchant.order(RETURN);
            await merchant.cancel(order);
            return at(order);
        },
    },
    {
        name: 'late', state: 'returning', primary: ['查看退款', 'View refund'],
        says: ['订单已关闭，款项', 'Order was closed; your money'],
        reach: () => paidAfterwards((order) => merchant.cancel(order)),
    },
    {
        name: 'twice', state: 'returning', primary: ['查看退款', 'View refund'],
        says: ['已重复支付，多余款项', 'Paid twice; the extra payment'],
        reach: () => paidAfterwards(async (order) => merchant.pay(await merchant.start(order, 'wechat'))),
    },
    {
        name: 'unavailable', state: 'unavailable', says: ['该支付方式暂不可用', 'This method is unavailable'],
        primary: ['支付 ¥99.90', 'Pay ¥99.90'],
        reach: () => merchant.during({ kind: 'html502', endpoint: 'create' }, async () => {
            const order = await merchant.order();
            await assert.rejects(merchant.start(order, 'wechat'), /gateway_unreachable/);
            return at(order);
        }),
    },
    {
        name: 'refunding', state: 'refunding', says: ['退款处理中', 'Your refund is on its way'],
        primary: ['查看退款', 'View refund'],
        reach: () => refunded(9_990, 3_600_000),
    },
    {
        name: 'part-refunded', state: 'refunded', says: ['已退款 ¥20.00', 'Refunded ¥20.00'],
        primary: ['查看退款', 'View refund'],
        reach: () => refunded(2_000, 0),
    },
    {
        name: 'refunded', state: 'refunded', says: ['已退款 ¥99.90', 'Refunded ¥99.90'], primary: ['查看退款', 'View refund'],
        reach: () => refunded(9_990, 0),
    },
];

for (const { name, state, says, primary, reach, on = () => server } of STATES) {
    test(`"${name}" is shown in both languages, on every screen, with and without JavaScript`, async () => {
        const url = await reach();
        for (const [screen, look] of Object.entries(SCREENS)) {
            for (const javaScriptEnabled of [true, false]) {
                const label = `state-${name}-${screen}-${javaScriptEnabled ? 'live' : 'plain'}`;
                await visit(browser, on(), { name: label, javaScriptEnabled, ...look }, async (visitor) => {
                    // Renewing an expired code is tested elsewhere; here the page stands still.
                    if (name === 'expired') await visitor.page.route('**/ui/new_code', (route) => route.abort());
                    for (const [at, language] of ['zh', 'en'].entries()) {
                        await visitor.page.goto(withQuery(url, `lang=${language}`));
                        await visitor.reaches(state);
                        assert.match(await visitor.text('main h1'), new RegExp(says[at]));
                        assert.deepEqual(await primaryActions(visitor), primary === null ? [] : [primary[at]]);
                        await visitor.fitsTheScreen();
                        if (language === 'zh') await visitor.picture('zh');
                    }
                    if (javaScriptEnabled) await visitor.hasNoBarriers();
                    if (name === 'expired') visitor.complaints.length = 0;
                });
            }
        }
    });
}

test('error pages are accessible too', async () => {
    await visit(browser, server, { name: 'state-unknown' }, async (visitor) => {
        const answer = await visitor.page.goto(`${server.url}/checkout/unknown-unknown-unknown?lang=en`);
        assert.equal(answer.status(), 404);
        assert.match(await visitor.text('main h1'), /Page not found/);
        await visitor.hasNoBarriers();
        // The browser itself notes an answer of 404.
        visitor.complaints.length = 0;
    });
});

test('the shop and the receipt are accessible too', async () => {
    const { order } = await merchant.paidOrder('alipay');
    await visit(browser, server, { name: 'state-others' }, async (visitor) => {
        await visitor.page.goto(server.url);
        await visitor.hasNoBarriers();
        await visitor.page.goto(`${order.checkoutUrl}/receipt`);
        await visitor.hasNoBarriers();
    });
});

function withQuery(url, query) {
    return url + (url.includes('?') ? '&' : '?') + query;
}

/** What the page most wants to be pressed; one at most. */
function primaryActions(visitor) {
    return visitor.page.locator('main .button--primary:visible').allInnerTexts();
}
