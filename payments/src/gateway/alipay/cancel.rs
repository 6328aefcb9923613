//! `alipay.trade.cancel`: ends a trade that cannot be ended otherwise (docs/gateway-facts.md 2.5).
//!
//! Called only by a person, never by a job: it looks like a close, but refunds a payer that was faster (T-40).

use domain::{PaymentNo, Report};
use tracing::warn;

use super::super::GatewayError;
use super::super::calls::Operation;
use super::wire::{Answer, Named};
use super::{Alipay, to_json};

const CANCEL: &str = "alipay.trade.cancel";
/// Alipay asks for a repeat while it is not done (`retry_flag`).
const MOST_TRIES: u32 = 3;

/// Effect of a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelEffect {
    /// No trade exists. A code that was not scanned may still be scanned.
    Nothing,
    /// The trade can no longer be paid.
    Closed,
    /// The payer had paid and was refunded in full. Our books have no such refund: a person must enter it.
    Refunded,
}

impl Alipay {
    /// Cancels a trade that neither a query nor a close could end. A trade known to be paid is refused: its money goes
    /// back by a refund, with a number and an amount.
    pub async fn cancel(&self, payment_no: &PaymentNo) -> Result<CancelEffect, GatewayError> {
        match self.query(payment_no).await {
            Ok(Report::Paid(_)) => return Err(GatewayError::AlreadyPaid),
            Ok(Report::Closed) => return Err(GatewayError::AlreadyClosed),
            // A query that gives no final answer is the case that cancellation is for.
            Ok(Report::Unpaid | Report::Absent | Report::Declined(_)) | Err(_) => {}
        }
        let named = to_json(&Named {
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
            warn!(payment.no = %payment_no, "cancelling {payment_no} refunded its payer");
            Ok(CancelEffect::Refunded)
        }
        Some(_) => Err(GatewayError::unknown("an unknown way to cancel")),
    }
}
