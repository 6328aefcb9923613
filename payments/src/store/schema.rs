//! The schema of a database that is looked at before anything is changed in it.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, SqliteConnection};

use super::backup::known_version;
use super::{StoreError, find_not_durable};

/// Time for a server of PostgreSQL that may not be there.
const PATIENCE: Duration = Duration::from_secs(5);
const VERSION: &str = "select max(version) from _sqlx_migrations where success";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaFacts {
    /// Newest migration of the database. `None`: it has no tables of ours.
    pub version: Option<i64>,
    /// Newest migration that this program knows.
    pub known_version: i64,
}

/// Connects without changing anything, and checks that commits last.
pub async fn read_schema(url: &str) -> Result<SchemaFacts, StoreError> {
    let version = if url.starts_with("sqlite:") {
        read_sqlite(url).await?
    } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        match tokio::time::timeout(PATIENCE, read_postgres(url)).await {
            Ok(version) => version?,
            Err(_) => return Err(StoreError::Sql(sqlx::Error::PoolTimedOut)),
        }
    } else {
        return Err(StoreError::Engine);
    };
    Ok(SchemaFacts {
        version,
        known_version: known_version(),
    })
}

async fn read_sqlite(url: &str) -> Result<Option<i64>, StoreError> {
    const TABLES: &str =
        "select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'";
    let options: SqliteConnectOptions = url.parse()?;
    let mut connection: SqliteConnection = options.read_only(true).create_if_missing(false).connect().await?;
    let n_tables: i64 = sqlx::query_scalar(TABLES).fetch_one(&mut connection).await?;
    let version = match n_tables {
        0 => None,
        _ => sqlx::query_scalar(VERSION).fetch_one(&mut connection).await?,
    };
    connection.close().await?;
    Ok(version)
}

async fn read_postgres(url: &str) -> Result<Option<i64>, StoreError> {
    const TABLES: &str = "select to_regclass('_sqlx_migrations') is not null";
    let options: PgConnectOptions = url.parse()?;
    let mut connection: PgConnection = options.connect().await?;
    if let Some(setting) = find_not_durable(&mut connection).await? {
        return Err(StoreError::NotDurable(setting));
    }
    let is_there: bool = sqlx::query_scalar(TABLES).fetch_one(&mut connection).await?;
    let version = if is_there {
        sqlx::query_scalar(VERSION).fetch_one(&mut connection).await?
    } else {
        None
    };
    connection.close().await?;
    Ok(version)
}
