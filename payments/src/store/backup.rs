//! Copies of an SQLite database that is in use, and what such a copy holds.

use std::path::Path;
use std::time::Duration;

use domain::Timestamp;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::{MIGRATIONS, StoreError, Tx, on};

/// Facts of a copy that are looked at before it is opened as a database of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFacts {
    /// Damages that SQLite names; none in a whole file.
    pub damages: Vec<String>,
    /// Rows that refer to a row which is not there.
    pub n_dangling: usize,
    /// Newest migration of the copy. `None`: it is no database of Tongqian.
    pub version: Option<i64>,
    /// Newest migration that this program knows.
    pub known_version: i64,
}

/// The order that was created last.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NewestOrder {
    pub order_no: String,
    pub state: String,
    pub created_at: i64,
}

/// Writes one unchanging view of the database into `file`, which must be empty or not there. Readers and the writer go on:
/// only a read transaction is held.
pub async fn copy_sqlite(url: &str, file: &Path) -> Result<(), StoreError> {
    let options: SqliteConnectOptions = url.parse()?;
    let mut connection = options
        .read_only(true)
        .create_if_missing(false)
        .busy_timeout(Duration::from_secs(30))
        .connect()
        .await?;
    let name = file.to_string_lossy();
    let copied = sqlx::query("vacuum into $1")
        .bind(name.as_ref())
        .execute(&mut connection)
        .await;
    connection.close().await?;
    copied.map(drop)?;
    Ok(())
}

/// Looks at a copy without changing it.
pub async fn inspect_copy(file: &Path) -> Result<CopyFacts, StoreError> {
    let mut connection = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .create_if_missing(false)
        .connect()
        .await?;
    let facts = read_facts(&mut connection).await;
    connection.close().await?;
    facts
}

async fn read_facts(connection: &mut SqliteConnection) -> Result<CopyFacts, StoreError> {
    const TABLES: &str = "
        select count(*) from sqlite_master
        where type = 'table' and name in ('_sqlx_migrations', 'orders', 'payments')";
    const VERSION: &str = "select max(version) from _sqlx_migrations where success";
    let said: Vec<String> = sqlx::query_scalar("pragma integrity_check(20)")
        .fetch_all(&mut *connection)
        .await?;
    let dangling = sqlx::query("pragma foreign_key_check")
        .fetch_all(&mut *connection)
        .await?;
    let n_tables: i64 = sqlx::query_scalar(TABLES).fetch_one(&mut *connection).await?;
    let version = if n_tables == 3 {
        sqlx::query_scalar(VERSION).fetch_one(&mut *connection).await?
    } else {
        None
    };
    Ok(CopyFacts {
        damages: said.into_iter().filter(|line| line != "ok").collect(),
        n_dangling: dangling.len(),
        version,
        known_version: known_version(),
    })
}

pub(crate) fn known_version() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// The order that was created last; `None` in a database without orders.
pub(crate) async fn find_newest_order(tx: &mut Tx<'_>) -> Result<Option<NewestOrder>, StoreError> {
    const SQL: &str = "select order_no, state, created_at from orders order by id desc limit 1";
    on!(tx, SQL, fetch_optional, |query| query)
}

/// The newest change of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastChange {
    pub order_id: String,
    pub version: i64,
    pub changed_at: Timestamp,
}

/// The newest change of an order; `None` in a database without orders.
pub(crate) async fn find_last_change(tx: &mut Tx<'_>) -> Result<Option<LastChange>, StoreError> {
    const SQL: &str = "select id, version, updated_at from orders order by updated_at desc, id desc limit 1";
    let row: Option<(String, i64, i64)> = on!(tx, SQL, fetch_optional, |query| query)?;
    Ok(row.map(|(order_id, version, updated_at)| LastChange {
        order_id,
        version,
        changed_at: Timestamp::from_millis(updated_at),
    }))
}

pub(crate) async fn find_order_version(tx: &mut Tx<'_>, id: &str) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "select version from orders where id = $1";
    let row: Option<(i64,)> = on!(tx, SQL, fetch_optional, |query| query.bind(id))?;
    Ok(row.map(|(version,)| version))
}
