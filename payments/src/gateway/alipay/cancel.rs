//! `alipay.trade.cancel`: the last means to end a trade that cannot be ended otherwise (docs/gateway-facts.md 2.5).
//!
//! It is for a person, and no job calls it: what looks like a close gives the money back when the payer was faster (T-40).

use domain::{PaymentNo, Report};
use tracing::warn;

use super::super::GatewayError;
use super::super::calls::Operation;
use super::wire::{Answer, Named};
use super::{Alipay, json};

const CANCEL: &str = "alipay.trade.cancel";
/// Alipay asks for a repeat while it is not done (`retry_flag`).
const MOST_TRIES: u32 = 3;

/// What a cancellation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelEffect {
    /// There is no trade. A code that nobody has scanned may still be scanned.
    Nothing,
    /// Nobody can pay any more.
    Closed,
    /// The payer was faster, and has all of the money back. Our books know of no such refund: a person must enter it.
    Refunded,
}

impl Alipay {
    /// Ends a trade about which neither a question nor a close brings an end. One that is known to be paid is refused,
    /// because its money goes back by a refund, with a number and a sum.
    pub async fn cancel(&self, payment_no: &PaymentNo) -> Result<CancelEffect, GatewayError> {
        match self.query(payment_no).await {
            Ok(Report::Paid(_)) => return Err(GatewayError::AlreadyPaid),
            Ok(Report::Closed) => return Err(GatewayError::AlreadyClosed),
            // What cannot be found out is what this is for.
            Ok(Report::Unpaid | Report::Absent | Report::Declined(_)) | Err(_) => {}
        }
        let named = json(&Named {
            out_trade_no: payment_no.as_str().to_owned(),
        });
        for _ in 0..MOST_TRIES {
            let answer = self
                .call(Operation::Cancel.about(payment_no), CANCEL, &named)
                .await?;
            if answer.retry_flag.as_deref() != Some("Y") {
                return read_cancel_effect(&answer, payment_no);
            }
        }
        Err(GatewayError::unknown("the trade is still not cancelled"))
    }
}

fn read_cancel_effect(answer: &Answer, payment_no: &PaymentNo) -> Result<CancelEffect, GatewayError> {
    match answer.action.as_deref() {
        None | Some("") => Ok(CancelEffect::Nothing),
        Some("close") => Ok(CancelEffect::Closed),
        Some("refund") => {
            warn!(payment.no = %payment_no, "cancelling {payment_no} has given its payer the money back");
            Ok(CancelEffect::Refunded)
        }
        Some(_) => Err(GatewayError::unknown("an unknown way to cancel")),
    }
}
