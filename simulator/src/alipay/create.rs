//! `alipay.trade.create`: a trade for a payer whom the merchant names, opened by the merchant's mini program.

use serde_json::{Map, Value};

use super::bill::{Bill, open_trade};
use super::fields::{illegal, required, text};
use super::node::{Node, Refusal};
use super::order::{self, Product, may_reenter};
use super::params::Params;
use crate::books::Gateway;
use crate::keys::ALIPAY_MINI_APP_ID;
use crate::payer::PAYERS;
use crate::state::State;

pub(super) fn create(
    state: &mut State,
    now_ms: i64,
    params: &Params,
    biz: &Map<String, Value>,
) -> Result<Node, Refusal> {
    order::require_signed(state, Product::Mini)?;
    check_payer(biz)?;
    let fresh = order::read(params, biz, now_ms, Product::Mini)?;
    let out_trade_no = fresh.out_trade_no.clone();
    let is_known = state.alipay.bills.contains_key(&out_trade_no);
    if state.declines_order(Gateway::Alipay, is_known) {
        return Err(Refusal::parameter("参数无效"));
    }
    let State { alipay, rng, .. } = state;
    if let Some(known) = alipay.bills.get(&out_trade_no) {
        may_reenter(known, &fresh)?;
    } else {
        // Unlike a code, this is a trade at once.
        let trade = open_trade(rng, now_ms, PAYERS[0]);
        alipay.codes.insert(trade.trade_no.clone(), out_trade_no.clone());
        let bill = Bill {
            code: trade.trade_no.clone(),
            trade: Some(trade),
            ..fresh
        };
        alipay.bills.insert(out_trade_no.clone(), bill);
    }
    let trade_no = alipay.bills[&out_trade_no].code.clone();
    Ok(Node::success()
        .with("out_trade_no", out_trade_no)
        .with("trade_no", trade_no))
}

/// The mini program, and its payer by one kind of id.
fn check_payer(biz: &Map<String, Value>) -> Result<(), Refusal> {
    match text(biz, "op_app_id", 32)? {
        None => return Err(required("op_app_id")),
        Some(app_id) if app_id != ALIPAY_MINI_APP_ID => return Err(illegal("op_app_id")),
        Some(_) => {}
    }
    let user_id = text(biz, "buyer_id", 28)?;
    let open_id = text(biz, "buyer_open_id", 128)?;
    match (user_id, open_id) {
        (None, None) => Err(required("buyer_id")),
        (Some(_), Some(_)) => Err(illegal("buyer_open_id")),
        (Some(id), None) if id.len() != 16 || !id.starts_with("2088") => {
            Err(Refusal::business("ACQ.BUYER_NOT_EXIST", "买家不存在"))
        }
        _ => Ok(()),
    }
}
