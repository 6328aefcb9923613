//! People with a phone: they scan, pay, refuse or leave, at either gateway.

use std::fmt;

use crate::alipay;
use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind};
use crate::wechat;
use crate::world::World;

/// Somebody in front of a code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payer<'a> {
    /// The content of a QR code, or an `out_trade_no`.
    pub(crate) prompt: &'a str,
    pub(crate) name: &'a str,
    /// Paid by WeChat instead of the payer.
    pub(crate) coupon_fen: i64,
}

impl<'a> Payer<'a> {
    pub(crate) fn first(prompt: &'a str) -> Payer<'a> {
        Payer {
            prompt: prompt.trim(),
            name: "one",
            coupon_fen: 0,
        }
    }
}

/// What a phone shows after scanning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bill {
    pub(crate) gateway: Gateway,
    pub(crate) out_trade_no: String,
    pub(crate) code: String,
    pub(crate) subject: String,
    pub(crate) total_fen: i64,
    pub(crate) created_ms: i64,
    pub(crate) standing: Standing,
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
            Refusal::BadCoupon => "优惠金额必须小于订单金额",
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
            Refusal::BadCoupon => "a coupon is worth less than the order",
        })
    }
}

pub(crate) fn look(world: &mut World, now_ms: i64, prompt: &str) -> Result<Bill, Refusal> {
    world.lapse(now_ms);
    let (gateway, out_trade_no) = find(world, prompt.trim()).ok_or(Refusal::UnknownCode)?;
    match gateway {
        Gateway::Wechat => Ok(wechat_bill(&world.wechat.orders[&out_trade_no])),
        Gateway::Alipay => Ok(world.alipay.bills[&out_trade_no].look()),
    }
}

/// Opens the code on this payer's phone: from now on nobody else may pay it.
pub(crate) fn scan(world: &mut World, now_ms: i64, payer: &Payer<'_>) -> Result<Bill, Refusal> {
    world.lapse(now_ms);
    let (gateway, out_trade_no) = find(world, payer.prompt).ok_or(Refusal::UnknownCode)?;
    match gateway {
        Gateway::Wechat => scan_wechat(world, now_ms, &out_trade_no, payer)?,
        Gateway::Alipay => alipay::scan(world, now_ms, &out_trade_no, payer)?,
    }
    look(world, now_ms, payer.prompt)
}

pub(crate) fn pay(world: &mut World, now_ms: i64, payer: &Payer<'_>) -> Result<Bill, Refusal> {
    world.lapse(now_ms);
    let (gateway, out_trade_no) = find(world, payer.prompt).ok_or(Refusal::UnknownCode)?;
    let attempt = |world: &mut World, late: bool| match gateway {
        Gateway::Wechat => pay_wechat(world, now_ms, &out_trade_no, payer, late),
        Gateway::Alipay => alipay::pay(world, now_ms, &out_trade_no, payer, late),
    };
    match attempt(world, false) {
        // Only somebody who is late uses the fault up.
        Err(Refusal::Closed | Refusal::OrderExpired | Refusal::CodeExpired)
            if late_pay_strikes(world, gateway) =>
        {
            attempt(world, true)?;
        }
        outcome => outcome?,
    }
    look(world, now_ms, payer.prompt)
}

fn late_pay_strikes(world: &mut World, gateway: Gateway) -> bool {
    let World { faults, dice, .. } = world;
    faults.strikes(dice, gateway, Endpoint::Close, FaultKind::LatePay)
}

/// Scans and says no: the gateway only sees the scan, the order stays payable.
pub(crate) fn refuse(world: &mut World, now_ms: i64, payer: &Payer<'_>) -> Result<Bill, Refusal> {
    scan(world, now_ms, payer)
}

/// Everything a payer could still pay, newest first.
pub(crate) fn open_bills(world: &mut World, now_ms: i64) -> Vec<Bill> {
    world.lapse(now_ms);
    let payable = |order: &&wechat::Order| {
        now_ms < order.pay_by_ms && (now_ms < order.code_dies_ms || order.payer.is_some())
    };
    let of_wechat = world.wechat.orders.values().filter(payable).map(wechat_bill);
    let of_alipay = world
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

fn find(world: &World, prompt: &str) -> Option<(Gateway, String)> {
    let of_wechat = world.wechat.codes.get(prompt).map(String::as_str);
    if let Some(no) = of_wechat
        .or(Some(prompt))
        .filter(|no| world.wechat.orders.contains_key(*no))
    {
        return Some((Gateway::Wechat, no.to_owned()));
    }
    let of_alipay = world.alipay.codes.get(prompt).map(String::as_str);
    let no = of_alipay
        .or(Some(prompt))
        .filter(|no| world.alipay.bills.contains_key(*no))?;
    Some((Gateway::Alipay, no.to_owned()))
}

fn wechat_bill(order: &wechat::Order) -> Bill {
    Bill {
        gateway: Gateway::Wechat,
        out_trade_no: order.out_trade_no.clone(),
        code: order.code.clone(),
        subject: order.description.clone(),
        total_fen: order.total_fen,
        created_ms: order.created_ms,
        standing: match order.state() {
            wechat::State::NotPay => Standing::Open,
            wechat::State::Success => Standing::Paid,
            wechat::State::Closed => Standing::Closed,
        },
    }
}

fn scan_wechat(world: &mut World, now_ms: i64, out_trade_no: &str, payer: &Payer<'_>) -> Result<(), Refusal> {
    let order = world
        .wechat
        .orders
        .get_mut(out_trade_no)
        .ok_or(Refusal::UnknownCode)?;
    match order.state() {
        wechat::State::Success => return Err(Refusal::AlreadyPaid),
        wechat::State::Closed => return Err(Refusal::Closed),
        wechat::State::NotPay if now_ms >= order.pay_by_ms => return Err(Refusal::OrderExpired),
        wechat::State::NotPay => {}
    }
    match &order.payer {
        Some(first) if first == payer.name => Ok(()),
        Some(_) => Err(Refusal::OtherPayer),
        None => {
            let is_code = payer.prompt != out_trade_no;
            if now_ms >= order.code_dies_ms || (is_code && payer.prompt != order.code) {
                return Err(Refusal::CodeExpired);
            }
            order.payer = Some(payer.name.to_owned());
            Ok(())
        }
    }
}

fn pay_wechat(
    world: &mut World,
    now_ms: i64,
    out_trade_no: &str,
    payer: &Payer<'_>,
    late: bool,
) -> Result<(), Refusal> {
    match scan_wechat(world, now_ms, out_trade_no, payer) {
        Ok(()) => {}
        Err(Refusal::Closed | Refusal::OrderExpired | Refusal::CodeExpired) if late => {}
        Err(refusal) => return Err(refusal),
    }
    let transaction_id = format!(
        "42000{}{}",
        &crate::time::compact(now_ms)[..8],
        world.dice.digits(15)
    );
    let order = world
        .wechat
        .orders
        .get_mut(out_trade_no)
        .ok_or(Refusal::UnknownCode)?;
    if payer.coupon_fen < 0 || payer.coupon_fen >= order.total_fen {
        return Err(Refusal::BadCoupon);
    }
    let payer_total_fen = order.total_fen - payer.coupon_fen;
    let payment = wechat::Payment {
        transaction_id,
        paid_ms: now_ms,
        payer_total_fen,
    };
    order.payer.get_or_insert_with(|| payer.name.to_owned());
    order.payment = Some(payment.clone());
    let notice = wechat::notice(&mut world.dice, order, &payment);
    world.announce(now_ms, notice);
    Ok(())
}
