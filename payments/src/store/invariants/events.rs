//! Events against the objects that they tell of.
//!
//! Events are erased after their time, so an object is compared only when it is younger than the oldest event that is kept:
//! then all of its own are kept too.

use super::Invariant;

/// Objects of a table that are in a state whose event is missing.
macro_rules! untold {
    ($table:literal, $state:literal, $kind:literal) => {
        concat!(
            "select o.id as id from ",
            $table,
            " o left join events e on e.subject = o.id and e.type = '",
            $kind,
            "' where e.id is null and ",
            $state,
            " and o.created_at > (select min(created_at) from events)"
        )
    };
}

pub(super) const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "the state of every order has its event",
        sql: concat!(
            untold!("orders", "o.amount > 0", "order.created"),
            " union all ",
            untold!("orders", "o.state = 'paid'", "order.paid"),
            " union all ",
            untold!("orders", "o.state = 'cancelled'", "order.cancelled"),
            " union all ",
            untold!("orders", "o.refunded >= o.amount", "order.refunded")
        ),
    },
    Invariant {
        name: "the state of every payment has its event",
        sql: concat!(
            untold!("payments", "o.state = 'pending'", "payment.processing"),
            " union all ",
            untold!("payments", "o.state = 'paid'", "payment.succeeded"),
            " union all ",
            untold!("payments", "o.state = 'closed'", "payment.cancelled"),
            " union all ",
            untold!("payments", "o.state = 'declined'", "payment.failed")
        ),
    },
    Invariant {
        name: "the state of every refund has its event",
        sql: concat!(
            untold!("refunds", "o.amount > 0", "refund.created"),
            " union all ",
            untold!("refunds", "o.state = 'succeeded'", "refund.succeeded"),
            " union all ",
            untold!("refunds", "o.state = 'failed'", "refund.failed"),
            " union all ",
            untold!("refunds", "o.state = 'stuck'", "refund.needs_attention")
        ),
    },
    Invariant {
        name: "every entry of a user's balance has its event",
        sql: "select n.journal as id
            from entries n left join events e on e.subject = n.journal and e.type = 'balance.changed'
            where e.id is null and n.seq is not null and n.created_at > (select min(created_at) from events)",
    },
    Invariant {
        name: "what can happen once is told once",
        sql: "select subject as id from events
            where type in ('order.created', 'order.paid', 'payment.succeeded', 'refund.created', 'refund.succeeded',
                'balance.changed')
            group by subject, type having count(*) > 1",
    },
];
