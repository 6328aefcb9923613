//! Refunds that epay merchants asked for, as rows: what their requests called them.

use domain::{Money, OrderId, RefundNo, Timestamp};

use super::{StoreError, Tx, execute, on, parse_rows};
use crate::model::epay::Pid;

/// A refund by the number of ours that it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpayRefund {
    pub refund_no: RefundNo,
    pub order_id: OrderId,
    pub out_refund_no: Option<String>,
    pub amount: Money,
    pub sign_hash: Option<String>,
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct EpayRefundRow {
    refund_no: String,
    order_id: String,
    out_refund_no: Option<String>,
    amount: i64,
    sign_hash: Option<String>,
    created_at: i64,
}

impl TryFrom<EpayRefundRow> for EpayRefund {
    type Error = StoreError;

    fn try_from(row: EpayRefundRow) -> Result<EpayRefund, StoreError> {
        Ok(EpayRefund {
            refund_no: RefundNo::parse(&row.refund_no)
                .ok_or(StoreError::Corrupt("epay_refunds.refund_no"))?,
            order_id: OrderId::parse(&row.order_id).ok_or(StoreError::Corrupt("epay_refunds.order_id"))?,
            out_refund_no: row.out_refund_no,
            amount: Money::from_fen(row.amount).map_err(|_| StoreError::Corrupt("epay_refunds.amount"))?,
            sign_hash: row.sign_hash,
            created_at: Timestamp::from_millis(row.created_at),
        })
    }
}

macro_rules! select_refund {
    ($tail:literal) => {
        concat!(
            "select refund_no, order_id, out_refund_no, amount, sign_hash, created_at from epay_refunds ",
            $tail
        )
    };
}

/// One that is there already stays as it is.
pub async fn insert(tx: &mut Tx<'_>, pid: Pid, refund: &EpayRefund) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into epay_refunds (refund_no, pid, order_id, out_refund_no, amount, sign_hash, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict do nothing";
    execute!(tx, SQL, |query| query
        .bind(refund.refund_no.as_str())
        .bind(pid.to_row())
        .bind(refund.order_id.as_str())
        .bind(refund.out_refund_no.as_deref())
        .bind(refund.amount.fen())
        .bind(refund.sign_hash.as_deref())
        .bind(refund.created_at.millis()))
    .map(drop)
}

pub async fn find_by_number(
    tx: &mut Tx<'_>,
    pid: Pid,
    refund_no: &str,
) -> Result<Option<EpayRefund>, StoreError> {
    const SQL: &str = select_refund!("where refund_no = $2 and pid = $1");
    let row: Option<EpayRefundRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(pid.to_row())
        .bind(refund_no))?;
    row.map(EpayRefund::try_from).transpose()
}

pub async fn find_by_out_number(
    tx: &mut Tx<'_>,
    pid: Pid,
    out_refund_no: &str,
) -> Result<Option<EpayRefund>, StoreError> {
    const SQL: &str = select_refund!("where pid = $1 and out_refund_no = $2");
    let row: Option<EpayRefundRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(pid.to_row())
        .bind(out_refund_no))?;
    row.map(EpayRefund::try_from).transpose()
}

pub async fn find_by_sign(
    tx: &mut Tx<'_>,
    pid: Pid,
    sign_hash: &str,
) -> Result<Option<EpayRefund>, StoreError> {
    const SQL: &str = select_refund!("where pid = $1 and sign_hash = $2");
    let row: Option<EpayRefundRow> = on!(tx, SQL, fetch_optional, |query| query
        .bind(pid.to_row())
        .bind(sign_hash))?;
    row.map(EpayRefund::try_from).transpose()
}

/// Refunds of an order and a sum that were asked for without a number, newest first.
pub async fn list_without_number(
    tx: &mut Tx<'_>,
    order_id: &OrderId,
    amount: Money,
) -> Result<Vec<EpayRefund>, StoreError> {
    const SQL: &str = select_refund!(
        "where order_id = $1 and amount = $2 and out_refund_no is null order by created_at desc, refund_no desc"
    );
    let rows: Vec<EpayRefundRow> = on!(tx, SQL, fetch_all, |query| query
        .bind(order_id.as_str())
        .bind(amount.fen()))?;
    parse_rows(rows)
}
