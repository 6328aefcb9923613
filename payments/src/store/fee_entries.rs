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
    on!(tx, SQL, fetch_one, |query| query
        .bind(reference)
        .bind(Account::Fees(channel).to_string()))
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

/// Postings that one statement of [`insert_first`] takes.
pub const AT_ONCE: usize = 50;

/// Inserts the first fees of payments, both entries of each: references with their fen, at most [`AT_ONCE`]. Returns how many
/// entries are new: a journal that exists already is left out.
pub async fn insert_first(
    tx: &mut Tx<'_>,
    (day, channel): (NaiveDate, Channel),
    fees: &[(&str, i64)],
    now: Timestamp,
) -> Result<u64, StoreError> {
    const SQL: &str = "
        with v (reference, fen) as (values
            (cast($6 as text), cast($7 as bigint)), ($8, $9), ($10, $11), ($12, $13), ($14, $15), ($16, $17), ($18, $19), ($20, $21),
            ($22, $23), ($24, $25), ($26, $27), ($28, $29), ($30, $31), ($32, $33), ($34, $35), ($36, $37),
            ($38, $39), ($40, $41), ($42, $43), ($44, $45), ($46, $47), ($48, $49), ($50, $51), ($52, $53),
            ($54, $55), ($56, $57), ($58, $59), ($60, $61), ($62, $63), ($64, $65), ($66, $67), ($68, $69),
            ($70, $71), ($72, $73), ($74, $75), ($76, $77), ($78, $79), ($80, $81), ($82, $83), ($84, $85),
            ($86, $87), ($88, $89), ($90, $91), ($92, $93), ($94, $95), ($96, $97), ($98, $99), ($100, $101),
            ($102, $103), ($104, $105))
        insert into fee_entries (journal, account, amount, kind, reference, day, channel, created_at)
        select 'fee:' || v.reference || ':1', s.account, s.sign * v.fen, 'fee', v.reference, cast($3 as text),
            cast($4 as text), cast($5 as bigint)
        from v cross join (
            select cast($1 as text) as account, -1 as sign
            union all
            select cast($2 as text), 1) as s
        where v.reference is not null
        on conflict do nothing";
    execute!(tx, SQL, |query| {
        let query = query
            .bind(Account::Fees(channel).to_string())
            .bind(Account::Gateway(channel).to_string())
            .bind(day.to_string())
            .bind(channel.as_str())
            .bind(now.millis());
        (0..AT_ONCE).fold(query, |query, place| {
            let fee = fees.get(place);
            query
                .bind(fee.map(|(reference, _)| *reference))
                .bind(fee.map(|(_, fen)| *fen))
        })
    })
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
