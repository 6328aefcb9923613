//! Facts: payments together with what is decided on beside them, each read in one statement.

use domain::{Channel, Money, Order, OrderId, Payment, PaymentId, PaymentNo, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row as _};

use super::super::api_keys::limits_of;
use super::super::orders::{OrderRow, order_columns};
use super::super::{StoreError, Tx, on};
use super::{Asking, PaymentRow, payment_columns};
use crate::model::api_key::KeyLimits;
use crate::model::checkout::Checkout;

/// Payment with its order, and what decides whether a report or notification about it is new.
#[derive(Debug, Clone)]
pub struct PaymentFacts {
    pub payment: Payment,
    pub asking: Asking,
    pub order: Order,
    /// Payment that the trade of the report belongs to already.
    pub trade_holder: Option<PaymentId>,
    /// Whether the notification is in the inbox already.
    pub is_recorded: bool,
}

/// Key of a notification in the inbox.
#[derive(Debug, Clone, Copy)]
pub struct MessageId<'a> {
    pub channel: Channel,
    pub id: &'a str,
}

#[derive(FromRow)]
struct FactsRow {
    #[sqlx(flatten)]
    payment: PaymentRow,
    #[sqlx(flatten)]
    order: OrderRow,
    trade_holder: Option<String>,
    recorded: Option<i64>,
}

impl TryFrom<FactsRow> for PaymentFacts {
    type Error = StoreError;

    fn try_from(row: FactsRow) -> Result<PaymentFacts, StoreError> {
        let trade_holder = row.trade_holder.as_deref().map(PaymentId::parse);
        Ok(PaymentFacts {
            asking: row.payment.asking(),
            payment: row.payment.try_into()?,
            order: row.order.try_into()?,
            trade_holder: trade_holder
                .map(|id| id.ok_or(StoreError::Corrupt("payments.id")))
                .transpose()?,
            is_recorded: row.recorded.is_some(),
        })
    }
}

/// Finds the payment with this number, for a report that names this trade and came with this notification.
pub async fn find(
    tx: &mut Tx<'_>,
    number: &PaymentNo,
    trade: Option<&str>,
    message: Option<MessageId<'_>>,
) -> Result<Option<PaymentFacts>, StoreError> {
    const SQL: &str = concat!(
        "select ",
        payment_columns!(),
        ", ",
        order_columns!(),
        ", (select h.id from payments h where h.method = p.method and h.transaction_id = $2) as trade_holder,
            (select cast(1 as bigint) from notices n where n.channel = $3 and n.notice_id = $4) as recorded
        from payments p join orders o on o.id = p.order_id
        where p.payment_no = $1"
    );
    let row: Option<FactsRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(number.as_str())
        .bind(trade)
        .bind(message.map(|message| message.channel.as_str()))
        .bind(message.map(|message| message.id)))?;
    row.map(PaymentFacts::try_from).transpose()
}

#[derive(FromRow)]
struct PairRow {
    #[sqlx(flatten)]
    payment: PaymentRow,
    #[sqlx(flatten)]
    order: OrderRow,
}

/// Payment with its order.
pub async fn find_with_order(
    tx: &mut Tx<'_>,
    id: &PaymentId,
) -> Result<Option<(Payment, Order)>, StoreError> {
    const SQL: &str = concat!(
        "select ",
        payment_columns!(),
        ", ",
        order_columns!(),
        " from payments p join orders o on o.id = p.order_id where p.id = $1"
    );
    let row: Option<PairRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id.as_str()))?;
    row.map(|row| Ok((row.payment.try_into()?, row.order.try_into()?)))
        .transpose()
}

/// Payment in a row of an order that may have none.
#[derive(Debug)]
struct MaybePayment(Option<PaymentRow>);

macro_rules! read_maybe_payment {
    ($row:ty) => {
        impl<'r> FromRow<'r, $row> for MaybePayment {
            fn from_row(row: &'r $row) -> Result<MaybePayment, sqlx::Error> {
                let id: Option<String> = row.try_get("id")?;
                let payment = id.map(|_| PaymentRow::from_row(row)).transpose()?;
                Ok(MaybePayment(payment))
            }
        }
    };
}

read_maybe_payment!(PgRow);
read_maybe_payment!(SqliteRow);

#[derive(FromRow)]
struct CheckoutRow {
    #[sqlx(flatten)]
    payment: MaybePayment,
    #[sqlx(flatten)]
    order: OrderRow,
    n_attempts: i64,
}

/// Rows of an order with each of its payments, or one row of the order alone.
macro_rules! select_checkout {
    ($tail:literal) => {
        concat!(
            "select ",
            payment_columns!(),
            ", ",
            order_columns!(),
            ", (select count(*) from epay_attempts a where a.order_id = o.id) as n_attempts
            from orders o left join payments p on p.order_id = o.id ",
            $tail
        )
    };
}

fn checkout_of(rows: Vec<CheckoutRow>) -> Result<Option<Checkout>, StoreError> {
    let mut order = None;
    let mut is_epay = false;
    let mut payments = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(payment) = row.payment.0 {
            payments.push(Payment::try_from(payment)?);
        }
        is_epay = row.n_attempts > 0;
        if order.is_none() {
            order = Some(Order::try_from(row.order)?);
        }
    }
    Ok(order.map(|order| Checkout {
        order,
        payments,
        is_epay,
    }))
}

/// Finds the order with this token and its payments, newest first.
pub async fn find_checkout(tx: &mut Tx<'_>, token: &str) -> Result<Option<Checkout>, StoreError> {
    const SQL: &str = select_checkout!("where o.token = $1 order by p.id desc");
    let rows: Vec<CheckoutRow> = on!(tx, SQL, fetch_all, |query| query.bind(token))?;
    checkout_of(rows)
}

/// Finds an order and its payments, newest first.
pub async fn find_checkout_of(tx: &mut Tx<'_>, id: &OrderId) -> Result<Option<Checkout>, StoreError> {
    const SQL: &str = select_checkout!("where o.id = $1 order by p.id desc");
    let rows: Vec<CheckoutRow> = on!(tx, SQL, fetch_all, |query| query.bind(id.as_str()))?;
    checkout_of(rows)
}

/// Finds an order with its open payment.
pub async fn find_order_with_open(
    tx: &mut Tx<'_>,
    id: &OrderId,
) -> Result<Option<(Order, Option<Payment>)>, StoreError> {
    const SQL: &str = select_checkout!("and p.state in ('created', 'pending') where o.id = $1");
    let row: Option<CheckoutRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id.as_str()))?;
    row.map(|row| {
        let open = row.payment.0.map(Payment::try_from).transpose()?;
        Ok((row.order.try_into()?, open))
    })
    .transpose()
}

/// Payment with all that a refund of it is decided on.
#[derive(Debug, Clone)]
pub struct RefundFacts {
    pub payment: Payment,
    pub order: Order,
    /// Refunds that a gateway has taken or may still take.
    pub n_taken: u32,
    /// Time at which the last refund was sent, or is to be sent.
    pub last_turn: Option<Timestamp>,
    /// Balance of the order's user.
    pub available: Money,
    /// Limits of the requesting API key.
    pub limits: KeyLimits,
    /// Sum that the key paid out since midnight, where it has a limit for a day.
    pub given: i64,
}

#[derive(FromRow)]
struct RefundFactsRow {
    #[sqlx(flatten)]
    payment: PaymentRow,
    #[sqlx(flatten)]
    order: OrderRow,
    n_taken: i64,
    last_turn: Option<i64>,
    available: i64,
    most_per_refund: Option<i64>,
    most_per_day: Option<i64>,
    given: Option<i64>,
}

/// Finds what a refund of the payment is decided on, requested with this API key on the day that began at `midnight`.
pub async fn find_for_refund(
    tx: &mut Tx<'_>,
    id: &PaymentId,
    api_key_id: Option<&str>,
    midnight: Timestamp,
) -> Result<Option<RefundFacts>, StoreError> {
    const SQL: &str = concat!(
        "select ",
        payment_columns!(),
        ", ",
        order_columns!(),
        ", (select count(*) from refunds r
                where r.payment_id = p.id and (r.state <> 'failed' or r.gateway_refund_id is not null)) as n_taken,
            (select max(case when r.to_send and r.due_at is not null then r.due_at else r.sent_at end)
                from refunds r where r.payment_id = p.id) as last_turn,
            (select coalesce(max(b.available), 0) from balances b where b.user_id = o.user_id) as available,
            k.most_per_refund, k.most_per_day,
            case when k.most_per_day is not null then (
                select cast(coalesce(sum(q.amount), 0) as bigint)
                from requesters q left join refunds r on q.kind = 'refund' and r.id = q.subject
                where q.api_key_id = k.id and q.created_at >= $3 and (r.id is null or r.state <> 'failed')) end as given
        from payments p
        join orders o on o.id = p.order_id
        left join api_keys k on k.id = $2
        where p.id = $1"
    );
    let row: Option<RefundFactsRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(id.as_str())
        .bind(api_key_id)
        .bind(midnight.millis()))?;
    row.map(|row| {
        Ok(RefundFacts {
            payment: row.payment.try_into()?,
            order: row.order.try_into()?,
            n_taken: u32::try_from(row.n_taken).unwrap_or(u32::MAX),
            last_turn: row.last_turn.map(Timestamp::from_millis),
            available: Money::from_sum(row.available)
                .map_err(|_| StoreError::Corrupt("balances.available"))?,
            limits: limits_of(row.most_per_refund, row.most_per_day)?,
            given: row.given.unwrap_or_default(),
        })
    })
    .transpose()
}
