//! Merchants of the epay protocol as rows; their secrets are sealed texts here.

use domain::Timestamp;

use super::{StoreError, Tx, execute, on};

/// Numbers of merchants that were not chosen by the operator begin here.
const FIRST_PID: i64 = 1001;

#[derive(Debug, sqlx::FromRow)]
pub struct MerchantRow {
    pub pid: i64,
    pub name: String,
    pub md5_key: String,
    pub platform_key: String,
    pub platform_public_key: String,
    pub public_key: Option<String>,
    pub created_at: i64,
    pub disabled_at: Option<i64>,
}

macro_rules! select_merchant {
    ($tail:literal) => {
        concat!(
            "select pid, name, md5_key, platform_key, platform_public_key, public_key, created_at, disabled_at
            from epay_merchants ",
            $tail
        )
    };
}

/// `false`: the number is taken.
pub async fn insert(tx: &mut Tx<'_>, row: &MerchantRow) -> Result<bool, StoreError> {
    const SQL: &str = "
        insert into epay_merchants (pid, name, md5_key, platform_key, platform_public_key, public_key, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict do nothing";
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(row.pid)
        .bind(row.name.as_str())
        .bind(row.md5_key.as_str())
        .bind(row.platform_key.as_str())
        .bind(row.platform_public_key.as_str())
        .bind(row.public_key.as_deref())
        .bind(row.created_at))?;
    Ok(n_inserted == 1)
}

/// The smallest number that no merchant has. Merchants are never removed, so none is given twice.
pub async fn find_free_pid(tx: &mut Tx<'_>) -> Result<i64, StoreError> {
    const SQL: &str = "
        select min(n.pid) as pid
        from (select cast($1 as bigint) as pid union all select pid + 1 from epay_merchants where pid >= $1) n
        where not exists (select 1 from epay_merchants m where m.pid = n.pid)";
    let (pid,): (Option<i64>,) = on!(tx, SQL, fetch_one, |query| query.bind(FIRST_PID))?;
    pid.ok_or(StoreError::Corrupt("epay_merchants.pid"))
}

pub async fn find(tx: &mut Tx<'_>, pid: i64) -> Result<Option<MerchantRow>, StoreError> {
    const SQL: &str = select_merchant!("where pid = $1");
    on!(tx, SQL, fetch_optional, |query| query.bind(pid))
}

pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<MerchantRow>, StoreError> {
    const SQL: &str = select_merchant!("order by pid limit 500");
    on!(tx, SQL, fetch_all, |query| query)
}

/// Any merchant: while there is one, the key of the secrets at rest must not be made anew.
pub async fn find_any(tx: &mut Tx<'_>) -> Result<Option<MerchantRow>, StoreError> {
    const SQL: &str = select_merchant!("order by pid limit 1");
    on!(tx, SQL, fetch_optional, |query| query)
}

/// `false`: there is no such merchant.
pub async fn replace_key(tx: &mut Tx<'_>, pid: i64, md5_key: &str) -> Result<bool, StoreError> {
    const SQL: &str = "update epay_merchants set md5_key = $2 where pid = $1";
    let n_changed = execute!(tx, SQL, |query| query.bind(pid).bind(md5_key))?;
    Ok(n_changed == 1)
}

pub async fn replace_public_key(tx: &mut Tx<'_>, pid: i64, public_key: &str) -> Result<bool, StoreError> {
    const SQL: &str = "update epay_merchants set public_key = $2 where pid = $1";
    let n_changed = execute!(tx, SQL, |query| query.bind(pid).bind(public_key))?;
    Ok(n_changed == 1)
}

/// `false`: it is so already, or there is no such merchant.
pub async fn set_disabled(
    tx: &mut Tx<'_>,
    pid: i64,
    disabled_at: Option<Timestamp>,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        update epay_merchants set disabled_at = $2
        where pid = $1 and (disabled_at is null) <> (cast($2 as bigint) is null)";
    let n_changed = execute!(tx, SQL, |query| query
        .bind(pid)
        .bind(disabled_at.map(Timestamp::millis)))?;
    Ok(n_changed == 1)
}
