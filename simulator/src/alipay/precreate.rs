//! `alipay.trade.precreate`: a code to scan. No trade exists until it is scanned.

use serde_json::{Map, Value};

use super::bill::Bill;
use super::node::{Node, Refusal};
use super::order::{self, Product, may_reenter};
use super::params::Params;
use crate::books::Gateway;
use crate::state::State;

pub(super) fn precreate(
    state: &mut State,
    now_ms: i64,
    params: &Params,
    biz: &Map<String, Value>,
) -> Result<Node, Refusal> {
    order::require_signed(state, Product::FaceToFace)?;
    let fresh = order::read(params, biz, now_ms, Product::FaceToFace)?;
    let out_trade_no = fresh.out_trade_no.clone();
    let is_known = state.alipay.bills.contains_key(&out_trade_no);
    if state.declines_order(Gateway::Alipay, is_known) {
        return Err(Refusal::parameter("参数无效"));
    }
    let State { alipay, rng, .. } = state;
    let known = alipay.bills.get(&out_trade_no);
    if let Some(known) = known {
        may_reenter(known, &fresh)?;
    }
    let alive = known.filter(|known| known.trade.is_some() || now_ms < known.code_dies_ms);
    let code = match alive {
        Some(known) => known.code.clone(),
        None => {
            let code = format!("https://qr.alipay.com/bax{}", rng.alphanumeric(21).to_lowercase());
            alipay.codes.insert(code.clone(), out_trade_no.clone());
            alipay.bills.insert(
                out_trade_no.clone(),
                Bill {
                    code: code.clone(),
                    ..fresh
                },
            );
            code
        }
    };
    Ok(Node::success()
        .with("out_trade_no", out_trade_no)
        .with("qr_code", code))
}
