//! Fees in the ledger, append-only: two entries for each posting, which sum to zero.

use chrono::NaiveDate;
use domain::ledger::Account;
use domain::{Channel, Timestamp};

use super::{StoreError, Tx, execute, on};

/// Posting of a fee. Positive: the gateway took it.
#[derive(Debug, Clone)]
pub struct FeePosting<'a> {
    pub journal: String,
    pub kind: &'static str,
    pub reference: &'a str,
    pub day: NaiveDate,
    pub channel: Channel,
    pub fen: i64,
}

/// Sum and number of the postings about one payment or refund.
pub async fn find_posted(
    tx: &mut Tx<'_>,
    reference: &str,
    channel: Channel,
) -> Result<(i64, i64), StoreError> {
    const SQL: &str = "
        select cast(coalesce(sum(-amount), 0) as bigint), count(*) from fee_entries
        where reference = $1 and account = $2";
    Ok(on!(tx, SQL, fetch_one, |query| query
        .bind(reference)
        .bind(Account::Fees(channel).to_string()))?)
}

/// Inserts both entries. An existing journal is a lost race.
pub async fn insert(tx: &mut Tx<'_>, posting: &FeePosting<'_>, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into fee_entries (journal, account, amount, kind, reference, day, channel, created_at)
        values ($1, $2, $3, $6, $7, $8, $9, $10), ($1, $4, $5, $6, $7, $8, $9, $10)
        on conflict do nothing";
    let n_inserted = execute!(tx, SQL, |query| query
        .bind(posting.journal.as_str())
        .bind(Account::Fees(posting.channel).to_string())
        .bind(-posting.fen)
        .bind(Account::Gateway(posting.channel).to_string())
        .bind(posting.fen)
        .bind(posting.kind)
        .bind(posting.reference)
        .bind(posting.day.to_string())
        .bind(posting.channel.as_str())
        .bind(now.millis()))?;
    if n_inserted == 2 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// Fees of the statement of a day, as posted.
pub async fn sum_of_day(tx: &mut Tx<'_>, day: NaiveDate, channel: Channel) -> Result<i64, StoreError> {
    const SQL: &str = "
        select cast(coalesce(sum(-amount), 0) as bigint) from fee_entries
        where day = $1 and channel = $2 and account = $3";
    let (fen,): (i64,) = on!(tx, SQL, fetch_one, |query| query
        .bind(day.to_string())
        .bind(channel.as_str())
        .bind(Account::Fees(channel).to_string()))?;
    Ok(fen)
}
