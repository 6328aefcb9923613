//! `GET /v3/refund/domestic/refunds/{out_refund_no}`.

use super::super::{Answer, Refusal};
use super::{Refund, RefundState};
use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind};
use crate::state::State;
use crate::time::SECOND_MS;
use crate::wire::Request;

pub(in super::super) fn query(
    state: &mut State,
    now_ms: i64,
    request: &Request,
    out_refund_no: &str,
) -> Result<Answer, Refusal> {
    if !request.query().is_empty() {
        let message = "参数中含有非法的额外参数";
        return Err(Refusal::new(400, "PARAM_ERROR", message, 270_924_358));
    }
    let unseen_ms = unseen_ms(state);
    let hidden = state.veto(Gateway::Wechat, Endpoint::QueryRefund).is_some();
    let refund = state
        .wechat
        .refunds
        .get(out_refund_no)
        .filter(|_| !hidden)
        .ok_or_else(|| Refusal::new(404, "RESOURCE_NOT_EXISTS", "退款单不存在", 268_512_771))?;
    let refund_state = seen_state(refund, now_ms, unseen_ms);
    Ok(Answer::Json(
        refund.show(&state.wechat.orders[&refund.out_trade_no], refund_state),
    ))
}

fn seen_state(refund: &Refund, now_ms: i64, unseen_ms: i64) -> RefundState {
    match refund.ended_ms {
        Some(ended_ms) if now_ms >= ended_ms.saturating_add(unseen_ms) => refund.state,
        _ => RefundState::Processing,
    }
}

/// Age below which an ended refund is invisible to this query.
fn unseen_ms(state: &mut State) -> i64 {
    let State { faults, rng, .. } = state;
    let stale = faults.strike(rng, Gateway::Wechat, Endpoint::QueryRefund, |kind| match kind {
        FaultKind::Stale { seconds } => Some(seconds.saturating_mul(SECOND_MS)),
        _ => None,
    });
    stale.unwrap_or(0)
}
