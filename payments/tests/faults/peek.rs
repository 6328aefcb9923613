//! Independent view of the database: committed data as any other connection would see it.

use std::path::Path;
use std::sync::OnceLock;

use payments::store::Db;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Executor as _, SqliteConnection};
use tokio::runtime::{Builder, Runtime};

/// sqlx needs a runtime for its timers and its pool; no task of the simulation runs in it.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    })
}

/// Triggers that record every change of a state, so that a forbidden one is seen even when it is undone.
const EDGES: &str = "
    create table edges (n integer primary key, kind text, id text, old text, new text);
    create trigger order_edges after update of state on orders when old.state <> new.state
    begin insert into edges (kind, id, old, new) values ('order', new.id, old.state, new.state); end;
    create trigger payment_edges after update of state on payments when old.state <> new.state
    begin insert into edges (kind, id, old, new) values ('payment', new.id, old.state, new.state); end;
    create trigger refund_edges after update of state on refunds when old.state <> new.state
    begin insert into edges (kind, id, old, new) values ('refund', new.id, old.state, new.state); end;";

/// A directory in memory where there is one.
pub fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

pub fn url_of(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

/// A migrated database that is copied for every run: migrating takes longer than a run.
pub fn template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let directory = directory();
        let made = directory.path().join("made.db");
        let file = directory.path().join("template.db");
        runtime().block_on(async {
            Db::simulated(&url_of(&made)).await.unwrap().close().await;
            let mut connection = connect(&made).await;
            connection.execute(EDGES).await.unwrap();
            // Only a single file without a WAL can be copied.
            let copy = format!("vacuum into '{}'", file.display());
            connection.execute(sqlx::AssertSqlSafe(copy)).await.unwrap();
        });
        std::fs::read(file).unwrap()
    })
}

async fn connect(file: &Path) -> SqliteConnection {
    let options: SqliteConnectOptions = url_of(file).parse().unwrap();
    options.connect().await.unwrap()
}

pub struct Peek(SqliteConnection);

impl Peek {
    pub fn open(file: &Path) -> Peek {
        Peek(runtime().block_on(connect(file)))
    }

    pub fn all<Row>(&mut self, sql: &'static str) -> Vec<Row>
    where
        Row: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + Send + Unpin,
    {
        runtime()
            .block_on(sqlx::query_as(sql).fetch_all(&mut self.0))
            .unwrap()
    }

    /// One text; `None` when there is no such row.
    pub fn text(&mut self, sql: &'static str, bound: &str) -> Option<String> {
        let query = sqlx::query_scalar(sql).bind(bound).fetch_optional(&mut self.0);
        runtime().block_on(query).unwrap()
    }

    /// One number; `None` when there is no such row.
    pub fn number(&mut self, sql: &'static str, bound: &str) -> Option<i64> {
        let query = sqlx::query_scalar(sql).bind(bound).fetch_optional(&mut self.0);
        runtime().block_on(query).unwrap()
    }

    pub fn payment_state(&mut self, payment_no: &str) -> Option<String> {
        self.text("select state from payments where payment_no = $1", payment_no)
    }

    pub fn payment_amount(&mut self, payment_no: &str) -> Option<i64> {
        let fen = self.text(
            "select cast(amount as text) from payments where payment_no = $1",
            payment_no,
        );
        fen.and_then(|fen| fen.parse().ok())
    }

    pub fn order_state_of(&mut self, payment_no: &str) -> Option<String> {
        self.text(
            "select o.state from orders o join payments p on p.order_id = o.id where p.payment_no = $1",
            payment_no,
        )
    }
}
