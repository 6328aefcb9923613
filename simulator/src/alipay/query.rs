//! `alipay.trade.query`, and how a call names a trade.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::bill::{Bill, Status, Trade};
use super::node::{Node, Refusal};
use super::notification::funds;
use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind, Faults};
use crate::rng::Rng;
use crate::state::State;
use crate::time::{SECOND_MS, beijing_text};
use crate::wire::yuan;

const AMOUNTS: [&str; 4] = [
    "buyer_pay_amount",
    "invoice_amount",
    "point_amount",
    "receipt_amount",
];

pub(super) fn query(state: &mut State, now_ms: i64, biz: &Map<String, Value>) -> Result<Node, Refusal> {
    let State {
        alipay, faults, rng, ..
    } = state;
    let unseen_ms = unseen_ms(faults, rng);
    let wanted = Wanted::read(biz)?;
    let found = wanted
        .bill_in(&alipay.bills)
        .and_then(|bill| Some((bill, bill.trade.as_ref()?)));
    let (bill, trade) = found.ok_or_else(|| {
        AMOUNTS
            .iter()
            .fold(wanted.not_exist(), |refusal, name| refusal.with(name, "0.00"))
    })?;
    Ok(show_trade(bill, trade, now_ms, unseen_ms))
}

fn show_trade(bill: &Bill, trade: &Trade, now_ms: i64, unseen_ms: i64) -> Node {
    let paid_ms = trade
        .paid_ms
        .filter(|paid_ms| now_ms >= paid_ms.saturating_add(unseen_ms));
    let status = match (trade.paid_ms, paid_ms) {
        (Some(_), None) => Status::WaitBuyerPay,
        _ => trade.status,
    };
    let moved = |fen: i64| yuan(if paid_ms.is_some() { fen } else { 0 });
    let paid_fen = trade.paid_fen(bill.total_fen);
    let mut node = Node::success()
        .with("buyer_logon_id", trade.buyer_logon_id())
        .with("buyer_pay_amount", moved(paid_fen))
        .with("buyer_user_id", trade.buyer_id())
        .with("buyer_user_type", "PRIVATE");
    if paid_ms.is_some() {
        node = node.with("fund_bill_list", funds(bill, trade, "fund_channel"));
    }
    node = node
        .with("invoice_amount", moved(paid_fen))
        .with("mdiscount_amount", moved(trade.merchant_coupon_fen))
        .with("out_trade_no", bill.out_trade_no.clone());
    if let Some(passback_params) = &bill.passback_params {
        node = node.with("passback_params", passback_params.clone());
    }
    node = node
        .with("point_amount", "0.00")
        .with("receipt_amount", moved(trade.settled_fen(bill.total_fen)));
    if let Some(paid_ms) = paid_ms {
        node = node.with("send_pay_date", beijing_text(paid_ms));
    }
    for (name, value) in [("store_id", &bill.store_id), ("terminal_id", &bill.terminal_id)] {
        if let Some(value) = value {
            node = node.with(name, value.clone());
        }
    }
    node.with("total_amount", yuan(bill.total_fen))
        .with("trade_no", trade.trade_no.clone())
        .with("trade_status", status.word())
}

/// Age below which a payment is invisible to the next query.
fn unseen_ms(faults: &mut Faults, rng: &mut Rng) -> i64 {
    let stale = faults.strike(rng, Gateway::Alipay, Endpoint::Query, |kind| match kind {
        FaultKind::Stale { seconds } => Some(seconds.saturating_mul(SECOND_MS)),
        _ => None,
    });
    stale.unwrap_or(0)
}

/// A trade named by either number; the gateway's own wins.
#[derive(Debug)]
pub(super) struct Wanted {
    out_trade_no: Option<String>,
    trade_no: Option<String>,
}

impl Wanted {
    pub(super) fn read(biz: &Map<String, Value>) -> Result<Wanted, Refusal> {
        let number = |name: &str| {
            let text = biz
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let wanted = Wanted {
            out_trade_no: number("out_trade_no"),
            trade_no: number("trade_no"),
        };
        if wanted.out_trade_no.is_none() && wanted.trade_no.is_none() {
            return Err(Refusal::parameter("参数有误商户订单号和支付宝交易号不能同时为空"));
        }
        Ok(wanted)
    }

    /// None also when the bill was never scanned: then there is no trade.
    pub(super) fn bill_in<'a>(&self, bills: &'a BTreeMap<String, Bill>) -> Option<&'a Bill> {
        match (&self.trade_no, &self.out_trade_no) {
            (Some(trade_no), _) => bills.values().find(|bill| {
                bill.trade
                    .as_ref()
                    .is_some_and(|trade| trade.trade_no == *trade_no)
            }),
            (None, Some(out_trade_no)) => bills.get(out_trade_no).filter(|bill| bill.trade.is_some()),
            (None, None) => None,
        }
    }

    pub(super) fn named(&self, node: Node) -> Node {
        match &self.out_trade_no {
            Some(out_trade_no) => node.with("out_trade_no", out_trade_no.clone()),
            None => node,
        }
    }

    pub(super) fn not_exist(&self) -> Refusal {
        let refusal = Refusal::business("ACQ.TRADE_NOT_EXIST", "交易不存在");
        match &self.out_trade_no {
            Some(out_trade_no) => refusal.with("out_trade_no", out_trade_no.clone()),
            None => refusal,
        }
    }
}
