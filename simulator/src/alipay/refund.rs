//! `alipay.trade.refund` and `alipay.trade.fastpay.refund.query`: one refund for each request number.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::bill::{Bill, Status, Trade};
use super::fields::{amount, has_option, plain_text, required, text};
use super::node::{Node, Refusal};
use super::notification::announce_refund;
use super::query::Wanted;
use crate::state::State;
use crate::statement::{fee_of, part_of};
use crate::time::beijing_text;
use crate::wire::yuan;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(super) request_no: String,
    pub(super) fen: i64,
    /// Part that Alipay takes back.
    #[serde(default)]
    pub(super) coupon_fen: i64,
    /// Part that the merchant had given away.
    #[serde(default)]
    pub(super) merchant_coupon_fen: i64,
    /// Part of the service fee that comes back.
    #[serde(default)]
    pub(super) fee_fen: i64,
    pub(super) accepted_ms: i64,
    /// Time at which the money moves; none once it has.
    pub(super) due_ms: Option<i64>,
    pub(super) done_ms: Option<i64>,
}

impl Refund {
    pub(super) fn is_done(&self) -> bool {
        self.done_ms.is_some()
    }

    pub(super) fn due_ms(&self) -> Option<i64> {
        self.due_ms
    }

    pub(super) fn state(&self) -> &'static str {
        if self.is_done() {
            "REFUND_SUCCESS"
        } else {
            "REFUND_PROCESSING"
        }
    }
}

/// Parameters of a call.
struct Asked {
    fen: i64,
    /// Absent means a full refund under the trade's own number.
    request_no: Option<String>,
}

pub(super) fn refund(state: &mut State, now_ms: i64, biz: &Map<String, Value>) -> Result<Node, Refusal> {
    let wanted = Wanted::read(biz)?;
    let asked = Asked {
        fen: amount(biz, "refund_amount")?,
        request_no: text(biz, "out_request_no", 64)?,
    };
    plain_text(biz, "refund_reason", 256)?;
    for (name, most) in [("operator_id", 30), ("store_id", 32), ("terminal_id", 32)] {
        text(biz, name, most)?;
    }
    let bill = wanted
        .bill_in(&state.alipay.bills)
        .ok_or_else(|| wanted.not_exist())?;
    let trade = bill.trade.as_ref().ok_or_else(|| wanted.not_exist())?;
    let out_trade_no = bill.out_trade_no.clone();
    let request_no = asked.request_no.clone().unwrap_or_else(|| out_trade_no.clone());
    let known = trade
        .refunds
        .iter()
        .find(|refund| refund.request_no == request_no);
    let moved = match known {
        Some(known) if known.fen != asked.fen => {
            return Err(Refusal::business(
                "ACQ.DISCORDANT_REPEAT_REQUEST",
                "请求信息不一致",
            ));
        }
        // Answered before, whatever state the trade has now.
        Some(_) => false,
        None => {
            may_refund(bill, trade, &asked)?;
            accept(state, now_ms, &out_trade_no, &request_no, asked.fen)?
        }
    };
    let with_detail = has_option(biz, "refund_detail_item_list");
    let bill = state.alipay.bills.get(&out_trade_no);
    let (bill, trade) = bill
        .and_then(|bill| Some((bill, bill.trade.as_ref()?)))
        .ok_or_else(|| wanted.not_exist())?;
    let refund = trade
        .refunds
        .iter()
        .find(|refund| refund.request_no == request_no);
    Ok(show_refund(bill, trade, refund, moved, with_detail))
}

fn may_refund(bill: &Bill, trade: &Trade, asked: &Asked) -> Result<(), Refusal> {
    let refused = |sub_code, sub_msg| Err(Refusal::business(sub_code, sub_msg));
    match trade.status {
        Status::Success => {}
        Status::WaitBuyerPay => return refused("ACQ.TRADE_STATUS_ERROR", "交易状态不合法"),
        Status::Finished => return refused("ACQ.TRADE_HAS_FINISHED", "交易已完结"),
        Status::Closed => return refused("ACQ.TRADE_HAS_CLOSE", "交易已经关闭"),
    }
    if asked.request_no.is_none() && asked.fen != bill.total_fen {
        return refused("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限");
    }
    if trade.pledged_fen() + asked.fen > bill.total_fen {
        return refused("ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效");
    }
    Ok(())
}

/// Records a valid refund; returns whether money moved at once.
pub(super) fn accept(
    state: &mut State,
    now_ms: i64,
    out_trade_no: &str,
    request_no: &str,
    fen: i64,
) -> Result<bool, Refusal> {
    let funds = &mut state.alipay.funds;
    if funds.balance_fen.is_some_and(|balance_fen| balance_fen < fen) {
        return Err(Refusal::business("ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足"));
    }
    funds.balance_fen = funds.balance_fen.map(|balance_fen| balance_fen - fen);
    let due_ms = now_ms.saturating_add(funds.refund_takes_ms);
    let returns_fees = funds.returns_fees;
    let bill = state.alipay.bills.get_mut(out_trade_no);
    let found = bill.and_then(|bill| Some((bill.total_fen, bill.trade.as_mut()?)));
    let (total_fen, trade) = found.expect("only a trade that was found is refunded");
    let (before_fen, after_fen) = (trade.pledged_fen(), trade.pledged_fen() + fen);
    // In proportion, and the last part brings the sums to those of the payment.
    let part =
        |whole_fen: i64| part_of(whole_fen, after_fen, total_fen) - part_of(whole_fen, before_fen, total_fen);
    let fee_of_part = |part_fen: i64| {
        let given_away = part_of(trade.merchant_coupon_fen, part_fen, total_fen);
        fee_of(part_fen - given_away, trade.rate)
    };
    let fee_fen = if returns_fees {
        fee_of_part(after_fen) - fee_of_part(before_fen)
    } else {
        0
    };
    let (coupon_fen, merchant_coupon_fen) = (part(trade.coupon_fen), part(trade.merchant_coupon_fen));
    trade.refunds.push(Refund {
        request_no: request_no.to_owned(),
        fen,
        coupon_fen,
        merchant_coupon_fen,
        fee_fen,
        accepted_ms: now_ms,
        due_ms: Some(due_ms),
        done_ms: None,
    });
    execute_due(state, now_ms);
    Ok(due_ms <= now_ms)
}

/// Refunds as a person does in Alipay's merchant platform, past the merchant's program.
pub(crate) fn by_hand(
    state: &mut State,
    now_ms: i64,
    out_trade_no: &str,
    fen: Option<i64>,
) -> Result<String, String> {
    let bill = state.alipay.bills.get(out_trade_no);
    let found = bill.and_then(|bill| Some((bill, bill.trade.as_ref()?)));
    let (bill, trade) = found.ok_or("no payment has this number")?;
    let fen = fen.unwrap_or(bill.total_fen - trade.pledged_fen());
    if fen < 1 {
        return Err("nothing is left to refund".to_owned());
    }
    let request_no = format!("HAND{}", state.rng.digits(20));
    let asked = Asked {
        fen,
        request_no: Some(request_no.clone()),
    };
    may_refund(bill, trade, &asked).map_err(|refusal| refusal.said().1.to_owned())?;
    accept(state, now_ms, out_trade_no, &request_no, fen).map_err(|refusal| refusal.said().1.to_owned())?;
    Ok(request_no)
}

/// Completes due refunds, and notifies the merchant.
pub(super) fn execute_due(state: &mut State, now_ms: i64) {
    while let Some((at_ms, out_trade_no, request_no)) = next_due(state, now_ms) {
        announce_refund(state, at_ms, &out_trade_no, &request_no);
    }
}

fn next_due(state: &mut State, now_ms: i64) -> Option<(i64, String, String)> {
    state.alipay.bills.values_mut().find_map(|bill| {
        let trade = bill.trade.as_mut()?;
        let due = |refund: &Refund| refund.due_ms.is_some_and(|due_ms| due_ms <= now_ms);
        let refund = trade.refunds.iter_mut().find(|refund| due(refund))?;
        let at_ms = refund.due_ms.take()?;
        refund.done_ms = Some(at_ms);
        let request_no = refund.request_no.clone();
        if trade.refunded_fen() >= bill.total_fen {
            trade.status = Status::Closed;
            trade.closed_ms = Some(at_ms);
        }
        Some((at_ms, bill.out_trade_no.clone(), request_no))
    })
}

fn show_refund(bill: &Bill, trade: &Trade, refund: Option<&Refund>, moved: bool, with_detail: bool) -> Node {
    let mut node = Node::success()
        .with("buyer_logon_id", trade.buyer_logon_id())
        .with("buyer_user_id", trade.buyer_id())
        .with("fund_change", if moved { "Y" } else { "N" });
    if let Some(done_ms) = refund.and_then(|refund| refund.done_ms) {
        node = node.with("gmt_refund_pay", beijing_text(done_ms));
    }
    node = node.with("out_trade_no", bill.out_trade_no.clone());
    let sent_back_fen = refund.map_or(0, |refund| refund.fen);
    if with_detail {
        node = node.with("refund_detail_item_list", refund_detail(sent_back_fen));
    }
    node.with("refund_fee", yuan(trade.refunded_fen()))
        .with("send_back_fee", yuan(if moved { sent_back_fen } else { 0 }))
        .with("trade_no", trade.trade_no.clone())
}

fn refund_detail(fen: i64) -> Value {
    json!([{"amount": yuan(fen), "fund_channel": "ALIPAYACCOUNT"}])
}

/// Only a completed refund has a `refund_status`; an unknown one has no members.
pub(super) fn query(state: &State, biz: &Map<String, Value>) -> Result<Node, Refusal> {
    // This call, alone, spells its sub_code without a prefix.
    let not_exist = || Refusal::business("TRADE_NOT_EXIST", "交易不存在");
    let wanted = Wanted::read(biz)?;
    let request_no = text(biz, "out_request_no", 64)?.ok_or_else(|| required("out_request_no"))?;
    let bill = wanted.bill_in(&state.alipay.bills).ok_or_else(not_exist)?;
    let trade = bill.trade.as_ref().ok_or_else(not_exist)?;
    let Some(refund) = trade
        .refunds
        .iter()
        .find(|refund| refund.request_no == request_no)
    else {
        return Ok(Node::success());
    };
    let mut node = Node::success();
    if let Some(done_ms) = refund.done_ms.filter(|_| has_option(biz, "gmt_refund_pay")) {
        node = node.with("gmt_refund_pay", beijing_text(done_ms));
    }
    node = node
        .with("out_request_no", request_no)
        .with("out_trade_no", bill.out_trade_no.clone())
        .with("refund_amount", yuan(refund.fen));
    if refund.is_done() {
        if has_option(biz, "refund_detail_item_list") {
            node = node.with("refund_detail_item_list", refund_detail(refund.fen));
        }
        node = node.with("refund_status", refund.state());
    }
    Ok(node
        .with("total_amount", yuan(bill.total_fen))
        .with("trade_no", trade.trade_no.clone()))
}
