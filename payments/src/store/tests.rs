//! Promises of a write, on both engines: all of it or nothing.

mod invariants;
mod search;
mod upgrade;
mod writers;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use sqlx::Connection;
use tokio::sync::Barrier;

use crate::audit_log::{Act, Action, Actor, count_broken_entries, record};

use super::{Db, StoreError, Tx, append_only, execute, on};

/// A database of its own; the directory goes with the test.
struct Store {
    db: Db,
    directory: tempfile::TempDir,
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the tests find PostgreSQL is no setting of the product"
)]
fn postgres_server() -> Option<String> {
    std::env::var("TEST_DATABASE_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

/// Address of a database that does not exist yet, and its directory.
fn file_url() -> (String, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/store.db", directory.path().display());
    (url, directory)
}

async fn postgres_url() -> Option<(String, tempfile::TempDir)> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let server = postgres_server()?;
    let name = format!(
        "store_{}_{}",
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::SeqCst)
    );
    let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("create database {name}"));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    Some((format!("{base}/{name}"), tempfile::tempdir().unwrap()))
}

async fn open((url, directory): (String, tempfile::TempDir)) -> Store {
    Store {
        db: Db::connect(&url).await.unwrap(),
        directory,
    }
}

async fn sqlite() -> Store {
    open(file_url()).await
}

pub(crate) async fn urls() -> Vec<(String, tempfile::TempDir)> {
    [Some(file_url()), postgres_url().await]
        .into_iter()
        .flatten()
        .collect()
}

/// Runs SQL directly, not through the store.
pub(crate) async fn run_sql(url: &str, sql: &str) {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

async fn stores() -> Vec<Store> {
    let mut stores = Vec::new();
    for url in urls().await {
        stores.push(open(url).await);
    }
    stores
}

async fn insert(tx: &mut Tx<'_>, id: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into incidents (id, kind, subject, detail, created_at)
        values ($1, 'test', $1, '', 0)";
    execute!(tx, SQL, |query| query.bind(id)).map(drop)
}

async fn ids(db: &Db) -> Vec<String> {
    const SQL: &str = "select id from incidents order by id";
    let rows: Vec<(String,)> = db
        .snapshot(|tx| async move { on!(tx, SQL, fetch_all, |query| query) }.boxed())
        .await
        .unwrap();
    rows.into_iter().map(|(id,)| id).collect()
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing_behind() {
    for store in stores().await {
        let failed: Result<(), StoreError> = store
            .db
            .write(|tx| {
                async move {
                    insert(tx, "half").await?;
                    Err(StoreError::Corrupt("on purpose"))
                }
                .boxed()
            })
            .await;
        assert!(failed.is_err());
        assert!(ids(&store.db).await.is_empty());
        store.db.write(|tx| insert(tx, "whole").boxed()).await.unwrap();
        assert_eq!(ids(&store.db).await, ["whole"]);
    }
}

#[tokio::test]
async fn a_lost_race_is_retried_three_times_and_then_reported() {
    for store in stores().await {
        let n_runs = &AtomicU32::new(0);
        let lost: Result<(), StoreError> = store
            .db
            .write(|_| {
                async move {
                    n_runs.fetch_add(1, Ordering::SeqCst);
                    Err(StoreError::Stale)
                }
                .boxed()
            })
            .await;
        assert!(matches!(lost, Err(StoreError::Stale)));
        assert_eq!(n_runs.load(Ordering::SeqCst), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_writes_of_the_group_survive_a_failed_one() {
    for store in stores().await {
        let db = &store.db;
        let barrier = &Barrier::new(16);
        let writers = (0..16).map(async |n: u32| {
            barrier.wait().await;
            let id = &format!("w{n:02}");
            db.write(|tx| {
                async move {
                    insert(tx, id).await?;
                    if n % 4 == 3 {
                        Err(StoreError::Corrupt("on purpose"))
                    } else {
                        Ok(())
                    }
                }
                .boxed()
            })
            .await
        });
        let outcomes = futures_util::future::join_all(writers).await;
        let written: Vec<String> = (0..16)
            .filter(|n| outcomes[*n].is_ok())
            .map(|n| format!("w{n:02}"))
            .collect();
        assert_eq!(written.len(), 12);
        assert_eq!(
            ids(db).await,
            written,
            "what was answered Ok is there, and nothing else"
        );
    }
}

#[tokio::test]
async fn a_dropped_writer_undoes_only_its_own_writes() {
    for store in stores().await {
        let hangs = store.db.write(|tx| {
            async move {
                insert(tx, "torn").await?;
                std::future::pending::<Result<(), StoreError>>().await
            }
            .boxed()
        });
        assert!(
            tokio::time::timeout(Duration::from_millis(100), hangs)
                .await
                .is_err()
        );
        store.db.write(|tx| insert(tx, "next").boxed()).await.unwrap();
        assert_eq!(ids(&store.db).await, ["next"]);
    }
}

/// A `begin` that is cancelled may leave a transaction open (transact-rs/sqlx #4385): on a connection that is used again,
/// writes after it would answer Ok and vanish.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_writes_do_not_swallow_the_writes_after_them() {
    for store in stores().await {
        for n in 0..200_u64 {
            let write = store
                .db
                .write(|tx| async move { insert(tx, "cancelled").await }.boxed());
            let _ = tokio::time::timeout(Duration::from_micros(n * 10), write).await;
        }
        let n_before = ids(&store.db).await.len();
        for n in 0..50 {
            let id = &format!("x{n:02}");
            store.db.write(|tx| insert(tx, id).boxed()).await.unwrap();
        }
        assert_eq!(ids(&store.db).await.len(), n_before + 50);
    }
}

#[tokio::test]
async fn sqlite_syncs_every_commit() {
    let store = sqlite().await;
    let (journal_mode, synchronous) = store
        .db
        .write(|tx| {
            async move {
                let (journal_mode,): (String,) = on!(tx, "pragma journal_mode", fetch_one, |query| query)?;
                let (synchronous,): (i64,) = on!(tx, "pragma synchronous", fetch_one, |query| query)?;
                Ok::<_, StoreError>((journal_mode, synchronous))
            }
            .boxed()
        })
        .await
        .unwrap();
    assert_eq!((journal_mode.as_str(), synchronous), ("wal", 2));
}

async fn run(db: &Db, sql: &'static str) -> Result<u64, StoreError> {
    db.write(|tx| async move { execute!(tx, sql, |query| query) }.boxed())
        .await
}

#[tokio::test]
async fn ledger_entries_are_neither_changed_nor_removed() {
    const ENTRIES: &str = "select journal || account || amount as line from entries order by account";
    for store in stores().await {
        let n_entered = run(
            &store.db,
            "insert into entries (journal, account, amount, kind, reference, created_at)
            values ('adjust:1', 'adjustments', -5, 'adjust', '1', 0), ('adjust:1', 'sales', 5, 'adjust', '1', 0)",
        )
        .await
        .unwrap();
        assert_eq!(n_entered, 2);
        let mut forbidden = vec![
            "update entries set amount = amount + 1",
            "update entries set note = 'x' where account = 'sales'",
            "delete from entries",
            "delete from entries where account = 'sales'",
        ];
        if matches!(store.db, Db::Postgres(_)) {
            forbidden.push("truncate entries");
        }
        for sql in forbidden {
            let error = run(&store.db, sql).await.unwrap_err();
            let StoreError::Sql(sqlx::Error::Database(said)) = error else {
                panic!("{sql}: {error:?}")
            };
            assert!(said.message().contains("append-only"), "{sql}: {said}");
        }
        let lines: Vec<(String,)> = store
            .db
            .snapshot(|tx| async move { on!(tx, ENTRIES, fetch_all, |query| query) }.boxed())
            .await
            .unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1].0, "adjust:1sales5");
    }
}

#[tokio::test]
async fn an_audit_log_entry_stays_and_a_forged_one_is_found() {
    let actor = &Actor {
        email: "ann@example.com".to_owned(),
        ip: None,
        request_id: String::new(),
    };
    let act = Act {
        action: Action::LogIn,
        subject: "usr_1",
        detail: "",
    };
    let now = domain::Timestamp::from_millis(1);
    for store in stores().await {
        for _ in 0..2 {
            let written: Result<(), StoreError> = store
                .db
                .write(|tx| async move { record(tx, actor, act, now).await }.boxed())
                .await;
            written.unwrap();
        }
        for sql in [
            "update audit_log set actor = 'bob'",
            "delete from audit_log where seq = 2",
        ] {
            let error = run(&store.db, sql).await.unwrap_err();
            let StoreError::Sql(sqlx::Error::Database(said)) = error else {
                panic!("{sql}: {error:?}")
            };
            assert!(said.message().contains("append-only"), "{sql}: {said}");
        }
        let n_broken = async || {
            let n: Result<usize, StoreError> = store
                .db
                .snapshot(|tx| async move { count_broken_entries(tx).await }.boxed())
                .await;
            n.unwrap()
        };
        assert_eq!(n_broken().await, 0);
        run(
            &store.db,
            "insert into audit_log (seq, at, actor, action, subject, detail, ip, request_id, previous_hash, hash)
            select 3, at, 'bob', action, subject, detail, ip, request_id, hash, 'made up' from audit_log where seq = 2",
        )
        .await
        .unwrap();
        assert_eq!(n_broken().await, 2, "no seal, and never counted");
        run(&store.db, "update audit_turn set n = 3").await.unwrap();
        assert_eq!(n_broken().await, 1);
        // As if an entry had been written behind it and removed.
        run(&store.db, "update audit_turn set n = 4").await.unwrap();
        assert_eq!(n_broken().await, 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_start_together_create_the_triggers_once() {
    for (url, _directory) in urls().await {
        // A file has one server; what is tested here is only that the triggers exist already.
        let n_together = if url.starts_with("sqlite:") { 1 } else { 4 };
        for _ in 0..2 {
            let starts = (0..n_together).map(|_| Db::connect(&url));
            for db in futures_util::future::join_all(starts).await {
                let db = db.unwrap();
                run(
                    &db,
                    "insert into entries (journal, account, amount, kind, reference, created_at)
                    values ('adjust:1', 'sales', 5, 'adjust', '1', 0) on conflict do nothing",
                )
                .await
                .unwrap();
                assert!(run(&db, "delete from entries").await.is_err());
                db.close().await;
            }
        }
    }
}

async fn n_missing(db: &Db) -> usize {
    db.snapshot(|tx| async move { append_only::count_missing(tx).await }.boxed())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_missing_trigger_is_reported_until_it_is_created_again() {
    for (url, _directory) in urls().await {
        let (take_down, blunt) = if url.starts_with("sqlite:") {
            (
                "drop trigger audit_lines_are_not_removed",
                "create trigger audit_lines_are_not_removed before delete on audit_log begin select 1; end",
            )
        } else {
            (
                "drop trigger audit_log_is_append_only on audit_log",
                "alter table entries disable trigger entries_are_append_only",
            )
        };
        let db = Db::connect(&url).await.unwrap();
        assert_eq!(n_missing(&db).await, 0, "{url}");
        run(&db, take_down).await.unwrap();
        assert_eq!(n_missing(&db).await, 1, "{url}");
        db.close().await;
        let db = Db::connect_to_audit(&url).await.unwrap();
        assert_eq!(n_missing(&db).await, 1, "{url}");
        db.close().await;
        let db = Db::connect(&url).await.unwrap();
        assert_eq!(n_missing(&db).await, 0, "{url}");
        if url.starts_with("sqlite:") {
            run(&db, take_down).await.unwrap();
        }
        run(&db, blunt).await.unwrap();
        assert_eq!(n_missing(&db).await, 1, "{url}");
        db.close().await;
    }
}
