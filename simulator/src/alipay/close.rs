//! `alipay.trade.close`: only a scanned and unpaid trade can be closed.

use serde_json::{Map, Value};

use super::bill::Status;
use super::cancel;
use super::fields::text;
use super::node::{Node, Refusal};
use super::query::Wanted;
use crate::state::State;

pub(super) fn close(state: &mut State, now_ms: i64, biz: &Map<String, Value>) -> Result<Node, Refusal> {
    let wanted = Wanted::read(biz)?;
    text(biz, "operator_id", 28)?;
    let found = wanted
        .bill_in(&state.alipay.bills)
        .and_then(|bill| Some((bill, bill.trade.as_ref()?)));
    let (bill, trade) = found.ok_or_else(|| wanted.not_exist())?;
    let (out_trade_no, trade_no) = (bill.out_trade_no.clone(), trade.trade_no.clone());
    match trade.status {
        Status::WaitBuyerPay => {}
        Status::Success | Status::Finished => {
            return Err(Refusal::business("ACQ.TRADE_STATUS_ERROR", "交易状态不合法"));
        }
        Status::Closed => {
            return Err(Refusal::business(
                "ACQ.REASON_TRADE_STATUS_INVALID",
                "交易状态异常",
            ));
        }
    }
    cancel::close(state, now_ms, &out_trade_no);
    Ok(Node::success()
        .with("out_trade_no", out_trade_no)
        .with("trade_no", trade_no))
}
