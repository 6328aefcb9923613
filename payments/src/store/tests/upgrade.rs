//! Upgrade test: a database of an earlier version is migrated, and its books are correct.

use std::borrow::Cow;

use futures_util::FutureExt;
use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions, PgPool, sqlite::SqliteConnectOptions};

use super::super::invariants::{count_broken, invariants};
use super::super::{Db, MIGRATIONS, on};
use super::urls;

/// First version with a ledger.
const BOOKS: i64 = 4;

/// Past data: a paid order, one that was paid twice, one that is still open, and refunds in every state.
const PAST: &str = "
    insert into orders (id, order_no, token, user_id, subject, amount, state, expires_at, paid_at, created_at, updated_at)
    values ('o1', 'o1', 't1', 'ann', 's', 500, 'paid', 9, 2, 1, 2),
        ('o2', 'o2', 't2', 'bob', 's', 700, 'paid', 9, 2, 1, 2),
        ('o3', 'o3', 't3', 'bob', 's', 700, 'open', 9, null, 1, 1);
    insert into payments (id, payment_no, order_id, method, product, amount, state, settles, transaction_id, request,
        expires_at, paid_at, created_at, updated_at)
    values ('p1', 'p1', 'o1', 'wechat', 'native', 500, 'paid', true, 'x1', '', 9, 2, 1, 2),
        ('p2', 'p2', 'o2', 'alipay', 'qr', 700, 'paid', true, 'x2', '', 9, 3, 1, 3),
        ('p3', 'p3', 'o2', 'wechat', 'native', 700, 'paid', false, 'x3', '', 9, 4, 1, 4),
        ('p4', 'p4', 'o3', 'wechat', 'native', 700, 'pending', false, null, '', 9, null, 1, 1);
    insert into refunds (id, refund_no, payment_id, amount, reason, state, created_at, finished_at, due_at)
    values ('r1', 'r1', 'p1', 100, 'why', 'succeeded', 5, 6, null),
        ('r2', 'r2', 'p1', 200, 'why', 'pending', 5, null, 9),
        ('r3', 'r3', 'p2', 700, 'why', 'failed', 5, 7, null),
        ('r4', 'r4', 'p3', 700, 'why', 'failed', 5, 7, null),
        ('r5', 'r5', 'p3', 700, 'why', 'stuck', 8, null, 9)";

const SUMS: &str = "
    select account, cast(sum(amount) as bigint) as total from entries group by account order by account";

fn before_the_books() -> Migrator {
    let old = MIGRATIONS.iter().filter(|migration| migration.version < BOOKS);
    Migrator {
        migrations: Cow::Owned(old.cloned().collect()),
        ..Migrator::DEFAULT
    }
}

pub(super) async fn live_in_the_past(url: &str) {
    if url.starts_with("sqlite:") {
        let options: SqliteConnectOptions = url.parse().unwrap();
        let mut connection = options.create_if_missing(true).connect().await.unwrap();
        before_the_books()
            .run_direct(None, &mut connection, false)
            .await
            .unwrap();
        sqlx::raw_sql(PAST).execute(&mut connection).await.unwrap();
    } else {
        let pool = PgPool::connect(url).await.unwrap();
        before_the_books().run(&pool).await.unwrap();
        sqlx::raw_sql(PAST).execute(&pool).await.unwrap();
        pool.close().await;
    }
}

async fn sums(db: &Db) -> Vec<(String, i64)> {
    db.snapshot(|tx| async move { on!(tx, SUMS, fetch_all, |query| query) }.boxed())
        .await
        .unwrap()
}

#[tokio::test]
async fn payments_from_before_the_ledger_are_in_the_ledger() {
    for (url, _directory) in urls().await {
        live_in_the_past(&url).await;
        let db = Db::connect(&url).await.unwrap();
        let expected = [
            ("gateway:alipay", -700),
            ("gateway:wechat", -1100),
            ("refunds_due", 900),
            ("sales", 900),
            ("surplus", 0),
        ];
        assert_eq!(
            sums(&db).await,
            expected.map(|(account, sum)| (account.to_owned(), sum))
        );
        for invariant in invariants() {
            let n_broken = db
                .snapshot(|tx| async move { count_broken(tx, invariant.sql).await }.boxed())
                .await
                .unwrap();
            assert_eq!(n_broken, 0, "{}", invariant.name);
        }
        db.close().await;
    }
}
