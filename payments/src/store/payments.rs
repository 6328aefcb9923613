//! Payments table. Only [`crate::payment`] may call the functions that change a state.

mod calls;
pub mod claims;
pub mod days;
pub mod facts;

use domain::{
    Method, Money, Order, OrderId, Payment, PaymentId, PaymentNo, PaymentState, Product, Receipt, Timestamp,
    schedule,
};

pub use self::calls::{CallClaim, claim_call, is_unchanged, keep_prompt, open, release_call};
use super::batch::Write;
use super::servers::Lease;
use super::{StoreError, Tx, execute, on, parse_rows};
use crate::event;

/// All columns of a payment, with its refunded and its pending sum.
macro_rules! payment_columns {
    () => {
        "p.id, p.payment_no, p.order_id, p.method, coalesce(p.client_product, p.product) as product, p.amount,
            p.state, p.settles, p.account, p.transaction_id, p.request, p.return_url, p.prompt, p.prompted_at, p.failure_reason, p.expires_at, p.paid_at,
            p.created_at, p.updated_at, p.version, p.n_asked, p.watched_until, p.ended_at,
            (select cast(coalesce(sum(r.amount), 0) as bigint) from refunds r
                where r.payment_id = p.id and r.state = 'succeeded') as refunded,
            (select cast(coalesce(sum(r.amount), 0) as bigint) from refunds r
                where r.payment_id = p.id and r.state in ('requested', 'pending', 'stuck')) as refunding,
            (select r.reason from refunds r
                where r.payment_id = p.id and r.state <> 'failed' order by r.id desc limit 1) as refund_reason,
            (select max(r.finished_at) from refunds r
                where r.payment_id = p.id and r.state = 'succeeded') as refunded_at"
    };
}

macro_rules! select_payment {
    ($tail:literal) => {
        concat!("select ", payment_columns!(), " from payments p ", $tail)
    };
}

use payment_columns;

pub mod lists;
pub mod newest;

#[derive(Debug, sqlx::FromRow)]
struct PaymentRow {
    id: String,
    payment_no: String,
    order_id: String,
    product: String,
    amount: i64,
    state: String,
    settles: bool,
    account: Option<String>,
    transaction_id: Option<String>,
    request: String,
    return_url: Option<String>,
    prompt: Option<String>,
    prompted_at: Option<i64>,
    failure_reason: Option<String>,
    expires_at: i64,
    paid_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
    version: i64,
    n_asked: i64,
    watched_until: i64,
    ended_at: Option<i64>,
    refunded: i64,
    refunding: i64,
    refund_reason: Option<String>,
    refunded_at: Option<i64>,
}

/// Polling state of a payment.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    pub n_asked: u32,
    pub watched_until: Timestamp,
    /// Time at which it was closed or declined.
    pub ended_at: Option<Timestamp>,
}

impl PaymentRow {
    fn asking(&self) -> Asking {
        Asking {
            n_asked: u32::try_from(self.n_asked).unwrap_or(u32::MAX),
            watched_until: Timestamp::from_millis(self.watched_until),
            ended_at: self.ended_at.map(Timestamp::from_millis),
        }
    }
}

impl TryFrom<PaymentRow> for Payment {
    type Error = StoreError;

    fn try_from(row: PaymentRow) -> Result<Payment, StoreError> {
        Ok(Payment {
            id: PaymentId::parse(&row.id).ok_or(StoreError::Corrupt("payments.id"))?,
            payment_no: PaymentNo::parse(&row.payment_no)
                .ok_or(StoreError::Corrupt("payments.payment_no"))?,
            order_id: OrderId::parse(&row.order_id).ok_or(StoreError::Corrupt("payments.order_id"))?,
            product: Product::parse(&row.product).ok_or(StoreError::Corrupt("payments.product"))?,
            amount: Money::from_fen(row.amount).map_err(|_| StoreError::Corrupt("payments.amount"))?,
            state: PaymentState::parse(&row.state).ok_or(StoreError::Corrupt("payments.state"))?,
            settles: row.settles,
            account: row.account,
            transaction_id: row.transaction_id,
            request: row.request,
            return_url: row.return_url,
            prompt: row.prompt,
            prompted_at: row.prompted_at.map(Timestamp::from_millis),
            failure_reason: row.failure_reason,
            refunded: Money::from_sum(row.refunded).map_err(|_| StoreError::Corrupt("refunds.amount"))?,
            refunding: Money::from_sum(row.refunding).map_err(|_| StoreError::Corrupt("refunds.amount"))?,
            refund_reason: row.refund_reason,
            refunded_at: row.refunded_at.map(Timestamp::from_millis),
            expires_at: Timestamp::from_millis(row.expires_at),
            paid_at: row.paid_at.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
            version: row.version,
        })
    }
}

/// Inserts a payment. Another open payment of the same order is a lost race. With a lease its create call is claimed too.
pub fn insert(payment: &Payment, due_at: Timestamp, lease: Option<Lease<'_>>) -> Write {
    const SQL: &str = "
        insert into payments (id, payment_no, order_id, method, product, amount, state, request,
            expires_at, created_at, updated_at, due_at, return_url, account, n_calls, calling_until, calling_by,
            client_product)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13, $14, $15, $16, $17)
        on conflict do nothing";
    let n_calls: i64 = if lease.is_some() { 1 } else { 0 };
    Write::exactly(1, SQL)
        .bind(payment.id.as_str())
        .bind(payment.payment_no.as_str())
        .bind(payment.order_id.as_str())
        .bind(payment.method().as_str())
        .bind(column_of(payment.product).as_str())
        .bind(payment.amount.fen())
        .bind(payment.state.as_str())
        .bind(payment.request.as_str())
        .bind(payment.expires_at.millis())
        .bind(payment.created_at.millis())
        .bind(due_at.millis())
        .bind(payment.return_url.as_deref())
        .bind(payment.account.as_deref())
        .bind(n_calls)
        .bind(lease.map_or(0, |lease| lease.until.millis()))
        .bind(lease.map(|lease| lease.holder))
        .bind(
            Some(payment.product)
                .filter(|product| product.is_for_clients())
                .map(Product::as_str),
        )
}

/// Value of the column `product`. It cannot hold the products of clients, which have a column of their own.
const fn column_of(product: Product) -> Product {
    match product {
        Product::WechatApp | Product::WechatMini => Product::Jsapi,
        Product::AlipayApp | Product::AlipayMini => Product::Qr,
        other => other,
    }
}

pub async fn find(tx: &mut Tx<'_>, id: &PaymentId) -> Result<Option<Payment>, StoreError> {
    const SQL: &str = select_payment!("where p.id = $1");
    let row: Option<PaymentRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id.as_str()))?;
    row.map(Payment::try_from).transpose()
}

pub async fn find_by_number(
    tx: &mut Tx<'_>,
    number: &PaymentNo,
) -> Result<Option<(Payment, Asking)>, StoreError> {
    const SQL: &str = select_payment!("where p.payment_no = $1");
    let row: Option<PaymentRow> = on!(tx, SQL, fetch_optional, |query| query.bind(number.as_str()))?;
    row.map(|row| {
        let asking = row.asking();
        Payment::try_from(row).map(|payment| (payment, asking))
    })
    .transpose()
}

/// Payments of an order, newest first.
pub async fn of_order(tx: &mut Tx<'_>, order_id: &OrderId) -> Result<Vec<Payment>, StoreError> {
    const SQL: &str = select_payment!("where p.order_id = $1 order by p.id desc");
    let rows: Vec<PaymentRow> = on!(tx, SQL, fetch_all, |query| query.bind(order_id.as_str()))?;
    parse_rows(rows)
}

/// Open payment of an order.
pub async fn open_of_order(tx: &mut Tx<'_>, order_id: &OrderId) -> Result<Option<Payment>, StoreError> {
    const SQL: &str = select_payment!("where p.order_id = $1 and p.state in ('created', 'pending')");
    let row: Option<PaymentRow> = on!(tx, SQL, fetch_optional, |query| query.bind(order_id.as_str()))?;
    row.map(Payment::try_from).transpose()
}

#[derive(sqlx::FromRow)]
struct SinceRow {
    n: i64,
    oldest: Option<i64>,
}

/// Number of payments of an order since an instant, and when the first of them was made.
pub async fn count_since(
    tx: &mut Tx<'_>,
    order_id: &OrderId,
    since: Timestamp,
) -> Result<(i64, Option<Timestamp>), StoreError> {
    const SQL: &str = "
        select count(*) as n, min(created_at) as oldest
        from payments
        where order_id = $1 and created_at > $2";
    let row: SinceRow = on!(tx, SQL, fetch_one, |query| query
        .bind(order_id.as_str())
        .bind(since.millis()))?;
    Ok((row.n, row.oldest.map(Timestamp::from_millis)))
}

/// Compare-and-set to a state without money. An ended payment is asked about once more after its end.
pub fn advance(
    tx: &mut Tx<'_>,
    payment: &Payment,
    order: &Order,
    to: PaymentState,
    failure_reason: Option<&str>,
    now: Timestamp,
) -> Write {
    const SQL: &str = "
        update payments
        set state = $3, failure_reason = $4, due_at = coalesce($5, due_at), ended_at = $6, updated_at = $7,
            version = version + 1
        where id = $1 and version = $2";
    let due_at = if to.is_open() {
        None
    } else {
        schedule::next_after_end(now, 0, now, payment.expires_at)
    };
    let write = Write::exactly(1, SQL)
        .bind(payment.id.as_str())
        .bind(payment.version)
        .bind(to.as_str())
        .bind(failure_reason)
        .bind(due_at.map(Timestamp::millis))
        .bind((!to.is_open()).then_some(now.millis()))
        .bind(now.millis());
    let advanced = Payment {
        state: to,
        failure_reason: failure_reason.map(str::to_owned),
        updated_at: now,
        version: payment.version + 1,
        ..payment.clone()
    };
    tx.record_events(event::payment_changed(&advanced, order));
    write
}

/// Compare-and-set to paid, a final state.
pub fn mark_paid(
    tx: &mut Tx<'_>,
    payment: &Payment,
    order: &Order,
    receipt: &Receipt,
    settles: bool,
    now: Timestamp,
) -> Write {
    const SQL: &str = "
        update payments
        set state = 'paid', settles = $3, transaction_id = $4, paid_at = $5, failure_reason = null, due_at = null,
            unanswered_since = null, ended_at = null, updated_at = $6, version = version + 1
        where id = $1 and version = $2";
    let write = Write::exactly(1, SQL)
        .bind(payment.id.as_str())
        .bind(payment.version)
        .bind(settles)
        .bind(receipt.transaction_id.as_str())
        .bind(receipt.paid_at.millis())
        .bind(now.millis());
    let paid = Payment {
        state: PaymentState::Paid,
        settles,
        transaction_id: Some(receipt.transaction_id.clone()),
        paid_at: Some(receipt.paid_at),
        failure_reason: None,
        updated_at: now,
        version: payment.version + 1,
        ..payment.clone()
    };
    tx.record_events(event::payment_changed(&paid, order));
    write
}

/// Whether no query was made after `not_since`. One in the future was made before the clock was set back.
pub async fn may_be_asked(
    tx: &mut Tx<'_>,
    payment: &Payment,
    not_since: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        select count(*) from payments
        where id = $1 and (asked_at <= $2 or asked_at > $3)";
    let (n_free,): (i64,) = on!(tx, SQL, fetch_one, |query| query
        .bind(payment.id.as_str())
        .bind(not_since.millis())
        .bind((now + schedule::CLOCK_SLACK).millis()))?;
    Ok(n_free == 1)
}

/// Claims the query of one payment, unless it was queried after `not_since`. A query in the future was made before the
/// clock was set back.
pub async fn claim_question(
    tx: &mut Tx<'_>,
    payment: &Payment,
    not_since: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        update payments set asked_at = $3
        where id = $1 and (asked_at <= $2 or asked_at > $4)";
    let n_changed = execute!(tx, SQL, |query| query
        .bind(payment.id.as_str())
        .bind(not_since.millis())
        .bind(now.millis())
        .bind((now + schedule::CLOCK_SLACK).millis()))?;
    Ok(n_changed == 1)
}

/// Makes the next query due by `due_at` at the latest.
pub async fn expedite(tx: &mut Tx<'_>, payment: &Payment, due_at: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update payments
        set due_at = case when due_at <= $2 then due_at else $2 end
        where id = $1 and state <> 'paid'";
    execute!(tx, SQL, |query| query
        .bind(payment.id.as_str())
        .bind(due_at.millis()))
    .map(drop)
}

macro_rules! set_due {
    ($condition:literal) => {
        concat!(
            "update payments
            set due_at = $2, leased_until = 0, n_asked = n_asked + 1, asked_at = $3,
                unanswered_since = case
                    when $4 or cast($2 as bigint) is null then null
                    else coalesce(unanswered_since, $3) end
            where payment_no = $1 and state <> 'paid'",
            $condition
        )
    };
}

/// Releases the lease and sets the next query; `None` when no change can come any more. An answer that cannot be verified
/// counts as none.
pub async fn set_due(
    tx: &mut Tx<'_>,
    payment_no: &PaymentNo,
    due_at: Option<Timestamp>,
    is_answered: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = set_due!("");
    execute!(tx, SQL, |query| query
        .bind(payment_no.as_str())
        .bind(due_at.map(Timestamp::millis))
        .bind(now.millis())
        .bind(is_answered))
    .map(drop)
}

/// Like [`set_due`], as a compare-and-set. `false`: the payment has changed since it was read.
pub async fn postpone(
    tx: &mut Tx<'_>,
    payment: &Payment,
    due_at: Option<Timestamp>,
    is_answered: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = set_due!(" and version = $5");
    let n_changed = execute!(tx, SQL, |query| query
        .bind(payment.payment_no.as_str())
        .bind(due_at.map(Timestamp::millis))
        .bind(now.millis())
        .bind(is_answered)
        .bind(payment.version))?;
    Ok(n_changed == 1)
}

/// Locks the payment until the commit by moving its version: a decision by the sum of its refunds must be made alone. A
/// transaction that waited here reads what the others have written.
pub async fn hold(tx: &mut Tx<'_>, id: &PaymentId) -> Result<(), StoreError> {
    const SQL: &str = "update payments set version = version + 1 where id = $1";
    // SQLite has one writer: no lock is needed, and a refusal then has nothing to undo.
    if !tx.has_rivals() {
        return Ok(());
    }
    execute!(tx, SQL, |query| query.bind(id.as_str())).map(drop)
}

/// Records a change of its refunds, which are part of its outside view. Returns the method and the order of the payment.
pub async fn record_change(
    tx: &mut Tx<'_>,
    id: &PaymentId,
    now: Timestamp,
) -> Result<(Method, OrderId), StoreError> {
    const SQL: &str =
        "update payments set updated_at = $2, version = version + 1 where id = $1 returning method, order_id";
    let (method, order_id): (String, String) = on!(tx, SQL, fetch_one, |query| query
        .bind(id.as_str())
        .bind(now.millis()))?;
    Ok((
        Method::parse(&method).ok_or(StoreError::Corrupt("payments.method"))?,
        OrderId::parse(&order_id).ok_or(StoreError::Corrupt("payments.order_id"))?,
    ))
}

/// Like [`record_change`], as a compare-and-set: the sums of its refunds are still those that were read with the payment.
pub fn record_refund(payment: &Payment, now: Timestamp) -> Write {
    const SQL: &str =
        "update payments set updated_at = $3, version = version + 1 where id = $1 and version = $2";
    Write::exactly(1, SQL)
        .bind(payment.id.as_str())
        .bind(payment.version)
        .bind(now.millis())
}

/// Expires the order's open payments, which are no longer needed; the expiry job closes them at the gateway.
pub async fn expire_now(tx: &mut Tx<'_>, order_id: &OrderId, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update payments set expires_at = $2
        where order_id = $1 and state in ('created', 'pending') and expires_at > $2";
    execute!(tx, SQL, |query| query.bind(order_id.as_str()).bind(now.millis())).map(drop)
}

/// Expires the order's open payments beside the one that is paid; the expiry job closes them at the gateway.
pub fn expire_others(paid: &Payment, now: Timestamp) -> Write {
    const SQL: &str = "
        update payments set expires_at = $3
        where order_id = $1 and id <> $2 and state in ('created', 'pending') and expires_at > $3";
    Write::at_most(SQL)
        .bind(paid.order_id.as_str())
        .bind(paid.id.as_str())
        .bind(now.millis())
}

/// Time of the next query of the order's open payment.
pub async fn next_question(tx: &mut Tx<'_>, order_id: &OrderId) -> Result<Option<Timestamp>, StoreError> {
    const SQL: &str = "
        select due_at from payments
        where order_id = $1 and state in ('created', 'pending') and due_at is not null";
    let row: Option<(i64,)> = on!(tx, SQL, fetch_optional, |query| query.bind(order_id.as_str()))?;
    Ok(row.map(|(due_at,)| Timestamp::from_millis(due_at)))
}

/// Marks the payment page as watched: the open payment is queried soon, and from the start of the schedule when it was not
/// watched before.
pub async fn mark_watched(
    tx: &mut Tx<'_>,
    order_id: &OrderId,
    watched_until: Timestamp,
    due_at: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update payments
        set n_asked = case when watched_until < $4 or watched_until > $2 then 0 else n_asked end,
            due_at = case when due_at > $3 then $3 else due_at end,
            watched_until = $2
        where order_id = $1 and state in ('created', 'pending')";
    execute!(tx, SQL, |query| query
        .bind(order_id.as_str())
        .bind(watched_until.millis())
        .bind(due_at.millis())
        .bind(now.millis()))
    .map(drop)
}
