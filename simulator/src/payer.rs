//! Payers with a phone: they scan, pay, refuse or leave, at either gateway.

use std::fmt;

use crate::alipay;
use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind};
use crate::state::State;
use crate::wechat;

/// Names of the payers, each with a phone.
pub(crate) const PAYERS: [&str; 2] = ["one", "two"];

/// A payer in front of a code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payer<'a> {
    /// The content of a QR code, an h5_url, a prepay_id, or an `out_trade_no`.
    pub(crate) prompt: &'a str,
    pub(crate) name: &'a str,
    /// Paid by the gateway instead of the payer.
    pub(crate) coupon_fen: i64,
    /// Given by the merchant: the payer pays less, and so much less is settled.
    pub(crate) merchant_coupon_fen: i64,
    /// The payer's balance; unlimited when absent.
    pub(crate) balance_fen: Option<i64>,
    /// The gateway never notifies the merchant of this payment.
    pub(crate) is_silent: bool,
}

impl<'a> Payer<'a> {
    pub(crate) fn first(prompt: &'a str) -> Payer<'a> {
        Payer {
            prompt: prompt.trim(),
            name: "one",
            coupon_fen: 0,
            merchant_coupon_fen: 0,
            balance_fen: None,
            is_silent: false,
        }
    }

    /// One coupon at most, worth less than the order.
    pub(crate) fn has_good_coupon(&self, total_fen: i64) -> bool {
        let (fen, merchants_fen) = (self.coupon_fen, self.merchant_coupon_fen);
        fen >= 0 && merchants_fen >= 0 && fen.min(merchants_fen) == 0 && fen.max(merchants_fen) < total_fen
    }
}

/// The phone's view of a bill after scanning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) gateway: Gateway,
    pub(crate) out_trade_no: String,
    pub(crate) code: String,
    pub(crate) subject: String,
    pub(crate) total_fen: i64,
    pub(crate) created_ms: i64,
    pub(crate) standing: Standing,
    /// WeChat was told that what was paid for is delivered (发货).
    pub(crate) is_shipped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    Paid,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    UnknownCode,
    CodeExpired,
    OrderExpired,
    Closed,
    AlreadyPaid,
    OtherPayer,
    BadCoupon,
    NotEnough,
}

impl Refusal {
    pub(crate) fn chinese(self) -> &'static str {
        match self {
            Refusal::UnknownCode => "无法识别该二维码",
            Refusal::CodeExpired => "二维码已失效，请刷新后重新扫码",
            Refusal::OrderExpired => "该订单已失效",
            Refusal::Closed => "该订单已关闭",
            Refusal::AlreadyPaid => "该订单已支付",
            Refusal::OtherPayer => "商家订单信息有误，请重新下单支付",
            Refusal::BadCoupon => "优惠金额必须大于零且小于订单金额",
            Refusal::NotEnough => "余额不足，未扣款，订单仍可支付",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::UnknownCode => "no gateway knows this code",
            Refusal::CodeExpired => "this code has expired; ask for a new one",
            Refusal::OrderExpired => "the time to pay this order is over",
            Refusal::Closed => "this order is closed",
            Refusal::AlreadyPaid => "this order is paid already",
            Refusal::OtherPayer => "somebody else has scanned this code",
            Refusal::BadCoupon => "a coupon is worth something, and less than the order",
            Refusal::NotEnough => "not enough money; nothing was paid and the order stays payable",
        })
    }
}

pub(crate) fn look(state: &mut State, now_ms: i64, prompt: &str) -> Result<Bill, Refusal> {
    state.lapse(now_ms);
    alipay::admit(state, now_ms, prompt.trim());
    let (gateway, out_trade_no) = find_bill(state, prompt.trim()).ok_or(Refusal::UnknownCode)?;
    match gateway {
        Gateway::Wechat => Ok(state.wechat.look(&out_trade_no)),
        Gateway::Alipay => Ok(state.alipay.bills[&out_trade_no].look()),
    }
}

/// Opens the code on this payer's phone: from now on no other payer can pay it.
pub(crate) fn scan(state: &mut State, now_ms: i64, payer: &Payer<'_>) -> Result<Bill, Refusal> {
    state.lapse(now_ms);
    alipay::admit(state, now_ms, payer.prompt);
    let (gateway, out_trade_no) = find_bill(state, payer.prompt).ok_or(Refusal::UnknownCode)?;
    match gateway {
        Gateway::Wechat => wechat::scan(state, now_ms, &out_trade_no, payer)?,
        Gateway::Alipay => alipay::scan(state, now_ms, &out_trade_no, payer)?,
    }
    look(state, now_ms, payer.prompt)
}

pub(crate) fn pay(state: &mut State, now_ms: i64, payer: &Payer<'_>) -> Result<Bill, Refusal> {
    state.lapse(now_ms);
    alipay::admit(state, now_ms, payer.prompt);
    let (gateway, out_trade_no) = find_bill(state, payer.prompt).ok_or(Refusal::UnknownCode)?;
    if let Some(balance_fen) = payer.balance_fen {
        let bill = scan(state, now_ms, payer)?;
        if bill.total_fen - payer.coupon_fen - payer.merchant_coupon_fen > balance_fen {
            return Err(Refusal::NotEnough);
        }
    }
    let attempt = |state: &mut State, late: bool| match gateway {
        Gateway::Wechat => wechat::pay(state, now_ms, &out_trade_no, payer, late),
        Gateway::Alipay => alipay::pay(state, now_ms, &out_trade_no, payer, late),
    };
    match attempt(state, false) {
        // Only a late payer uses the fault up.
        Err(Refusal::Closed | Refusal::OrderExpired | Refusal::CodeExpired)
            if late_pay_strikes(state, gateway) =>
        {
            attempt(state, true)?;
        }
        outcome => outcome?,
    }
    look(state, now_ms, payer.prompt)
}

fn late_pay_strikes(state: &mut State, gateway: Gateway) -> bool {
    let State { faults, rng, .. } = state;
    faults.strikes(rng, gateway, Endpoint::Close, FaultKind::LatePay)
}

/// Scans and declines: the gateway only sees the scan, the order stays payable.
pub(crate) fn refuse(state: &mut State, now_ms: i64, payer: &Payer<'_>) -> Result<Bill, Refusal> {
    scan(state, now_ms, payer)
}

/// Returns everything that is still payable, newest first.
pub(crate) fn open_bills(state: &mut State, now_ms: i64) -> Vec<Bill> {
    state.lapse(now_ms);
    let of_wechat = state.wechat.open_bills(now_ms);
    let of_alipay = state
        .alipay
        .bills
        .values()
        .filter(|bill| bill.is_payable(now_ms))
        .map(|bill| bill.look());
    let mut bills: Vec<Bill> = of_wechat
        .chain(of_alipay)
        .filter(|bill| bill.standing == Standing::Open)
        .collect();
    bills.sort_by_key(|bill| std::cmp::Reverse(bill.created_ms));
    bills
}

fn find_bill(state: &State, prompt: &str) -> Option<(Gateway, String)> {
    if let Some(no) = state.wechat.find(prompt) {
        return Some((Gateway::Wechat, no.to_owned()));
    }
    let of_alipay = state.alipay.codes.get(prompt).map(String::as_str);
    let no = of_alipay
        .or(Some(prompt))
        .filter(|no| state.alipay.bills.contains_key(*no))?;
    Some((Gateway::Alipay, no.to_owned()))
}
