// A merchant's program on the types that openapi-typescript generates; what does not compile here cannot be sent.
import createClient from 'openapi-fetch';
import type { components, paths } from './api.js';

const [server, key] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl: server ?? '', headers: { Authorization: `Bearer ${key}` } });

type Status = components['schemas']['OrderStatus'];
type Code = components['schemas']['ErrorCode'];
const open: Status = 'pending';
const reused: Code = 'order_no_reused';

const order = { orderNo: 'typed-ts-1', userId: 'u-7', subject: '专业版', amount: 9990 };
const { data: made, error } = await api.POST('/api/billing/orders', {
    params: { header: { 'Idempotency-Key': 'typed-ts-1' } },
    body: { ...order, metadata: { plan: 'team', seats: 3, nested: { deep: [true, null] } } },
});
if (error) throw new Error(error.error.message);
console.log(`ordered: ${made.status} ${made.metadata?.['plan']} ${made.metadata?.['seats']}`);

const again = await api.POST('/api/billing/orders', { body: { ...order, amount: 1 } });
const code: Code | undefined = again.error?.error.code;
console.log(`refused: ${code === reused ? code : 'not'}`);

const { data: page } = await api.GET('/api/billing/orders', {
    params: { query: { status: open, limit: 1, sort: 'updated' } },
});
const first: components['schemas']['Order'] | undefined = page?.data[0];
if (first?.orderNo !== order.orderNo) throw new Error('the list does not hold the order');

const payment = await api.POST('/api/billing/payments', {
    body: { orderId: made.id, method: 'wechat', product: 'native' },
});
if (payment.data?.status !== 'processing') throw new Error('the payment is not payable');
