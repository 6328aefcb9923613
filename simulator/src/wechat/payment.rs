//! A phone at WeChat: which order a prompt means, scanning it, paying it.

use super::account::{FEE, Movement, PAYMENT};
use super::{Order, Payment, TradeState, Wechat, notification};
use crate::books::Gateway;
use crate::payer::{Bill, Payer, Refusal, Standing};
use crate::state::State;
use crate::time::compact;

impl Wechat {
    /// The `out_trade_no` that a code_url, an h5_url, a prepay_id or the number itself means.
    pub(crate) fn find(&self, prompt: &str) -> Option<&str> {
        let code = code_in(prompt);
        let no = self.codes.get(code).map_or(code, String::as_str);
        self.orders.get(no).map(|order| order.out_trade_no.as_str())
    }

    pub(crate) fn look(&self, out_trade_no: &str) -> Bill {
        self.orders[out_trade_no].look()
    }

    pub(crate) fn open_bills(&self, now_ms: i64) -> impl Iterator<Item = Bill> {
        let payable = move |order: &&Order| {
            now_ms < order.pay_by_ms && (now_ms < order.code_dies_ms || order.payer.is_some())
        };
        self.orders.values().filter(payable).map(Order::look)
    }
}

/// The prepay_id of an h5_url or of a JSAPI package; anything else is a code itself.
fn code_in(prompt: &str) -> &str {
    match prompt.split_once("prepay_id=") {
        Some((_, rest)) => rest.split(['&', '#']).next().unwrap_or_default(),
        None => prompt,
    }
}

impl Order {
    fn look(&self) -> Bill {
        Bill {
            gateway: Gateway::Wechat,
            out_trade_no: self.out_trade_no.clone(),
            code: self.code.clone(),
            subject: self.description.clone(),
            total_fen: self.total_fen,
            created_ms: self.created_ms,
            standing: match self.state() {
                TradeState::NotPay => Standing::Open,
                TradeState::Success | TradeState::Refund => Standing::Paid,
                TradeState::Closed => Standing::Closed,
            },
            is_shipped: self.shipping.is_some(),
        }
    }
}

pub(crate) fn scan(
    state: &mut State,
    now_ms: i64,
    out_trade_no: &str,
    payer: &Payer<'_>,
) -> Result<(), Refusal> {
    let order = state
        .wechat
        .orders
        .get_mut(out_trade_no)
        .ok_or(Refusal::UnknownCode)?;
    match order.state() {
        TradeState::Success | TradeState::Refund => return Err(Refusal::AlreadyPaid),
        TradeState::Closed => return Err(Refusal::Closed),
        TradeState::NotPay if now_ms >= order.pay_by_ms => return Err(Refusal::OrderExpired),
        TradeState::NotPay => {}
    }
    match &order.payer {
        Some(first) if first == payer.name => Ok(()),
        Some(_) => Err(Refusal::OtherPayer),
        None => {
            let code = code_in(payer.prompt);
            let is_code = code != out_trade_no;
            if now_ms >= order.code_dies_ms || (is_code && code != order.code) {
                return Err(Refusal::CodeExpired);
            }
            order.payer = Some(payer.name.to_owned());
            Ok(())
        }
    }
}

pub(crate) fn pay(
    state: &mut State,
    now_ms: i64,
    out_trade_no: &str,
    payer: &Payer<'_>,
    late: bool,
) -> Result<(), Refusal> {
    match scan(state, now_ms, out_trade_no, payer) {
        Ok(()) => {}
        Err(Refusal::Closed | Refusal::OrderExpired | Refusal::CodeExpired) if late => {}
        Err(refusal) => return Err(refusal),
    }
    let State { wechat, rng, .. } = state;
    let transaction_id = format!("42000{}{}", &compact(now_ms)[..8], rng.digits(15));
    let order = wechat.orders.get_mut(out_trade_no).ok_or(Refusal::UnknownCode)?;
    if !payer.has_good_coupon(order.total_fen) {
        return Err(Refusal::BadCoupon);
    }
    let payment = Payment {
        transaction_id,
        paid_ms: now_ms,
        payer_total_fen: order.total_fen - payer.coupon_fen - payer.merchant_coupon_fen,
        merchant_coupon_fen: payer.merchant_coupon_fen,
        rate: wechat.account.rate,
    };
    order.payer.get_or_insert_with(|| payer.name.to_owned());
    order.payment = Some(payment.clone());
    for (business, fen) in [
        (PAYMENT, order.total_fen - payment.merchant_coupon_fen),
        (FEE, -payment.fee_fen(order.total_fen)),
    ] {
        let movement = Movement {
            business,
            business_no: &payment.transaction_id,
            voucher_no: out_trade_no,
            fen,
            remark: String::new(),
        };
        wechat.account.enter(rng, now_ms, movement);
    }
    if !payer.is_silent {
        let notification = notification(rng, order, &payment);
        state.announce(now_ms, notification);
    }
    Ok(())
}
