//! Refunds that epay merchants ask for: each request is carried out once, and repeating it answers its result.

use std::time::Duration;

use domain::{Money, OrderState, Payment, Refund, RefundNo, RefundState, Timestamp};
use futures_util::FutureExt;

use super::orders::derive_number;
use super::refusal::Refusal;
use super::{Attempt, Merchant, Pid};
use crate::api_keys::hash_of;
use crate::refund::{RefundRequest, find_refund, request_refund};
use crate::store::epay_refunds::{self, EpayRefund};
use crate::store::{StoreError, Tx, payments, refunds};
use crate::{Requester, Services};

/// A request without a number is the same as one of the same order and sum that came so long before.
const SAME_WITHIN: Duration = Duration::from_mins(5);
/// Longest wait of an answer for the end of a refund, so that a plain no of the gateway is told.
const PATIENCE: Duration = Duration::from_secs(5);
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
const REASON: &str = "epay";
const MAX_NUMBER: usize = 128;

/// A refund as the client asked for it.
#[derive(Debug, Clone, Copy)]
pub struct RefundAsked<'a> {
    pub amount: Money,
    /// The client's number of the refund.
    pub out_refund_no: Option<&'a str>,
    /// Signature of a V2 request, which is carried out once whatever else it says.
    pub sign: Option<&'a str>,
}

/// A refund with what its merchant called it.
#[derive(Debug)]
pub struct FoundRefund {
    pub asked: EpayRefund,
    pub refund: Refund,
    pub attempt: Attempt,
}

/// Accepts a refund and waits a little for its end. An accepted refund goes on by itself; one that has failed is refused.
pub async fn request_epay_refund(
    services: &Services,
    merchant: &Merchant,
    attempt: Attempt,
    asked: RefundAsked<'_>,
) -> Result<FoundRefund, Refusal> {
    if asked.out_refund_no.is_some_and(|number| !is_number(number)) {
        return Err(Refusal::refused(
            "退款单号不合法 (out_refund_no must be 1 to 128 characters without control characters)",
        ));
    }
    let payment = find_settling_payment(services, &attempt).await?;
    let planned = plan_refund(services, merchant.pid, &attempt, asked).await?;
    let request = RefundRequest {
        payment_id: payment.id.clone(),
        amount: Some(asked.amount),
        reason: REASON.to_owned(),
        refund_no: Some(planned.refund_no.to_string()),
        by: Requester::Rule,
    };
    let made = request_refund(services, request, None).await?;
    let refund = made
        .into_value()
        .ok_or(StoreError::Corrupt("refunds.refund_no"))?;
    let (pid, kept) = (merchant.pid, &planned);
    services
        .db
        .write(|tx| async move { epay_refunds::insert(tx, pid, kept).await }.boxed())
        .await?;
    let refund = wait_for_end(services, refund).await?;
    if refund.state == RefundState::Failed {
        let reason = refund.failure_reason.unwrap_or_default();
        return Err(Refusal::refused(format!(
            "退款失败：{reason} (the refund failed)"
        )));
    }
    Ok(FoundRefund {
        asked: planned,
        refund,
        attempt,
    })
}

fn is_number(text: &str) -> bool {
    text.len() <= MAX_NUMBER && !text.chars().any(char::is_control)
}

async fn find_settling_payment(services: &Services, attempt: &Attempt) -> Result<Payment, Refusal> {
    let id = &attempt.order_id;
    let found = services
        .db
        .read_one(|tx| async move { payments::of_order(tx, id).await }.boxed())
        .await?;
    let settling = found.into_iter().find(|payment| payment.settles);
    settling
        .filter(|_| attempt.state == OrderState::Paid)
        .ok_or_else(|| Refusal::from(crate::Error::from(domain::RefundRefusal::NotPaid)))
}

/// The refund that this request means: one that there is, or a new one under a number that its repetition finds again.
async fn plan_refund(
    services: &Services,
    pid: Pid,
    attempt: &Attempt,
    asked: RefundAsked<'_>,
) -> Result<EpayRefund, Refusal> {
    let now = services.clock.now();
    let sign_hash = &asked.sign.map(hash_of);
    let planned = services
        .db
        .snapshot(|tx| plan_in(tx, pid, attempt, asked, sign_hash.as_deref(), now).boxed())
        .await?;
    let is_same = planned.order_id == attempt.order_id && planned.amount == asked.amount;
    if is_same {
        Ok(planned)
    } else {
        Err(Refusal::from(crate::Error::from(
            domain::RefundRefusal::NumberReused,
        )))
    }
}

async fn plan_in(
    tx: &mut Tx<'_>,
    pid: Pid,
    attempt: &Attempt,
    asked: RefundAsked<'_>,
    sign_hash: Option<&str>,
    now: Timestamp,
) -> Result<EpayRefund, Refusal> {
    let new = |refund_no: String| EpayRefund {
        refund_no: RefundNo::parse(&refund_no).expect("27 letters and digits are a number"),
        order_id: attempt.order_id.clone(),
        out_refund_no: asked.out_refund_no.map(str::to_owned),
        amount: asked.amount,
        sign_hash: sign_hash.map(str::to_owned),
        created_at: now,
    };
    if let Some(sign_hash) = sign_hash
        && let Some(known) = epay_refunds::find_by_sign(tx, pid, sign_hash).await?
    {
        return Ok(known);
    }
    if let Some(number) = asked.out_refund_no {
        let known = epay_refunds::find_by_out_number(tx, pid, number).await?;
        return Ok(known.unwrap_or_else(|| new(derive_number('R', &["refund", &pid.to_string(), number]))));
    }
    let earlier = epay_refunds::list_without_number(tx, &attempt.order_id, asked.amount).await?;
    if let Some(last) = earlier.first() {
        let refund = refunds::find_by_number(tx, &last.refund_no).await?;
        let is_over = refund.is_none_or(|refund| refund.state.is_final());
        if !is_over || now.duration_since(last.created_at) < SAME_WITHIN {
            return Ok(last.clone());
        }
    }
    // The count makes two that come at once one refund, and a later one another.
    let parts = [
        "refund without number",
        attempt.trade_no.as_str(),
        &asked.amount.fen().to_string(),
        &earlier.len().to_string(),
    ];
    Ok(new(derive_number('R', &parts)))
}

async fn wait_for_end(services: &Services, mut refund: Refund) -> Result<Refund, Refusal> {
    let started = services.clock.monotonic();
    while !refund.state.is_final() && services.clock.monotonic().saturating_sub(started) < PATIENCE {
        services.clock.sleep(BETWEEN_LOOKS).await;
        (refund, _) = find_refund(services, &refund.id).await?;
    }
    Ok(refund)
}

/// A refund of this merchant by our number or by its own.
pub async fn find_epay_refund(
    services: &Services,
    pid: Pid,
    refund_no: Option<&str>,
    out_refund_no: Option<&str>,
) -> Result<FoundRefund, Refusal> {
    let found = services
        .db
        .snapshot(|tx| {
            async move {
                let asked = match (refund_no, out_refund_no) {
                    (Some(number), _) => epay_refunds::find_by_number(tx, pid, number).await?,
                    (None, Some(number)) => epay_refunds::find_by_out_number(tx, pid, number).await?,
                    (None, None) => None,
                };
                let Some(asked) = asked else { return Ok(None) };
                let refund = refunds::find_by_number(tx, &asked.refund_no).await?;
                let attempt = crate::store::epay_attempts::find_by_order(tx, &asked.order_id).await?;
                Ok::<_, StoreError>(refund.zip(attempt).map(|(refund, attempt)| FoundRefund {
                    asked,
                    refund,
                    attempt,
                }))
            }
            .boxed()
        })
        .await?;
    found.ok_or_else(|| Refusal::refused("退款单不存在 (no such refund)"))
}
