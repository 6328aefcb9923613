//! Ledger entries, which are append-only, and the balance of each user.

use domain::ledger::{Account, Change, Deal, EntryKind, Transfer};
use domain::{Money, OrderId, PaymentId, Product, Purpose, Timestamp};

use super::batch::Write;
use super::search::DEPTH;
use super::{StoreError, Tx, on, parse_rows};
use crate::event;
use crate::model::balance::{Balance, Entry};

/// Balance of a user's account after a movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Standing {
    pub available: i64,
    pub seq: i64,
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    journal: String,
    account: String,
    amount: i64,
    kind: String,
    reference: String,
    note: Option<String>,
    seq: i64,
    balance_after: i64,
    created_at: i64,
}

#[derive(sqlx::FromRow)]
struct BalanceRow {
    available: i64,
    frozen: i64,
    updated_at: Option<i64>,
}

impl TryFrom<EntryRow> for Entry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Entry, StoreError> {
        let user_id = row.account.strip_prefix(USER).map(str::to_owned);
        Ok(Entry {
            id: row.journal,
            user_id: user_id.ok_or(StoreError::Corrupt("entries.account"))?,
            kind: EntryKind::parse(&row.kind).ok_or(StoreError::Corrupt("entries.kind"))?,
            amount: Change::from_fen(row.amount).map_err(|_| StoreError::Corrupt("entries.amount"))?,
            balance_after: Money::from_sum(row.balance_after)
                .map_err(|_| StoreError::Corrupt("entries.balance_after"))?,
            reference: row.reference,
            note: row.note,
            seq: row.seq,
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}

const USER: &str = "user:";

/// Credits a user; the first credit opens the account.
pub async fn credit(
    tx: &mut Tx<'_>,
    user_id: &str,
    amount: Money,
    now: Timestamp,
) -> Result<Standing, StoreError> {
    const SQL: &str = "
        insert into balances (user_id, available, seq, updated_at)
        values ($1, $2, 1, $3)
        on conflict (user_id) do update
        set available = balances.available + excluded.available, seq = balances.seq + 1,
            updated_at = excluded.updated_at
        returning available, seq";
    on!(tx, SQL, fetch_one, |query| query
        .bind(user_id)
        .bind(amount.fen())
        .bind(now.millis()))
}

/// Debits a user, unless the balance is too low: then nothing is written and `None` is returned.
pub async fn debit(
    tx: &mut Tx<'_>,
    user_id: &str,
    amount: Money,
    now: Timestamp,
) -> Result<Option<Standing>, StoreError> {
    const SQL: &str = "
        update balances set available = available - $2, seq = seq + 1, updated_at = $3
        where user_id = $1 and available >= $2
        returning available, seq";
    on!(tx, SQL, fetch_optional, |query| query
        .bind(user_id)
        .bind(amount.fen())
        .bind(now.millis()))
}

/// Writes both lines of a transfer. A journal that is there already is a lost race, or a mistake that must not be
/// committed.
pub fn insert(
    tx: &mut Tx<'_>,
    transfer: &Transfer<'_>,
    standings: [Option<Standing>; 2],
    now: Timestamp,
) -> Result<Write, StoreError> {
    const SQL: &str = "
        insert into entries (journal, account, amount, kind, reference, note, created_at, seq, balance_after)
        values ($1, $6, $7, $2, $3, $4, $5, $8, $9), ($1, $10, $11, $2, $3, $4, $5, $12, $13)
        on conflict do nothing";
    let [(from, taken), (to, given)] = transfer.lines();
    let [of_from, of_to] = standings;
    let write = Write::exactly(2, SQL)
        .bind(transfer.journal.as_str())
        .bind(transfer.kind.as_str())
        .bind(transfer.reference.as_str())
        .bind(transfer.note)
        .bind(now.millis())
        .bind(from.to_string())
        .bind(taken)
        .bind(of_from.map(|standing| standing.seq))
        .bind(of_from.map(|standing| standing.available))
        .bind(to.to_string())
        .bind(given)
        .bind(of_to.map(|standing| standing.seq))
        .bind(of_to.map(|standing| standing.available));
    for (account, amount, standing) in [(from, taken, of_from), (to, given, of_to)] {
        if let (Account::User(user_id), Some(standing)) = (account, standing) {
            let entry = posted_entry(transfer, user_id, amount, standing, now)?;
            tx.record_event(event::balance_changed(&entry));
        }
    }
    Ok(write)
}

/// The line of a user's account in a transfer.
fn posted_entry(
    transfer: &Transfer<'_>,
    user_id: &str,
    amount: i64,
    standing: Standing,
    now: Timestamp,
) -> Result<Entry, StoreError> {
    Ok(Entry {
        id: transfer.journal.clone(),
        user_id: user_id.to_owned(),
        kind: transfer.kind,
        amount: Change::from_fen(amount).map_err(|_| StoreError::Corrupt("entries.amount"))?,
        balance_after: Money::from_sum(standing.available)
            .map_err(|_| StoreError::Corrupt("entries.balance_after"))?,
        reference: transfer.reference.clone(),
        note: transfer.note.map(str::to_owned),
        seq: standing.seq,
        created_at: now,
    })
}

/// Accounts and amounts of a payment for its postings, read in one query.
#[derive(Debug)]
pub struct Parties {
    product: Product,
    purpose: Purpose,
    settles: bool,
    user_id: String,
}

#[derive(sqlx::FromRow)]
struct PartiesRow {
    product: String,
    purpose: String,
    settles: bool,
    user_id: String,
}

impl Parties {
    pub fn deal(&self) -> Deal<'_> {
        Deal {
            method: self.product.method(),
            purpose: self.purpose,
            settles: self.settles,
            user_id: &self.user_id,
        }
    }
}

pub async fn find_parties(tx: &mut Tx<'_>, payment_id: &PaymentId) -> Result<Parties, StoreError> {
    const SQL: &str = "
        select p.product, o.purpose, p.settles, o.user_id
        from payments p join orders o on o.id = p.order_id
        where p.id = $1";
    let row: PartiesRow = on!(tx, SQL, fetch_one, |query| query.bind(payment_id.as_str()))?;
    Ok(Parties {
        product: Product::parse(&row.product).ok_or(StoreError::Corrupt("payments.product"))?,
        purpose: Purpose::parse(&row.purpose).ok_or(StoreError::Corrupt("orders.purpose"))?,
        settles: row.settles,
        user_id: row.user_id,
    })
}

/// Available balance of a user.
pub async fn available(tx: &mut Tx<'_>, user_id: &str) -> Result<Money, StoreError> {
    const SQL: &str = "select coalesce(max(available), 0) as available from balances where user_id = $1";
    let (available,): (i64,) = on!(tx, SQL, fetch_one, |query| query.bind(user_id))?;
    Money::from_sum(available).map_err(|_| StoreError::Corrupt("balances.available"))
}

/// Balance of a user; zero for an unknown one. Frozen is top-up money whose refund is in progress.
pub async fn find_balance(tx: &mut Tx<'_>, user_id: &str) -> Result<Balance, StoreError> {
    const SQL: &str = "
        select coalesce(max(available), 0) as available, max(updated_at) as updated_at,
            (select cast(coalesce(sum(r.amount), 0) as bigint)
                from orders o
                join payments p on p.order_id = o.id and p.settles
                join refunds r on r.payment_id = p.id and r.state in ('requested', 'pending', 'stuck')
                where o.user_id = $1 and o.purpose = 'topup') as frozen
        from balances where user_id = $1";
    let row: BalanceRow = on!(tx, SQL, fetch_one, |query| query.bind(user_id))?;
    Ok(Balance {
        user_id: user_id.to_owned(),
        available: Money::from_sum(row.available).map_err(|_| StoreError::Corrupt("balances.available"))?,
        frozen: Money::from_sum(row.frozen).map_err(|_| StoreError::Corrupt("refunds.amount"))?,
        updated_at: row.updated_at.map(Timestamp::from_millis),
    })
}

/// Balance of one user in the list of all.
#[derive(Debug, sqlx::FromRow)]
pub struct ListedBalanceRow {
    pub user_id: String,
    pub available: i64,
    pub updated_at: i64,
}

#[derive(sqlx::FromRow)]
struct ScanEndRow {
    n: i64,
    last: Option<String>,
}

/// Balances by user id, after one, whose user id contains a text. At most [`DEPTH`] are scanned; the second value is the last
/// of those, when there are more.
pub async fn list_balances(
    tx: &mut Tx<'_>,
    part: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<(Vec<ListedBalanceRow>, Option<String>), StoreError> {
    const END: &str = "
        select count(*) as n, max(scanned.user_id) as last
        from (select user_id from balances where user_id > $1 order by user_id limit $2) as scanned";
    const SQL: &str = "
        select user_id, available, updated_at
        from balances
        where user_id > $1
            and (cast($2 as text) is null or user_id <= $2)
            and (cast($3 as text) is null or lower(user_id) like $3 escape '~')
        order by user_id
        limit $4";
    let end: ScanEndRow = on!(tx, END, fetch_one, |query| query.bind(after).bind(DEPTH))?;
    let last = end.last.filter(|_| end.n == DEPTH && part.is_some());
    let rows = on!(tx, SQL, fetch_all, |query| query
        .persistent(false)
        .bind(after)
        .bind(last.as_deref())
        .bind(part.map(super::search::pattern_within))
        .bind(limit))?;
    Ok((rows, last))
}

/// Entries of a user, newest first, before `before`.
pub async fn list(
    tx: &mut Tx<'_>,
    user_id: &str,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Entry>, StoreError> {
    const SQL: &str = "
        select journal, account, amount, kind, reference, note, seq, balance_after, created_at
        from entries
        where account = $1 and seq is not null and (cast($2 as bigint) is null or seq < $2)
        order by seq desc
        limit $3";
    let rows: Vec<EntryRow> = on!(tx, SQL, fetch_all, |query| query
        .bind(Account::User(user_id).to_string())
        .bind(before)
        .bind(limit))?;
    parse_rows(rows)
}

/// A journal as one movement between two accounts.
#[derive(Debug, sqlx::FromRow)]
pub struct PostingRow {
    pub kind: String,
    /// Id of the payment or the refund.
    pub reference: String,
    pub giver: String,
    pub taker: String,
    pub amount: i64,
    pub created_at: i64,
}

/// Postings of an order's payments and refunds, oldest first. They are looked up by journal name, because that is the key
/// of the table.
pub async fn of_order(tx: &mut Tx<'_>, order_id: &OrderId) -> Result<Vec<PostingRow>, StoreError> {
    const SQL: &str = "
        select g.kind, g.reference, g.account as giver, t.account as taker, t.amount, g.created_at
        from entries g join entries t on t.journal = g.journal and t.amount > 0
        where g.amount < 0 and g.journal in (
            select 'payment:' || p.id from payments p where p.order_id = $1
            union all
            select k.word || r.id
            from payments p
            join refunds r on r.payment_id = p.id
            cross join (
                select 'refund_requested:' as word union all select 'refund:' union all select 'refund_failed:'
            ) k
            where p.order_id = $1)
        order by g.created_at, g.journal
        limit 500";
    on!(tx, SQL, fetch_all, |query| query.bind(order_id.as_str()))
}

/// The user's entry of a journal.
pub async fn find_entry(tx: &mut Tx<'_>, journal: &str) -> Result<Option<Entry>, StoreError> {
    const SQL: &str = "
        select journal, account, amount, kind, reference, note, seq, balance_after, created_at
        from entries where journal = $1 and seq is not null";
    let row: Option<EntryRow> = on!(tx, SQL, fetch_optional, |query| query.bind(journal))?;
    row.map(Entry::try_from).transpose()
}
