//! Health check of the database: a query, and the smallest write that is really committed.

use futures_util::FutureExt;

use super::{Db, Engine, StoreError, Tx, execute};

impl Db {
    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match self {
            Db::Sqlite(sqlite) => sqlite.ping().await,
            Db::Postgres(postgres) => postgres.ping().await,
        }
    }

    /// Commits a write that changes nothing: a full disk or a read-only file still answers queries.
    pub async fn try_to_write(&self) -> Result<(), StoreError> {
        self.write_one(|tx| async move { write_nothing(tx).await }.boxed())
            .await
    }
}

async fn write_nothing(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    // SQLite skips an unchanged row, but always writes the page of this number, which nothing else uses.
    const SQLITE: &str = "pragma user_version = 1";
    const POSTGRES: &str = "
        update _sqlx_migrations
        set success = success
        where version = (select min(version) from _sqlx_migrations)";
    let sql = match tx.engine {
        Engine::Postgres(_) => POSTGRES,
        _ => SQLITE,
    };
    execute!(tx, sql, |query| query)?;
    Ok(())
}
