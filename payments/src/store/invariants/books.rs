//! Invariants of the ledger, by itself and against orders, payments and refunds.

use super::Invariant;

/// Account that a payment's money belongs to.
macro_rules! owner {
    () => {
        "case when not p.settles then 'surplus' when o.purpose = 'topup' then 'user:' || o.user_id else 'sales' end"
    };
}

/// Account that a payment's money comes from.
macro_rules! payer {
    () => {
        "case when p.method = 'balance' then 'user:' || o.user_id else 'gateway:' || p.method end"
    };
}

pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "every journal sums to zero",
        sql: "select journal as id from entries group by journal having sum(amount) <> 0",
    },
    Invariant {
        name: "the entries of users are numbered, and no others",
        sql: "select journal as id from entries where (account like 'user:%') <> (seq is not null)",
    },
    Invariant {
        name: "a balance is the sum of its entries",
        sql: "select b.user_id as id from balances b
            where b.available <> (select coalesce(sum(e.amount), 0) from entries e
                    where e.account = 'user:' || b.user_id and e.seq is not null)
                or b.seq <> (select count(*) from entries e
                    where e.account = 'user:' || b.user_id and e.seq is not null)",
    },
    Invariant {
        name: "every user with entries has a balance",
        sql: "select distinct e.account as id from entries e
            left join balances b on b.user_id = substr(e.account, 6)
            where e.seq is not null and b.user_id is null",
    },
    Invariant {
        name: "a history has no gap, and its running balance is right",
        sql: "select journal as id from (
                select journal, amount, seq, balance_after,
                    lag(seq, 1, cast(0 as bigint)) over history as seq_before,
                    lag(balance_after, 1, cast(0 as bigint)) over history as balance_before
                from entries where seq is not null
                window history as (partition by account order by seq)
            ) as line
            where seq <> seq_before + 1 or balance_after <> balance_before + amount",
    },
    Invariant {
        name: "no balance is negative",
        sql: "select user_id as id from balances where available < 0
            union all
            select journal as id from entries where balance_after < 0",
    },
    Invariant {
        name: "every paid payment is in the books once, from its payer to its owner",
        sql: concat!(
            "select p.id as id from payments p join orders o on o.id = p.order_id
            left join entries f on f.journal = 'payment:' || p.id and f.amount = -p.amount and f.account = ",
            payer!(),
            " left join entries t on t.journal = 'payment:' || p.id and t.amount = p.amount and t.account = ",
            owner!(),
            " where p.state = 'paid' and (f.journal is null or t.journal is null)"
        ),
    },
    Invariant {
        name: "no money in the books without a paid payment",
        sql: "select e.journal as id from entries e
            left join payments p on p.id = e.reference and p.state = 'paid' and e.journal = 'payment:' || p.id
            where e.kind in ('payment', 'topup', 'surplus') and p.id is null",
    },
    Invariant {
        name: "every refund was taken from the account that held the money",
        sql: concat!(
            "select r.id as id from refunds r
            join payments p on p.id = r.payment_id join orders o on o.id = p.order_id
            left join entries f on f.journal = 'refund_requested:' || r.id and f.amount = -r.amount
                and f.account = ",
            owner!(),
            " left join entries t on t.journal = 'refund_requested:' || r.id and t.amount = r.amount
                and t.account = 'refunds_due'
            where f.journal is null or t.journal is null"
        ),
    },
    Invariant {
        name: "every refund that is done is in the books once, and reached the payer",
        sql: concat!(
            "select r.id as id from refunds r
            join payments p on p.id = r.payment_id join orders o on o.id = p.order_id
            left join entries t on t.journal = 'refund:' || r.id and t.amount = r.amount and t.account = ",
            payer!(),
            " where r.state = 'succeeded' and t.journal is null"
        ),
    },
    Invariant {
        name: "every failed refund is back in the account that held the money",
        sql: concat!(
            "select r.id as id from refunds r
            join payments p on p.id = r.payment_id join orders o on o.id = p.order_id
            left join entries t on t.journal = 'refund_failed:' || r.id and t.amount = r.amount and t.account = ",
            owner!(),
            " where r.state = 'failed' and t.journal is null"
        ),
    },
    Invariant {
        name: "no money left the books without a refund in that state",
        sql: "select e.journal as id from entries e
            left join refunds r on r.id = e.reference and e.journal = e.kind || ':' || r.id
                and (e.kind = 'refund_requested' or r.state = 'succeeded'
                    or (e.kind = 'refund_failed' and r.state = 'failed'))
            where e.kind in ('refund_requested', 'refund', 'refund_failed') and r.id is null",
    },
    Invariant {
        name: "the amount due to payers is that of the refunds in progress",
        sql: "select due.account as id
            from (select 'refunds_due' as account, coalesce(sum(amount), 0) as total
                from entries where account = 'refunds_due') as due
            cross join (select coalesce(sum(amount), 0) as total
                from refunds where state in ('requested', 'pending', 'stuck')) as moving
            where due.total <> moving.total",
    },
    Invariant {
        name: "every fee moved between a gateway and its fees, and each posting sums to zero",
        sql: "select journal as id from fee_entries
            group by journal
            having sum(amount) <> 0 or count(*) <> 2 or min(channel) <> max(channel)
                or sum(case when account in ('fees:' || channel, 'gateway:' || channel) then 1 else 0 end) <> 2",
    },
    Invariant {
        name: "every fee is of a paid payment or of a refund of its gateway",
        sql: "select e.journal as id from fee_entries e
            left join payments p on p.id = e.reference and p.state = 'paid' and p.method = e.channel
            left join refunds r on r.id = e.reference
            where (e.kind = 'fee' and p.id is null) or (e.kind = 'fee_returned' and r.id is null)",
    },
    Invariant {
        name: "no payment is charged more than its amount",
        sql: "select p.id as id from payments p join fee_entries e on e.reference = p.id and e.account like 'fees:%'
            group by p.id, p.amount having sum(-e.amount) > p.amount",
    },
    Invariant {
        name: "the fees of a matched day in the books are those of its statement",
        sql: "select d.day || ' ' || d.channel as id from reconciliations d
            where d.status = 'matched' and d.statement_fees <>
                (select coalesce(sum(-e.amount), 0) from fee_entries e
                    where e.day = d.day and e.channel = d.channel and e.account = 'fees:' || d.channel)
                and not exists (select 1 from reconciliation_differences x
                    where x.day = d.day and x.channel = d.channel)",
    },
];
