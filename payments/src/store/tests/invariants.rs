//! Audit tests: each invariant is broken on purpose, and exactly that one must be reported.

use std::sync::Mutex;

use futures_util::FutureExt;

use super::super::invariants::{count_broken, invariants};
use super::super::{Db, StoreError, execute};
use super::upgrade::live_in_the_past;
use super::{run, urls};

const OPENING: &str = "
    insert into entries (journal, account, amount, kind, reference, seq, balance_after, created_at)
    values ('adjust:a1', 'adjustments', -50, 'adjust', 'a1', null, null, 1),
        ('adjust:a1', 'user:ann', 50, 'adjust', 'a1', 1, 50, 1)";
const BALANCE: &str = "insert into balances (user_id, available, seq, updated_at) values ('ann', 50, 1, 1)";

const EPAY_MERCHANT: &str = "
    insert into epay_merchants (pid, name, md5_key, platform_key, platform_public_key, created_at)
    values (1001, 'n', 'k', 'k', 'k', 1)";
const EPAY_ATTEMPTS: &str = "
    insert into epay_attempts (order_id, pid, merchant_no, attempt, version, asked_type, notify_url, name, param)
    values ('o1', 1001, 'a', 1, 1, '', 'u', 'n', ''), ('o2', 1001, 'b', 1, 1, '', 'u', 'n', '')";
/// Change made to correct books, and the invariant that the audit must report.
const CRIMES: [(&str, &str); 32] = [
    (
        "insert into entries (journal, account, amount, kind, reference, created_at)
        values ('adjust:x', 'sales', 5, 'adjust', 'x', 1)",
        "every journal sums to zero",
    ),
    (
        "insert into entries (journal, account, amount, kind, reference, created_at)
        values ('adjust:x', 'adjustments', -5, 'adjust', 'x', 1), ('adjust:x', 'user:ann', 5, 'adjust', 'x', 1)",
        "the entries of users are numbered, and no others",
    ),
    (
        "update balances set available = 51",
        "a balance is the sum of its entries",
    ),
    ("update balances set seq = 2", "a balance is the sum of its entries"),
    ("delete from balances", "every user with entries has a balance"),
    (
        "insert into entries (journal, account, amount, kind, reference, seq, balance_after, created_at)
        values ('adjust:x', 'adjustments', -5, 'adjust', 'x', null, null, 1),
            ('adjust:x', 'user:ann', 5, 'adjust', 'x', 3, 55, 1)",
        "a history has no gap, and its running balance is right",
    ),
    (
        "insert into entries (journal, account, amount, kind, reference, seq, balance_after, created_at)
        values ('adjust:x', 'adjustments', -5, 'adjust', 'x', null, null, 1),
            ('adjust:x', 'user:ann', 5, 'adjust', 'x', 2, 54, 1)",
        "a history has no gap, and its running balance is right",
    ),
    (
        "update payments set state = 'paid', transaction_id = 'x4', paid_at = 3 where id = 'p4'",
        "every paid payment is in the books once, from its payer to its owner",
    ),
    (
        "update orders set purpose = 'topup' where id = 'o1'",
        "every paid payment is in the books once, from its payer to its owner",
    ),
    (
        "insert into entries (journal, account, amount, kind, reference, created_at)
        values ('payment:p4', 'gateway:wechat', -700, 'payment', 'p4', 1),
            ('payment:p4', 'sales', 700, 'payment', 'p4', 1)",
        "no money in the books without a paid payment",
    ),
    (
        "insert into entries (journal, account, amount, kind, reference, created_at)
        values ('payment:again', 'gateway:wechat', -500, 'payment', 'p1', 1),
            ('payment:again', 'sales', 500, 'payment', 'p1', 1)",
        "no money in the books without a paid payment",
    ),
    (
        "insert into refunds (id, refund_no, payment_id, amount, reason, state, created_at)
        values ('r9', 'r9', 'p1', 10, 'why', 'requested', 9)",
        "every refund was taken from the account that held the money",
    ),
    (
        "update refunds set state = 'succeeded', finished_at = 9 where id = 'r2'",
        "every refund that is done is in the books once, and reached the payer",
    ),
    (
        "update refunds set state = 'failed', finished_at = 9 where id = 'r2'",
        "every failed refund is back in the account that held the money",
    ),
    (
        "update refunds set state = 'pending', finished_at = null where id = 'r1'",
        "no money left the books without a refund in that state",
    ),
    (
        "update refunds set state = 'pending', finished_at = null where id = 'r3'",
        "the amount due to payers is that of the refunds in progress",
    ),
    (
        "update refunds set cause = 'call 1' where id in ('r1', 'r2')",
        "a request for a refund made one refund",
    ),
    (
        "update refunds set finished_at = null where id = 'r1'",
        "a refund has an end exactly when it is over",
    ),
    (
        "update refunds set due_at = null where id = 'r2'",
        "a refund in progress has its next due time",
    ),
    (
        "update payments set method = 'balance' where id = 'p1'",
        "every refund of a balance payment has succeeded",
    ),
    (
        "update orders set refunded = 99 where id = 'o1'",
        "an order's refunded amount is the sum of its succeeded refunds",
    ),
    (
        "update epay_attempts set merchant_no = 'a', attempt = 2 where order_id = 'o2'",
        "a number of an epay merchant is paid by at most one order",
    ),
    (
        "update orders set amount = 501 where id = 'o1'",
        "a payment has the amount of its order",
    ),
    (
        "insert into events (id, type, subject, data, seq, created_at)
        values ('e1', 'incident.opened', 'i1', '{}', 1, 0)",
        "the state of every order has its event",
    ),
    (
        "insert into events (id, type, subject, data, seq, created_at)
        values ('e1', 'incident.opened', 'i1', '{}', 1, 0)",
        "the state of every payment has its event",
    ),
    (
        "insert into events (id, type, subject, data, seq, created_at)
        values ('e1', 'incident.opened', 'i1', '{}', 1, 0)",
        "the state of every refund has its event",
    ),
    (
        "insert into events (id, type, subject, data, seq, created_at)
        values ('e1', 'incident.opened', 'i1', '{}', 1, 0)",
        "every entry of a user's balance has its event",
    ),
    (
        "insert into events (id, type, subject, data, seq, created_at)
        values ('e1', 'order.paid', 'o1', '{}', 1, 99), ('e2', 'order.paid', 'o1', '{}', 2, 99)",
        "what can happen once is told once",
    ),
    (
        "insert into fee_entries (journal, account, amount, kind, reference, day, channel, created_at)
        values ('fee:p1:1', 'fees:wechat', -5, 'fee', 'p1', '2026-11-24', 'wechat', 1)",
        "every fee moved between a gateway and its fees, and each posting sums to zero",
    ),
    (
        "insert into fee_entries (journal, account, amount, kind, reference, day, channel, created_at)
        values ('fee:p4:1', 'fees:wechat', -5, 'fee', 'p4', '2026-11-24', 'wechat', 1),
            ('fee:p4:1', 'gateway:wechat', 5, 'fee', 'p4', '2026-11-24', 'wechat', 1)",
        "every fee is of a paid payment or of a refund of its gateway",
    ),
    (
        "insert into fee_entries (journal, account, amount, kind, reference, day, channel, created_at)
        values ('fee:p1:1', 'fees:wechat', -501, 'fee', 'p1', '2026-11-24', 'wechat', 1),
            ('fee:p1:1', 'gateway:wechat', 501, 'fee', 'p1', '2026-11-24', 'wechat', 1)",
        "no payment is charged more than its amount",
    ),
    (
        "insert into reconciliations (day, channel, status, statement_fees, planned_at, updated_at)
        values ('2026-11-24', 'wechat', 'matched', 5, 1, 1)",
        "the fees of a matched day in the books are those of its statement",
    ),
];

/// Invariants reported after a change, which is rolled back.
async fn found(db: &Db, crime: &'static str) -> Vec<&'static str> {
    let found = &Mutex::new(Vec::new());
    let undone: Result<(), StoreError> = db
        .write(|tx| {
            async move {
                execute!(tx, crime, |query| query)?;
                let mut names = Vec::new();
                for invariant in invariants() {
                    if count_broken(tx, invariant.sql).await? > 0 {
                        names.push(invariant.name);
                    }
                }
                *found.lock().unwrap() = names;
                Err(StoreError::Corrupt("on purpose"))
            }
            .boxed()
        })
        .await;
    assert!(
        matches!(undone, Err(StoreError::Corrupt(_))),
        "{crime}: {undone:?}"
    );
    found.lock().unwrap().clone()
}

#[tokio::test]
async fn every_broken_invariant_is_found_and_named() {
    for (url, _directory) in urls().await {
        live_in_the_past(&url).await;
        let db = Db::connect(&url).await.unwrap();
        for sql in [OPENING, BALANCE, EPAY_MERCHANT, EPAY_ATTEMPTS] {
            run(&db, sql).await.unwrap();
        }
        let nothing = found(&db, "update balances set updated_at = 2").await;
        assert!(nothing.is_empty(), "{nothing:?}");
        for (crime, name) in CRIMES {
            let found = found(&db, crime).await;
            assert!(found.contains(&name), "{crime}\nfound {found:?}, not {name:?}");
        }
        db.close().await;
    }
}
