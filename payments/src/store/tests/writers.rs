//! Writers that are dropped, refused, or whose commit has an unknown outcome.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;

use super::{ids, insert, open, postgres_url, sqlite, stores, urls};
use crate::store::batch::Write;
use crate::store::sqlite::LostCommit;
use crate::store::{Db, StoreError, execute, on};

const SLOW_DISK: Duration = Duration::from_millis(20);

/// Polls a future so often, then drops it; `None`: it was not done by then.
async fn poll_times<T>(future: impl Future<Output = T>, n_polls: u32) -> Option<T> {
    let mut future = pin!(future);
    let mut n_left = n_polls;
    std::future::poll_fn(|context| {
        if n_left == 0 {
            return Poll::Ready(None);
        }
        n_left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending if n_left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Writes one row for `writer`, another one in each run: a write that is run twice leaves two.
async fn write_row(db: &Db, writer: &str, n_runs: &AtomicU32) -> Result<(), StoreError> {
    db.write(|tx| {
        async move {
            let run = n_runs.fetch_add(1, Ordering::SeqCst);
            insert(tx, &format!("{writer}#{run}")).await?;
            // A second statement, so that there is a point between two.
            let _: (i64,) = on!(tx, "select count(*) from orders", fetch_one, |query| query)?;
            Ok(())
        }
        .boxed()
    })
    .await
}

fn insert_row(id: &str) -> Write {
    const SQL: &str =
        "insert into incidents (id, kind, subject, detail, created_at) values ($1, 'test', $1, '', 0)";
    Write::exactly(1, SQL).bind(id)
}

async fn n_rows(db: &Db, writer: &str) -> usize {
    let prefix = format!("{writer}#");
    ids(db).await.iter().filter(|id| id.starts_with(&prefix)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_dropped_at_any_await_doubles_no_other_write() {
    for store in stores().await {
        let db = &store.db;
        if let Db::Sqlite(sqlite) = db {
            sqlite.trouble().slow_down(SLOW_DISK);
        }
        for n_polls in 0.. {
            let dropped = &format!("dropped{n_polls:03}");
            let n_runs = &AtomicU32::new(0);
            let neighbours = (0..6).map(async |n| {
                let name = format!("neighbour{n_polls:03}-{n}");
                write_row(db, &name, n_runs).await.unwrap();
                name
            });
            let drops = poll_times(write_row(db, dropped, n_runs), n_polls);
            let (ended, written) =
                futures_util::future::join(drops, futures_util::future::join_all(neighbours)).await;
            for name in written {
                assert_eq!(
                    n_rows(db, &name).await,
                    1,
                    "{name}: acknowledged once, written once"
                );
            }
            let n_own = n_rows(db, dropped).await;
            match ended {
                Some(answer) => {
                    answer.unwrap();
                    assert_eq!(n_own, 1);
                    break;
                }
                None => assert!(n_own <= 1, "{dropped} is there {n_own} times"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_or_dropped_write_causes_no_rerun_of_others() {
    let store = sqlite().await;
    let Db::Sqlite(sqlite) = &store.db else {
        panic!("a sqlite: URL opens SQLite")
    };
    sqlite.trouble().slow_down(Duration::from_millis(5));
    let db = &store.db;
    let n_runs = &AtomicU32::new(0);
    let writers = (0..60).map(async |n: u32| {
        let name = &format!("writer{n:02}");
        match n % 4 {
            0 => {
                let refused: Result<(), StoreError> = db
                    .write(|tx| {
                        async move {
                            insert(tx, name).await?;
                            Err(StoreError::Corrupt("refused after a write"))
                        }
                        .boxed()
                    })
                    .await;
                assert!(matches!(refused, Err(StoreError::Corrupt(_))));
            }
            1 => {
                // A failing statement: the id exists already, or will.
                let twice = db.write(|tx| {
                    async move {
                        insert(tx, name).await?;
                        insert(tx, name).await
                    }
                    .boxed()
                });
                assert!(matches!(twice.await, Err(StoreError::Sql(_))));
            }
            2 => drop(poll_times(write_row(db, name, &AtomicU32::new(0)), 3).await),
            _ => write_row(db, name, n_runs).await.unwrap(),
        }
    });
    futures_util::future::join_all(writers).await;
    assert_eq!(sqlite.trouble().n_reruns(), 0);
    assert_eq!(n_runs.load(Ordering::SeqCst), 15, "each neighbour ran once");
    let written = ids(db).await;
    let by_kind = |kind: u32| {
        let is_of = |id: &&String| {
            let number: u32 = id.trim_start_matches("writer")[..2].parse().unwrap();
            number % 4 == kind
        };
        written.iter().filter(is_of).count()
    };
    assert_eq!((by_kind(0), by_kind(1), by_kind(3)), (0, 0, 15));
}

#[tokio::test]
async fn a_commit_without_an_answer_is_unknown_and_never_retried() {
    for (lost, n_expected) in [(LostCommit::TookEffect, 1), (LostCommit::DidNothing, 0)] {
        let store = sqlite().await;
        let Db::Sqlite(sqlite) = &store.db else {
            panic!("a sqlite: URL opens SQLite")
        };
        sqlite.trouble().lose_commit(lost);
        let n_runs = AtomicU32::new(0);
        let answer = write_row(&store.db, "lost", &n_runs).await;
        assert!(matches!(answer, Err(StoreError::CommitUnknown)), "{answer:?}");
        assert_eq!(n_runs.load(Ordering::SeqCst), 1);
        assert_eq!(n_rows(&store.db, "lost").await, n_expected, "{lost:?}");
        write_row(&store.db, "next", &AtomicU32::new(0)).await.unwrap();
        assert_eq!(n_rows(&store.db, "next").await, 1);
    }
}

/// Without room SQLite itself rolls back the transaction, with all members of the group. Those that found no room fail at once,
/// and the others run again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_without_room_is_not_run_again() {
    let store = sqlite().await;
    let db = &store.db;
    let n_runs = &AtomicU32::new(0);
    let long = &"-".repeat(100_000);
    let writers = (0..40).map(async |n: u32| {
        let id = &format!("{n:02}");
        if n.is_multiple_of(2) {
            return db.write(|tx| insert(tx, id).boxed()).await;
        }
        db.write(|tx| {
            async move {
                n_runs.fetch_add(1, Ordering::SeqCst);
                insert(tx, id).await?;
                // As SQLite does; the connection is replaced afterwards, and its limit with it.
                execute!(tx, "rollback", |query| query)?;
                execute!(tx, "pragma max_page_count = 1", |query| query)?;
                insert(tx, long).await
            }
            .boxed()
        })
        .await
    });
    for (n, answer) in futures_util::future::join_all(writers).await.iter().enumerate() {
        let is_absence = answer.as_ref().is_err_and(StoreError::is_absence);
        assert_eq!(is_absence, n % 2 == 1, "{n}: {answer:?}");
    }
    assert_eq!(n_runs.load(Ordering::SeqCst), 20);
    assert_eq!(ids(db).await.len(), 20);
}

/// A batch that is a whole transaction is committed by its own statement, so the statement itself must notice a lost race.
#[tokio::test]
async fn a_batch_that_loses_a_race_writes_nothing() {
    const OTHER: &str = "update incidents set detail = 'changed' where id = $1";
    for store in stores().await {
        let db = &store.db;
        let n_runs = &AtomicU32::new(0);
        let lost: Result<(), StoreError> = db
            .write(|tx| {
                async move {
                    n_runs.fetch_add(1, Ordering::SeqCst);
                    tx.run_batch([insert_row("new"), Write::exactly(1, OTHER).bind("missing")])
                        .await
                }
                .boxed()
            })
            .await;
        assert!(matches!(lost, Err(StoreError::Stale)), "{lost:?}");
        assert_eq!(n_runs.load(Ordering::SeqCst), 4);
        assert!(ids(db).await.is_empty());
        // The same with statements before and after it.
        let lost: Result<(), StoreError> = db
            .write(|tx| {
                async move {
                    insert(tx, "first").await?;
                    tx.run_batch([insert_row("new"), Write::exactly(1, OTHER).bind("missing")])
                        .await?;
                    insert(tx, "last").await
                }
                .boxed()
            })
            .await;
        assert!(matches!(lost, Err(StoreError::Stale)), "{lost:?}");
        assert!(ids(db).await.is_empty());
        db.write(|tx| {
            async move {
                tx.run_batch([insert_row("one")]).await?;
                tx.run_batch([insert_row("two"), Write::exactly(1, OTHER).bind("one")])
                    .await
            }
            .boxed()
        })
        .await
        .unwrap_or_else(|error: StoreError| panic!("{error}"));
        assert_eq!(ids(db).await, ["one", "two"]);
    }
}

/// A write whose rows are counted is answered at once, and must be part of its transaction all the same.
#[tokio::test]
async fn a_counted_write_is_undone_with_its_transaction() {
    for store in stores().await {
        let failed: Result<(), StoreError> = store
            .db
            .write(|tx| {
                async move {
                    assert_eq!(tx.run_write(insert_row("row")).await?, 1);
                    Err(StoreError::Corrupt("on purpose"))
                }
                .boxed()
            })
            .await;
        assert!(matches!(failed, Err(StoreError::Corrupt(_))), "{failed:?}");
        assert!(ids(&store.db).await.is_empty());
    }
}

/// The server ends the connection in the middle of a commit, as a restart of PostgreSQL does.
#[tokio::test]
async fn a_connection_that_ends_while_postgresql_commits_leaves_the_outcome_unknown() {
    let Some(url) = postgres_url().await else { return };
    let store = open(url).await;
    for sql in [
        "create function end_connection() returns trigger language plpgsql as $$
        begin perform pg_terminate_backend(pg_backend_pid()); return null; end $$",
        "create constraint trigger ends_connection after insert on incidents
        deferrable initially deferred for each row when (new.id like 'lost%') execute function end_connection()",
    ] {
        super::run(&store.db, sql).await.unwrap();
    }
    let n_runs = AtomicU32::new(0);
    let answer = write_row(&store.db, "lost", &n_runs).await;
    assert!(matches!(answer, Err(StoreError::CommitUnknown)), "{answer:?}");
    assert_eq!(n_runs.load(Ordering::SeqCst), 1);
    // The same for a batch, whose own statement commits it.
    let answer: Result<(), StoreError> = store
        .db
        .write(|tx| async move { tx.run_batch([insert_row("lost")]).await }.boxed())
        .await;
    assert!(matches!(answer, Err(StoreError::CommitUnknown)), "{answer:?}");
    write_row(&store.db, "next", &AtomicU32::new(0)).await.unwrap();
    assert_eq!(n_rows(&store.db, "next").await, 1);
}

/// SQLite may end a transaction when a statement fails; what came after it would be committed statement by statement.
#[tokio::test]
async fn a_closure_that_goes_on_after_a_failed_statement_writes_nothing() {
    for store in stores().await {
        let goes_on = store.db.write(|tx| {
            async move {
                insert(tx, "one").await?;
                drop(insert(tx, "one").await);
                drop(execute!(tx, "delete from incidents", |query| query));
                Ok::<_, StoreError>(())
            }
            .boxed()
        });
        assert!(goes_on.await.is_err());
        assert!(ids(&store.db).await.is_empty());
    }
}

#[tokio::test]
async fn after_a_close_the_file_alone_is_the_whole_database() {
    let store = sqlite().await;
    for n in 0..50 {
        write_row(&store.db, &format!("w{n:02}"), &AtomicU32::new(0))
            .await
            .unwrap();
    }
    store.db.close().await;
    let copies = tempfile::tempdir().unwrap();
    let copy = copies.path().join("copy.db");
    std::fs::copy(store.directory.path().join("store.db"), &copy).unwrap();
    let db = Db::connect_to_audit(&format!("sqlite://{}", copy.display()))
        .await
        .unwrap();
    assert_eq!(ids(&db).await.len(), 50);
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_of_the_database_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let store = sqlite().await;
    store.db.write(|tx| insert(tx, "row").boxed()).await.unwrap();
    for name in ["store.db", "store.db-wal", "store.db-shm"] {
        let file = store.directory.path().join(name);
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_closed_database_is_reported_as_unavailable() {
    for url in urls().await {
        let store = open(url).await;
        store.db.close().await;
        let answer = store.db.write(|tx| insert(tx, "late").boxed()).await;
        assert!(answer.unwrap_err().is_absence());
    }
}
