//! Refunds as rows. Only [`crate::refund`] may call what changes a state.

use domain::{Money, Payment, PaymentId, Refund, RefundId, RefundNo, RefundState, Timestamp};

use super::{StoreError, Tx, execute, on};

macro_rules! select_refund {
    ($tail:literal) => {
        concat!(
            "select id, refund_no, payment_id, amount, reason, state, gateway_refund_id, failure_reason, created_at,
                finished_at, version
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
    finished_at: Option<i64>,
    version: i64,
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
            finished_at: row.finished_at.map(Timestamp::from_millis),
            version: row.version,
        })
    }
}

/// Writes down that money must go back. The number is fixed here: every try sends the same one (T-32).
pub async fn insert(
    tx: &mut Tx<'_>,
    id: &RefundId,
    number: &RefundNo,
    payment: &Payment,
    amount: Money,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into refunds (id, refund_no, payment_id, amount, reason, state, created_at, due_at)
        values ($1, $2, $3, $4, $5, $6, $7, $7)";
    execute!(tx, SQL, |query| query
        .bind(id.as_str())
        .bind(number.as_str())
        .bind(payment.id.as_str())
        .bind(amount.fen())
        .bind(reason)
        .bind(RefundState::Requested.as_str())
        .bind(now.millis()))
    .map(drop)?;
    Ok(())
}

pub async fn find_by_number(tx: &mut Tx<'_>, number: &RefundNo) -> Result<Option<Refund>, StoreError> {
    const SQL: &str = select_refund!("where refund_no = $1");
    let row: Option<RefundRow> = on!(tx, SQL, fetch_optional, |query| query.bind(number.as_str()))?;
    row.map(Refund::try_from).transpose()
}

/// The refunds of a payment, newest first.
pub async fn of_payment(tx: &mut Tx<'_>, payment_id: &PaymentId) -> Result<Vec<Refund>, StoreError> {
    const SQL: &str = select_refund!("where payment_id = $1 order by id desc");
    let rows: Vec<RefundRow> = on!(tx, SQL, fetch_all, |query| query.bind(payment_id.as_str()))?;
    rows.into_iter().map(Refund::try_from).collect()
}

/// Compare-and-set to what `to` says; one that is final is not asked about any more.
pub async fn advance(tx: &mut Tx<'_>, to: &Refund) -> Result<(), StoreError> {
    const SQL: &str = "
        update refunds
        set state = $3, gateway_refund_id = $4, failure_reason = $5, finished_at = $6,
            due_at = case when $7 then null else due_at end, version = version + 1
        where id = $1 and version = $2";
    let n_changed = execute!(tx, SQL, |query| query
        .bind(to.id.as_str())
        .bind(to.version)
        .bind(to.state.as_str())
        .bind(to.gateway_refund_id.as_deref())
        .bind(to.failure_reason.as_deref())
        .bind(to.finished_at.map(Timestamp::millis))
        .bind(to.state.is_final()))?;
    if n_changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Stale)
    }
}

/// The gateway is asked about this refund by `due_at` at the latest.
pub async fn hasten(tx: &mut Tx<'_>, refund: &Refund, due_at: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "
        update refunds
        set due_at = case when due_at <= $2 then due_at else $2 end
        where id = $1";
    execute!(tx, SQL, |query| query
        .bind(refund.id.as_str())
        .bind(due_at.millis()))
    .map(drop)?;
    Ok(())
}
