//! The merchant's money at WeChat Pay: its balance, and every movement as the fund-flow bill lists it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::statement::usual_rate;
use crate::time::compact;
use crate::wire::yuan;

/// Enough for the refunds of a test, until another balance is set.
const OPENING_FEN: i64 = 100_000_000;

pub(super) const PAYMENT: &str = "交易";
pub(super) const FEE: &str = "扣除交易手续费";
/// One movement, net of the fee that is given back.
pub(super) const REFUND: &str = "退款";
/// The money of a refund that failed returns.
pub(super) const CLOSED_REFUND: &str = "退款退回";

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) balance_fen: i64,
    pub(crate) flows: Vec<Flow>,
    /// Rate of fees from now on, in hundredths of a percent.
    pub(crate) rate: i64,
}

impl Default for Account {
    fn default() -> Account {
        Account {
            balance_fen: OPENING_FEN,
            flows: Vec::new(),
            rate: usual_rate(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) at_ms: i64,
    /// `transaction_id` or `refund_id`; the flow's own number for a top-up.
    pub(crate) business_no: String,
    pub(crate) flow_no: String,
    pub(crate) business: Cow<'static, str>,
    pub(crate) is_income: bool,
    pub(crate) fen: i64,
    pub(crate) balance_fen: i64,
    pub(crate) remark: String,
    /// The merchant's own number.
    pub(crate) voucher_no: String,
}

/// A movement of money; the numbers of the flow are made when it is entered.
#[derive(Debug)]
pub(crate) struct Movement<'a> {
    pub(crate) business: &'static str,
    pub(crate) business_no: &'a str,
    pub(crate) voucher_no: &'a str,
    /// Positive comes in, negative goes out.
    pub(crate) fen: i64,
    pub(crate) remark: String,
}

impl Flow {
    /// Change of the balance.
    pub(super) fn moved_fen(&self) -> i64 {
        if self.is_income { self.fen } else { -self.fen }
    }
}

impl Account {
    pub(crate) fn enter(&mut self, rng: &mut Rng, now_ms: i64, movement: Movement<'_>) {
        if movement.fen == 0 {
            return;
        }
        let flow_no = format!("1900000109{}{}", &compact(now_ms)[..8], rng.digits(12));
        self.balance_fen += movement.fen;
        self.flows.push(Flow {
            at_ms: now_ms,
            business_no: if movement.business_no.is_empty() {
                flow_no.clone()
            } else {
                movement.business_no.to_owned()
            },
            flow_no,
            business: movement.business.into(),
            is_income: movement.fen > 0,
            fen: movement.fen.abs(),
            balance_fen: self.balance_fen,
            remark: movement.remark,
            voucher_no: movement.voucher_no.to_owned(),
        });
    }

    /// By a top-up or a withdrawal, so that the fund-flow bill still adds up.
    pub(crate) fn set_balance(&mut self, rng: &mut Rng, now_ms: i64, fen: i64) {
        let missing = fen - self.balance_fen;
        let movement = Movement {
            business: if missing > 0 { "充值" } else { "提现" },
            business_no: "",
            voucher_no: "",
            fen: missing,
            remark: String::new(),
        };
        self.enter(rng, now_ms, movement);
    }
}

/// Remark of a refund's movement; the only place where the fund-flow statement tells the fee that is given back.
pub(super) fn refund_remark(fen: i64, fee_fen: i64, reason: &str) -> String {
    let remark = format!("退款总金额{}元;含手续费{}元", yuan(fen), yuan(fee_fen));
    if reason.is_empty() {
        remark
    } else {
        format!("{remark};{reason}")
    }
}
