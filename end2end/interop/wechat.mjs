// Helpers for the WeChat Pay SDKs: one order, its numbers, the inbox for its notifications, and their content.
import assert from 'node:assert/strict';
import { openInbox } from './inbox.mjs';
import { freshNumber, startSimulator } from './simulator.mjs';

// Long enough for the simulated bank, short enough for an SDK's own look at the clock.
const REFUND_TAKES_MS = 60_000;

/**
 * Starts a simulator for a merchant whose orders have numbers with this prefix. `opener(simulator)` makes what opens a
 * notice: `open({ headers, body })` returns what is in it, or throws to refuse it.
 */
export async function openShop(t, { prefix, wechatKeys, opener, reply }) {
    const simulator = await startSimulator({ wechatKeys });
    t.after(() => simulator.stop());
    const open = opener(simulator);
    const opened = [];
    const inbox = await openInbox(async (letter) => {
        opened.push(await open(letter));
        return reply;
    });
    t.after(() => inbox.close());

    const out_trade_no = freshNumber(prefix);
    const out_refund_no = `${out_trade_no}R1`;
    const order = {
        out_trade_no,
        description: '专业版 / 100% "月付" & more',
        notify_url: inbox.url,
        amount: { total: 4990, currency: 'CNY' },
    };
    const refund = {
        out_trade_no,
        out_refund_no,
        notify_url: inbox.url,
        amount: { refund: 1000, total: 4990, currency: 'CNY' },
    };

    async function next() {
        const { refusal } = await inbox.next();
        assert.ifError(refusal);
        return opened.at(-1);
    }

    return {
        simulator,
        inbox,
        order,
        refund,
        freshNumber: () => freshNumber(prefix),
        async isPaidAndTold() {
            await simulator.pay(out_trade_no);
            const paid = await next();
            assert.equal(paid.out_trade_no, out_trade_no);
            assert.equal(paid.trade_state, 'SUCCESS');
            assert.equal(paid.amount.total, 4990);
            await simulator.acknowledged(out_trade_no, 'TRANSACTION.SUCCESS');
        },
        async isToldOfTheRefund() {
            await simulator.advance(REFUND_TAKES_MS);
            const refunded = await next();
            assert.equal(refunded.out_refund_no, out_refund_no);
            assert.equal(refunded.refund_status, 'SUCCESS');
            assert.equal(refunded.amount.refund, 1000);
            await simulator.acknowledged(out_trade_no, 'REFUND.SUCCESS');
        },
    };
}
