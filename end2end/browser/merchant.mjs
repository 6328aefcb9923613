// Actions of a merchant's program and of payers, so that a page can be put into every state it has.
import assert from 'node:assert/strict';
import { apiKey } from './server.mjs';

export class Merchant {
    constructor(server) {
        this.server = server;
        this.control = server.wallet.replace(/\/wallet$/, '/_control');
    }

    async call(method, path, body) {
        const answer = await fetch(`${this.server.url}/api/billing${path}`, {
            method,
            headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
            body: body && JSON.stringify(body),
        });
        const said = await answer.json();
        assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${JSON.stringify(said)}`);
        return said;
    }

    async tell(path, body, method = 'POST') {
        const answer = await fetch(this.control + path, { method, body: body && JSON.stringify(body) });
        assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.text()}`);
    }

    order(more = {}) {
        const order = { userId: 'u1', subject: '团队版套餐，一个月 · Team plan', amount: 9_990, ...more };
        return this.call('POST', '/orders', order);
    }

    start(order, method, more = {}) {
        return this.call('POST', '/payments', { orderId: order.id, method, ...more });
    }

    /** Scans the code and pays. */
    pay(payment) {
        return this.tell('/pay', { code: payment.paymentUrl });
    }

    cancel(order) {
        return this.call('POST', `/orders/${order.id}/cancel`, {});
    }

    refund(payment, amount) {
        return this.call('POST', `/payments/${payment.id}/refund`, { amount, reason: '用户申请' });
    }

    /** Sets a fault of the simulator while `act` runs. */
    async during(fault, act) {
        await this.tell('/faults', fault);
        try {
            return await act();
        } finally {
            await this.tell('/faults', undefined, 'DELETE');
        }
    }

    /** Waits until an order or payment reads as it should. */
    async until(path, wanted) {
        let found;
        for (let look = 0; look < 100; look += 1) {
            found = await this.call('GET', path);
            if (wanted(found)) return found;
            await new Promise((done) => setTimeout(done, 100));
        }
        assert.fail(`${path} never became what it should: ${JSON.stringify(found)}`);
    }

    async paidOrder(method = 'wechat', more = {}) {
        const order = await this.order(more);
        const payment = await this.start(order, method);
        await this.pay(payment);
        await this.until(`/orders/${order.id}`, (order) => order.status === 'paid');
        return { order, payment };
    }
}
