//! Invariants between orders, payments and refunds.

use super::Invariant;

pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "an order is paid by at most one payment",
        sql: "select order_id as id from payments where state = 'paid' and settles group by order_id having count(*) > 1",
    },
    Invariant {
        name: "an order is paid exactly when a payment settles it",
        sql: "select o.id as id from orders o left join payments p on p.order_id = o.id and p.settles
            where (o.state = 'paid') <> (p.id is not null)",
    },
    Invariant {
        name: "a payment has the amount of its order",
        sql: "select p.id as id from payments p join orders o on o.id = p.order_id where p.amount <> o.amount",
    },
    Invariant {
        name: "one trade of a gateway pays one payment",
        sql: "select transaction_id as id from payments where transaction_id is not null
            group by method, transaction_id having count(*) > 1",
    },
    Invariant {
        name: "surplus money has a refund of the same sum",
        sql: "select p.id as id from payments p where p.state = 'paid' and not p.settles and p.amount <>
            (select cast(coalesce(sum(r.amount), 0) as bigint) from refunds r
                where r.payment_id = p.id and r.state <> 'failed')",
    },
    Invariant {
        name: "refunds never exceed their payment",
        sql: "select p.id as id from payments p where p.amount <
            (select cast(coalesce(sum(r.amount), 0) as bigint) from refunds r
                where r.payment_id = p.id and r.state <> 'failed')",
    },
    Invariant {
        name: "only paid payments are refunded",
        sql: "select r.id as id from refunds r join payments p on p.id = r.payment_id where p.state <> 'paid'",
    },
    Invariant {
        name: "an order's refunded amount is the sum of its succeeded refunds",
        sql: "select o.id as id from orders o where o.refunded <>
            (select coalesce(sum(r.amount), 0) from refunds r join payments p on p.id = r.payment_id
                where p.order_id = o.id and p.settles and r.state = 'succeeded')",
    },
    Invariant {
        name: "a refund in progress has its next due time",
        sql: "select id from refunds where state in ('requested', 'pending', 'stuck') and due_at is null",
    },
    Invariant {
        name: "an order has at most one open payment",
        sql: "select order_id as id from payments where state in ('created', 'pending')
            group by order_id having count(*) > 1",
    },
    Invariant {
        name: "an order that is over has no open payment",
        sql: "select p.id as id from payments p join orders o on o.id = p.order_id
            where p.state in ('created', 'pending') and o.state = 'cancelled'",
    },
    Invariant {
        name: "a paid order has its time, and a paid payment its time and trade",
        sql: "select id as id from orders where (state = 'paid') <> (paid_at is not null)
            union all
            select id as id from payments where state = 'paid' and (paid_at is null or transaction_id is null)",
    },
    Invariant {
        name: "every amount is at least one fen and within the limit",
        sql: "select id as id from orders where amount <= 0 or amount > 10000000000
            union all
            select id as id from payments where amount <= 0 or amount > 10000000000
            union all
            select id as id from refunds where amount <= 0 or amount > 10000000000",
    },
    Invariant {
        name: "a number of an epay merchant is paid by at most one order",
        sql: "select min(a.order_id) as id from epay_attempts a join orders o on o.id = a.order_id
            where o.state = 'paid' group by a.pid, a.merchant_no having count(*) > 1",
    },
    Invariant {
        name: "a refund number names one refund",
        sql: "select refund_no as id from refunds group by refund_no having count(*) > 1",
    },
    Invariant {
        name: "a request for a refund made one refund",
        sql: "select cause as id from refunds where cause is not null group by cause having count(*) > 1",
    },
    Invariant {
        name: "a refund has an end exactly when it is over",
        sql: "select id as id from refunds
            where (state in ('succeeded', 'failed')) <> (finished_at is not null)",
    },
    Invariant {
        name: "every refund of a balance payment has succeeded",
        sql: "select r.id as id from refunds r join payments p on p.id = r.payment_id
            where p.method = 'balance' and r.state <> 'succeeded'",
    },
    Invariant {
        name: "no top-up is paid by a balance",
        sql: "select p.id as id from payments p join orders o on o.id = p.order_id
            where p.method = 'balance' and o.purpose = 'topup'",
    },
];
