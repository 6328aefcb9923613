//! Content of whole tables: the same before and after a verb that changes nothing.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use sqlx::{AssertSqlSafe, Connection as _};

/// Rows of each table, hashed, in an order of their own.
pub type Tables = BTreeMap<String, Vec<u64>>;

pub async fn read_tables(url: &str) -> Tables {
    if url.starts_with("sqlite:") {
        read_sqlite(url).await
    } else {
        read_postgres(url).await
    }
}

async fn read_sqlite(url: &str) -> Tables {
    const NAMES: &str = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'";
    let mut connection = sqlx::SqliteConnection::connect(url).await.unwrap();
    let names: Vec<(String,)> = sqlx::query_as(NAMES).fetch_all(&mut connection).await.unwrap();
    let mut tables = Tables::new();
    for (name,) in names {
        let columns = format!(
            "select group_concat('quote(\"' || name || '\")', ' || '','' || ') from pragma_table_info('{name}')"
        );
        let columns: (String,) = sqlx::query_as(AssertSqlSafe(columns))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let rows = format!("select {} from \"{name}\"", columns.0);
        let rows: Vec<(String,)> = sqlx::query_as(AssertSqlSafe(rows))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        tables.insert(name, hashed(rows));
    }
    tables
}

async fn read_postgres(url: &str) -> Tables {
    const NAMES: &str = "select cast(tablename as text) from pg_tables where schemaname = 'public'";
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    let names: Vec<(String,)> = sqlx::query_as(NAMES).fetch_all(&mut connection).await.unwrap();
    let mut tables = Tables::new();
    for (name,) in names {
        let rows = format!("select cast(t as text) from \"{name}\" t");
        let rows: Vec<(String,)> = sqlx::query_as(AssertSqlSafe(rows))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        tables.insert(name, hashed(rows));
    }
    tables
}

fn hashed(rows: Vec<(String,)>) -> Vec<u64> {
    let hash = |(row,): (String,)| {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        hasher.finish()
    };
    let mut hashes: Vec<u64> = rows.into_iter().map(hash).collect();
    hashes.sort_unstable();
    hashes
}
