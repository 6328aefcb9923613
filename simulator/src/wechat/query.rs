//! `GET /v3/pay/transactions/out-trade-no/{no}` and `…/id/{id}`.

use super::{Answer, Order, Refusal};
use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind};
use crate::keys::MCH_ID;
use crate::state::State;
use crate::time::SECOND_MS;
use crate::wire::{Request, parse_form};

pub(super) fn by_out_trade_no(
    state: &mut State,
    now_ms: i64,
    request: &Request,
    out_trade_no: &str,
) -> Result<Answer, Refusal> {
    check_mchid(request)?;
    let unseen_ms = unseen_ms(state)?;
    let order = state.wechat.orders.get(out_trade_no).ok_or_else(not_exist)?;
    Ok(show_order(order, now_ms, unseen_ms))
}

pub(super) fn by_id(
    state: &mut State,
    now_ms: i64,
    request: &Request,
    transaction_id: &str,
) -> Result<Answer, Refusal> {
    check_mchid(request)?;
    let unseen_ms = unseen_ms(state)?;
    let mut orders = state.wechat.orders.values();
    let order = orders
        .find(|order| order.transaction_id() == Some(transaction_id))
        .ok_or_else(not_exist)?;
    Ok(show_order(order, now_ms, unseen_ms))
}

fn show_order(order: &Order, now_ms: i64, unseen_ms: i64) -> Answer {
    let seen = order
        .payment
        .as_ref()
        .filter(|payment| now_ms >= payment.paid_ms.saturating_add(unseen_ms));
    Answer::Json(order.show(seen))
}

/// Age below which a payment is invisible to this query; under a fault it sees no order at all.
fn unseen_ms(state: &mut State) -> Result<i64, Refusal> {
    if state.veto(Gateway::Wechat, Endpoint::Query).is_some() {
        return Err(not_exist());
    }
    let State { faults, rng, .. } = state;
    let stale = faults.strike(rng, Gateway::Wechat, Endpoint::Query, |kind| match kind {
        FaultKind::Stale { seconds } => Some(seconds.saturating_mul(SECOND_MS)),
        _ => None,
    });
    Ok(stale.unwrap_or(0))
}

fn not_exist() -> Refusal {
    Refusal::new(404, "ORDER_NOT_EXIST", "订单不存在", 268_512_771)
}

fn check_mchid(request: &Request) -> Result<(), Refusal> {
    let bad = |message: &str| Refusal::new(400, "PARAM_ERROR", message, 268_435_461);
    let query = parse_form(request.query()).ok_or_else(|| bad("参数非法"))?;
    match query.as_slice() {
        [(name, mchid)] if name == "mchid" && mchid == MCH_ID => Ok(()),
        [(name, _)] if name == "mchid" => Err(bad("http header中的mchid与query中的mchid不匹配")),
        [] => Err(bad(
            "输入源“/query/mchid”映射到字段“商户号”必填性规则校验失败，此字段为必填项",
        )),
        _ => Err(Refusal::new(
            400,
            "PARAM_ERROR",
            "参数中含有非法的额外参数",
            270_924_358,
        )),
    }
}
