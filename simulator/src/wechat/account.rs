//! The merchant's money at WeChat Pay: its balance, and every movement as the fund-flow bill lists it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::time::compact;

/// Enough for the refunds of a test, until another balance is set.
const OPENING_FEN: i64 = 100_000_000;
/// 0.60 %, in hundredths of a percent.
const RATE: i64 = 60;

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) balance_fen: i64,
    pub(crate) flows: Vec<Flow>,
}

impl Default for Account {
    fn default() -> Account {
        Account {
            balance_fen: OPENING_FEN,
            flows: Vec::new(),
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

/// WeChat's fee of a sum, rounded to the nearest fen.
pub(crate) fn fee_fen(fen: i64) -> i64 {
    (fen * RATE + 5_000) / 10_000
}
