//! A bill that a merchant creates, and the trade that scanning it, or opening its cashier, makes of it.

use serde::{Deserialize, Serialize};

use super::notification::announce;
use super::order::Product;
use super::refund::{self, Refund};
use crate::books::Gateway;
use crate::payer::{self, Payer, Refusal, Standing};
use crate::rng::Rng;
use crate::state::State;
use crate::statement::usual_rate;
use crate::time::{DAY_MS, compact};

/// After the refund window a paid trade is final.
const FINISH_MS: i64 = 90 * DAY_MS;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bill {
    pub(super) product: Product,
    pub(crate) out_trade_no: String,
    pub(crate) subject: String,
    pub(crate) body: Option<String>,
    pub(crate) passback_params: Option<String>,
    pub(super) store_id: Option<String>,
    pub(super) terminal_id: Option<String>,
    pub(crate) total_fen: i64,
    pub(crate) notify_url: Option<String>,
    pub(super) return_url: Option<String>,
    pub(super) quit_url: Option<String>,
    /// Requested in certificate mode, so its notifications use it too.
    pub(super) has_certificates: bool,
    pub(crate) code: String,
    pub(crate) created_ms: i64,
    pub(crate) code_dies_ms: i64,
    pub(crate) pay_by_ms: i64,
    pub(crate) trade: Option<Trade>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Trade {
    pub(crate) trade_no: String,
    pub(crate) buyer: String,
    pub(crate) created_ms: i64,
    pub(crate) status: Status,
    pub(crate) paid_ms: Option<i64>,
    pub(crate) closed_ms: Option<i64>,
    /// Paid by Alipay instead of the buyer.
    pub(super) coupon_fen: i64,
    /// Given away by the merchant: neither paid nor settled.
    #[serde(default)]
    pub(super) merchant_coupon_fen: i64,
    /// Rate of the service fee, in hundredths of a percent.
    #[serde(default = "usual_rate")]
    pub(super) rate: i64,
    pub(super) refunds: Vec<Refund>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    WaitBuyerPay,
    Success,
    Finished,
    Closed,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Status::WaitBuyerPay => "WAIT_BUYER_PAY",
            Status::Success => "TRADE_SUCCESS",
            Status::Finished => "TRADE_FINISHED",
            Status::Closed => "TRADE_CLOSED",
        }
    }
}

impl Trade {
    /// Sum refunded to the buyer: Alipay's `refund_fee`.
    pub(super) fn refunded_fen(&self) -> i64 {
        self.refunds
            .iter()
            .filter(|refund| refund.is_done())
            .map(|refund| refund.fen)
            .sum()
    }

    /// Amount that the buyer paid.
    pub(super) fn paid_fen(&self, total_fen: i64) -> i64 {
        total_fen - self.coupon_fen - self.merchant_coupon_fen
    }

    /// Amount that the merchant receives, before the fee.
    pub(super) fn settled_fen(&self, total_fen: i64) -> i64 {
        total_fen - self.merchant_coupon_fen
    }

    /// Sum of refunds, including those under way.
    pub(super) fn pledged_fen(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.fen).sum()
    }

    pub(super) fn buyer_id(&self) -> String {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(self.buyer.as_bytes());
        let digits: String = digest.iter().map(|byte| char::from(b'0' + byte % 10)).collect();
        format!("2088{}", &digits[..12])
    }

    pub(super) fn buyer_logon_id(&self) -> String {
        format!(
            "{}***@sandbox.example",
            self.buyer.chars().take(3).collect::<String>()
        )
    }
}

impl Bill {
    pub(crate) fn look(&self) -> payer::Bill {
        payer::Bill {
            gateway: Gateway::Alipay,
            out_trade_no: self.out_trade_no.clone(),
            code: self.code.clone(),
            subject: self.subject.clone(),
            total_fen: self.total_fen,
            created_ms: self.created_ms,
            standing: match self.trade.as_ref().map(|trade| trade.status) {
                None | Some(Status::WaitBuyerPay) => Standing::Open,
                Some(Status::Success | Status::Finished) => Standing::Paid,
                Some(Status::Closed) => Standing::Closed,
            },
            is_shipped: false,
        }
    }

    pub(crate) fn is_payable(&self, now_ms: i64) -> bool {
        match &self.trade {
            None => now_ms < self.code_dies_ms,
            Some(trade) => trade.status == Status::WaitBuyerPay && now_ms < self.pay_by_ms,
        }
    }

    pub(super) fn next_lapse_ms(&self) -> Option<i64> {
        let trade = self.trade.as_ref()?;
        let next_ms = self.next_end_ms(trade);
        trade
            .refunds
            .iter()
            .filter_map(Refund::due_ms)
            .chain(next_ms)
            .min()
    }

    /// Time at which the trade closes or finishes by itself.
    fn next_end_ms(&self, trade: &Trade) -> Option<i64> {
        match trade.status {
            Status::WaitBuyerPay => Some(self.pay_by_ms),
            Status::Success => trade.paid_ms.map(|paid_ms| paid_ms + FINISH_MS),
            Status::Finished | Status::Closed => None,
        }
    }
}

/// Closes unpaid trades at their deadline and finishes old paid ones; both are notified.
pub(crate) fn lapse(state: &mut State, now_ms: i64) {
    refund::execute_due(state, now_ms);
    loop {
        let lapsed = state.alipay.bills.values_mut().find_map(|bill| {
            let end_ms = bill.next_end_ms(bill.trade.as_ref()?);
            let at_ms = end_ms.filter(|at_ms| *at_ms <= now_ms)?;
            let trade = bill.trade.as_mut()?;
            if trade.status == Status::WaitBuyerPay {
                trade.status = Status::Closed;
                trade.closed_ms = Some(at_ms);
            } else {
                trade.status = Status::Finished;
            }
            Some((at_ms, bill.out_trade_no.clone()))
        });
        let Some((at_ms, out_trade_no)) = lapsed else {
            return;
        };
        announce(state, at_ms, &out_trade_no);
    }
}

/// Creates the trade, which belongs to the first buyer that scans.
pub(crate) fn scan(
    state: &mut State,
    now_ms: i64,
    out_trade_no: &str,
    payer: &Payer<'_>,
) -> Result<(), Refusal> {
    let bill = state
        .alipay
        .bills
        .get_mut(out_trade_no)
        .ok_or(Refusal::UnknownCode)?;
    if let Some(trade) = &bill.trade {
        return match trade.status {
            Status::Success | Status::Finished => Err(Refusal::AlreadyPaid),
            Status::Closed => Err(Refusal::Closed),
            Status::WaitBuyerPay if trade.buyer == payer.name => Ok(()),
            Status::WaitBuyerPay => Err(Refusal::OtherPayer),
        };
    }
    let is_code = bill.product == Product::FaceToFace && payer.prompt != out_trade_no;
    if now_ms >= bill.code_dies_ms || (is_code && payer.prompt != bill.code) {
        return Err(Refusal::CodeExpired);
    }
    bill.trade = Some(open_trade(&mut state.rng, now_ms, payer.name));
    Ok(())
}

pub(super) fn open_trade(rng: &mut Rng, now_ms: i64, buyer: &str) -> Trade {
    Trade {
        trade_no: format!("{}22001{}", &compact(now_ms)[..8], rng.digits(15)),
        buyer: buyer.to_owned(),
        created_ms: now_ms,
        status: Status::WaitBuyerPay,
        paid_ms: None,
        closed_ms: None,
        coupon_fen: 0,
        merchant_coupon_fen: 0,
        rate: usual_rate(),
        refunds: Vec::new(),
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
        Err(Refusal::Closed | Refusal::CodeExpired) if late => {}
        Err(refusal) => return Err(refusal),
    }
    let State { alipay, rng, .. } = state;
    let bill = alipay.bills.get_mut(out_trade_no).ok_or(Refusal::UnknownCode)?;
    let trade = bill
        .trade
        .get_or_insert_with(|| open_trade(rng, now_ms, payer.name));
    if !payer.has_good_coupon(bill.total_fen) {
        return Err(Refusal::BadCoupon);
    }
    // A trade that was refunded in full is closed as well, and is no late payment.
    if trade.paid_ms.is_some() {
        return Err(Refusal::Closed);
    }
    trade.status = Status::Success;
    trade.paid_ms = Some(now_ms);
    trade.closed_ms = None;
    trade.coupon_fen = payer.coupon_fen;
    trade.merchant_coupon_fen = payer.merchant_coupon_fen;
    trade.rate = alipay.funds.rate;
    // Refunds are paid from what was taken.
    let funds = &mut alipay.funds;
    funds.balance_fen = funds.balance_fen.map(|fen| fen.saturating_add(bill.total_fen));
    if !payer.is_silent {
        announce(state, now_ms, out_trade_no);
    }
    Ok(())
}
