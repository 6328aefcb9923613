//! The invariants as questions: each returns the rows that break it.

use super::{StoreError, Tx, on};

#[derive(Debug)]
pub struct Invariant {
    pub name: &'static str,
    pub sql: &'static str,
}

pub const INVARIANTS: &[Invariant] = &[
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
        name: "a payment asks for what its order costs",
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
        name: "a refund that is under way has its next turn",
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
];

/// How many rows break an invariant.
pub async fn count_broken(tx: &mut Tx<'_>, sql: &'static str) -> Result<usize, StoreError> {
    let rows: Vec<(String,)> = on!(tx, sql, fetch_all, |query| query)?;
    Ok(rows.len())
}
