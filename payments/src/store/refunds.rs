//! Refunds table. Only [`crate::refund`] may call the functions that change a state.

pub mod claims;
pub mod days;
pub mod newest;

use domain::{Money, OrderId, PaymentId, Refund, RefundId, RefundNo, RefundState, Timestamp};

use super::batch::Write;
use super::{StoreError, Tx, execute, on, parse_rows};
use crate::changes::ListOrder;
use crate::event;
use crate::model::refund::{ListedRefund, RefundFilter};

macro_rules! select_refund {
    ($tail:literal) => {
        concat!(
            "select id, refund_no, payment_id, amount, reason, state, gateway_refund_id, failure_reason, created_at,
                finished_at, coalesce(updated_at, finished_at, created_at) as updated_at, version, to_send, sent_at, n_answers, n_unanswered, takes_rest
            from refunds ",
            $tail
        )
    };
}

#[derive(sqlx::FromRow)]
struct RefundRow {
    id: String,
    refund_no: String,
    payment_id: String,
    amount: i64,
    reason: String,
    state: String,
    gateway_refund_id: Option<String>,
    failure_reason: Option<String>,
    created_at: i64,
    updated_at: i64,
    finished_at: Option<i64>,
    version: i64,
    to_send: bool,
    sent_at: Option<i64>,
    n_answers: i64,
    n_unanswered: i64,
    takes_rest: bool,
}

/// Execution state of a refund.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Whether the next step sends the refund; otherwise it was sent, and is queried.
    pub to_send: bool,
    pub sent_at: Option<Timestamp>,
    pub n_answers: u32,
    /// Tries since the last verified answer.
    pub n_unanswered: u32,
}

impl Progress {
    /// Whether the gateway cannot know of it.
    pub fn was_never_sent(self) -> bool {
        self.to_send && self.sent_at.is_none()
    }
}

impl RefundRow {
    fn progress(&self) -> Progress {
        Progress {
            to_send: self.to_send,
            sent_at: self.sent_at.map(Timestamp::from_millis),
            n_answers: u32::try_from(self.n_answers).unwrap_or(u32::MAX),
            n_unanswered: u32::try_from(self.n_unanswered).unwrap_or(u32::MAX),
        }
    }
}

impl TryFrom<RefundRow> for Refund {
    type Error = StoreError;

    fn try_from(row: RefundRow) -> Result<Refund, StoreError> {
        Ok(Refund {
            id: RefundId::parse(&row.id).ok_or(StoreError::Corrupt("refunds.id"))?,
            refund_no: RefundNo::parse(&row.refund_no).ok_or(StoreError::Corrupt("refunds.refund_no"))?,
            payment_id: PaymentId::parse(&row.payment_id).ok_or(StoreError::Corrupt("refunds.payment_id"))?,
            amount: Money::from_fen(row.amount).map_err(|_| StoreError::Corrupt("refunds.amount"))?,
            reason: row.reason,
            state: RefundState::parse(&row.state).ok_or(StoreError::Corrupt("refunds.state"))?,
            gateway_refund_id: row.gateway_refund_id,
            failure_reason: row.failure_reason,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            finished_at: row.finished_at.map(Timestamp::from_millis),
            version: row.version,
        })
    }
}

/// Refund to insert, with the other columns of its row.
#[derive(Debug)]
pub struct NewRefund<'a> {
    pub refund: &'a Refund,
    pub order_id: &'a OrderId,
    /// The request named no amount: another one under the same number without an amount is the same.
    pub takes_rest: bool,
    /// Failed refund that this one replaces; each is replaced at most once.
    pub replaces: Option<&'a RefundId>,
    /// Cause of the refund: the audit finds two refunds of one cause.
    pub cause: &'a str,
    pub due_at: Timestamp,
}

/// Inserts a refund. Its number is fixed here: every try sends the same one (T-32). A taken number, or an existing
/// replacement of the same failed refund, is a lost race.
pub fn insert(tx: &mut Tx<'_>, new: &NewRefund<'_>) -> Write {
    const SQL: &str = "
        insert into refunds (id, refund_no, payment_id, amount, reason, state, created_at, due_at, takes_rest, replaces,
            cause, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        on conflict do nothing";
    let write = Write::exactly(1, SQL)
        .bind(new.refund.id.as_str())
        .bind(new.refund.refund_no.as_str())
        .bind(new.refund.payment_id.as_str())
        .bind(new.refund.amount.fen())
        .bind(new.refund.reason.as_str())
        .bind(new.refund.state.as_str())
        .bind(new.refund.created_at.millis())
        .bind(new.due_at.millis())
        .bind(new.takes_rest)
        .bind(new.replaces.map(RefundId::as_str))
        .bind(new.cause)
        .bind(new.refund.updated_at.millis());
    tx.record_event(event::refund_created(new.refund, new.order_id));
    write
}

pub async fn find(tx: &mut Tx<'_>, id: &RefundId) -> Result<Option<(Refund, Progress)>, StoreError> {
    const SQL: &str = select_refund!("where id = $1");
    let row: Option<RefundRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id.as_str()))?;
    row.map(|row| {
        let progress = row.progress();
        Refund::try_from(row).map(|refund| (refund, progress))
    })
    .transpose()
}

/// Refund with this number, and whether it was requested without an amount.
pub async fn find_request(tx: &mut Tx<'_>, number: &RefundNo) -> Result<Option<(Refund, bool)>, StoreError> {
    const SQL: &str = select_refund!("where refund_no = $1");
    let row: Option<RefundRow> = on!(tx, SQL, fetch_optional, |query| query.bind(number.as_str()))?;
    row.map(|row| {
        let takes_rest = row.takes_rest;
        Refund::try_from(row).map(|refund| (refund, takes_rest))
    })
    .transpose()
}

/// Refund that replaces a failed one.
pub async fn find_replacement(
    tx: &mut Tx<'_>,
    failed: &RefundId,
) -> Result<Option<(Refund, Progress)>, StoreError> {
    const SQL: &str = select_refund!("where replaces = $1");
    let row: Option<RefundRow> = on!(tx, SQL, fetch_optional, |query| query.bind(failed.as_str()))?;
    row.map(|row| {
        let progress = row.progress();
        Refund::try_from(row).map(|refund| (refund, progress))
    })
    .transpose()
}

pub async fn find_by_number(tx: &mut Tx<'_>, number: &RefundNo) -> Result<Option<Refund>, StoreError> {
    const SQL: &str = select_refund!("where refund_no = $1");
    let row: Option<RefundRow> = on!(tx, SQL, fetch_optional, |query| query.bind(number.as_str()))?;
    row.map(Refund::try_from).transpose()
}

/// Refunds of a payment, newest first.
pub async fn of_payment(tx: &mut Tx<'_>, payment_id: &PaymentId) -> Result<Vec<Refund>, StoreError> {
    const SQL: &str = select_refund!("where payment_id = $1 order by id desc");
    let rows: Vec<RefundRow> = on!(tx, SQL, fetch_all, |query| query.bind(payment_id.as_str()))?;
    parse_rows(rows)
}

/// Compare-and-set to the state in `to`; a final refund is not queried any more.
pub fn advance(tx: &mut Tx<'_>, to: &Refund, order_id: &OrderId, is_new_state: bool) -> Write {
    const SQL: &str = "
        update refunds
        set state = $3, gateway_refund_id = $4, failure_reason = $5, finished_at = $6, updated_at = $8,
            due_at = case when $7 then null else due_at end, version = version + 1
        where id = $1 and version = $2";
    let write = Write::exactly(1, SQL)
        .bind(to.id.as_str())
        .bind(to.version)
        .bind(to.state.as_str())
        .bind(to.gateway_refund_id.as_deref())
        .bind(to.failure_reason.as_deref())
        .bind(to.finished_at.map(Timestamp::millis))
        .bind(to.state.is_final())
        .bind(to.updated_at.millis());
    if is_new_state {
        tx.record_events(event::refund_changed(to, order_id));
    }
    write
}

/// Makes the next query due by `due_at` at the latest.
pub async fn expedite(tx: &mut Tx<'_>, refund: &Refund, due_at: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update refunds
        set due_at = case when due_at <= $2 then due_at else $2 end
        where id = $1";
    execute!(tx, SQL, |query| query
        .bind(refund.id.as_str())
        .bind(due_at.millis()))
    .map(drop)
}

#[derive(sqlx::FromRow)]
struct ListedRow {
    order_id: String,
    #[sqlx(flatten)]
    refund: RefundRow,
}

macro_rules! list_refunds {
    ($way:literal, $order:literal) => {
        concat!(
            "select p.order_id, r.id, r.refund_no, r.payment_id, r.amount, r.reason, r.state, r.gateway_refund_id,
                r.failure_reason, r.created_at, r.finished_at,
                coalesce(r.updated_at, r.finished_at, r.created_at) as updated_at, r.version, r.to_send, r.sent_at,
                r.n_answers, r.n_unanswered, r.takes_rest
            from refunds r join payments p on p.id = r.payment_id
            where (cast($1 as text) is null or r.payment_id = $1)
                and (cast($2 as text) is null or p.order_id = $2)
                and (cast($3 as text) is null or r.state = $3)
                and r.created_at >= $4 and r.created_at < $5
                and coalesce(r.updated_at, r.finished_at, r.created_at) >= $6
                and coalesce(r.updated_at, r.finished_at, r.created_at) < $7 and ",
            $way,
            $order,
            " limit $9"
        )
    };
}

/// Refunds with the orders that they belong to: the newest first, or in the order of change.
pub async fn list(
    tx: &mut Tx<'_>,
    filter: &RefundFilter,
    limit: i64,
) -> Result<Vec<ListedRefund>, StoreError> {
    const NEWEST: &str = list_refunds!("(cast($8 as text) is null or r.id < $8)", " order by r.id desc");
    const UPDATED: &str = list_refunds!(
        "(coalesce(r.updated_at, r.finished_at, r.created_at) > $6 or r.id > $8)",
        " order by coalesce(r.updated_at, r.finished_at, r.created_at), r.id"
    );
    let is_newest = filter.changes.order == ListOrder::Newest;
    let cursor = filter.cursor.as_deref();
    let span = filter.changes.span(cursor.filter(|_| !is_newest));
    let (sql, place) = if is_newest {
        (NEWEST, cursor)
    } else {
        (UPDATED, Some(span.after_id.as_str()))
    };
    let rows: Vec<ListedRow> = on!(tx, sql, fetch_all, |query| query
        .persistent(false)
        .bind(filter.payment_id.as_deref())
        .bind(filter.order_id.as_deref())
        .bind(filter.state.map(RefundState::as_str))
        .bind(filter.created_from.map_or(0, Timestamp::millis))
        .bind(filter.created_to.map_or(i64::MAX, Timestamp::millis))
        .bind(span.from)
        .bind(span.to)
        .bind(place)
        .bind(limit))?;
    rows.into_iter()
        .map(|row| {
            Ok(ListedRefund {
                refund: Refund::try_from(row.refund)?,
                order_id: OrderId::parse(&row.order_id).ok_or(StoreError::Corrupt("payments.order_id"))?,
            })
        })
        .collect()
}
