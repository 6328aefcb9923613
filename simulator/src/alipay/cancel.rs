//! `alipay.trade.cancel`, for a merchant without an answer: an open trade is closed, a paid one is refunded.

use serde_json::{Map, Value};

use super::bill::{Bill, Status, Trade};
use super::node::{Node, Refusal};
use super::notification::announce;
use super::query::Wanted;
use super::refund;
use crate::state::State;
use crate::time::DAY_MS;

/// A trade can be cancelled within a day; later it can only be refunded.
const WINDOW_MS: i64 = DAY_MS;

enum Undoing {
    Close,
    Refund,
    /// It was cancelled before, with this action.
    Done(&'static str),
}

pub(super) fn cancel(state: &mut State, now_ms: i64, biz: &Map<String, Value>) -> Result<Node, Refusal> {
    let wanted = Wanted::read(biz)?;
    let found = wanted
        .bill_in(&state.alipay.bills)
        .and_then(|bill| Some((bill, bill.trade.as_ref()?)));
    // Without a trade there is nothing to cancel: success without an action. A code that was never scanned stays
    // payable.
    let Some((bill, trade)) = found else {
        return Ok(wanted.named(Node::success()).with("retry_flag", "N"));
    };
    let (out_trade_no, trade_no) = (bill.out_trade_no.clone(), trade.trade_no.clone());
    let total_fen = bill.total_fen;
    let action = match decide_undoing(bill, trade, now_ms)? {
        Undoing::Done(action) => action,
        Undoing::Close => {
            close(state, now_ms, &out_trade_no);
            "close"
        }
        Undoing::Refund => {
            refund::accept(state, now_ms, &out_trade_no, &out_trade_no, total_fen)?;
            "refund"
        }
    };
    Ok(Node::success()
        .with("action", action)
        .with("out_trade_no", out_trade_no)
        .with("retry_flag", "N")
        .with("trade_no", trade_no))
}

fn decide_undoing(bill: &Bill, trade: &Trade, now_ms: i64) -> Result<Undoing, Refusal> {
    let refused = |sub_code, sub_msg| Err(Refusal::business(sub_code, sub_msg));
    match trade.status {
        Status::Finished => refused("ACQ.TRADE_HAS_FINISHED", "交易已完结"),
        Status::Closed if trade.paid_ms.is_some() => Ok(Undoing::Done("refund")),
        Status::Closed => Ok(Undoing::Done("close")),
        _ if now_ms - trade.created_ms > WINDOW_MS => {
            refused("ACQ.TRADE_CANCEL_TIME_OUT", "超过撤销时间范围")
        }
        Status::WaitBuyerPay => Ok(Undoing::Close),
        // A repeated cancel whose refund is still under way.
        Status::Success if trade.pledged_fen() == bill.total_fen => Ok(Undoing::Done("refund")),
        Status::Success if trade.pledged_fen() > 0 => {
            refused("ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效")
        }
        Status::Success => Ok(Undoing::Refund),
    }
}

/// Closes an unpaid trade and notifies the merchant.
pub(super) fn close(state: &mut State, now_ms: i64, out_trade_no: &str) {
    let bill = state.alipay.bills.get_mut(out_trade_no);
    if let Some(trade) = bill.and_then(|bill| bill.trade.as_mut()) {
        trade.status = Status::Closed;
        trade.closed_ms = Some(now_ms);
        announce(state, now_ms, out_trade_no);
    }
}
