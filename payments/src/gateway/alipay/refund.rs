//! Alipay refunds (docs/gateway-facts.md 2.5): done at once, or answered as not yet known.

use domain::RefundReport;
use tracing::warn;

use super::super::calls::Operation;
use super::super::text::GatewayText;
use super::super::{GatewayError, RefundAsk};
use super::wire::{NewRefund, RefundQuery};
use super::{Alipay, is_not_exist, to_json};

const REFUND: &str = "alipay.trade.refund";
const QUERY_REFUND: &str = "alipay.trade.fastpay.refund.query";
/// Maximum length of `refund_reason` in bytes (docs/gateway-facts.md 2.5).
const MOST_REASON: usize = 256;

/// Meaning of a signed refusal of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The refund can never happen under this number.
    Final,
    /// A person must act; then the same number succeeds.
    Stuck,
    /// Says nothing about whether money moved: query.
    Ask,
}

impl Alipay {
    pub(in super::super) async fn refund(&self, ask: &RefundAsk<'_>) -> Result<RefundReport, GatewayError> {
        let body = to_json(&NewRefund {
            out_trade_no: ask.payment_no.as_str(),
            refund_amount: ask.amount.to_yuan(),
            out_request_no: ask.refund_no.as_str(),
            refund_reason: GatewayText::for_alipay(ask.reason, MOST_REASON),
        });
        let about = Operation::Refund.about(ask.payment_no);
        let answer = match self.call_about(about, REFUND, &body).await {
            Ok(answer) => answer,
            Err(GatewayError::AlreadyClosed | GatewayError::AlreadyPaid) => return self.ask_again(ask).await,
            Err(GatewayError::Declined {
                code,
                message,
                is_authentic: true,
            }) => {
                return match classify_refusal(&code) {
                    Refusal::Stuck => Ok(RefundReport::Stuck(format!("{code}: {message}"))),
                    Refusal::Ask => self.ask_again(ask).await,
                    Refusal::Final => Err(GatewayError::Declined {
                        code,
                        message,
                        is_authentic: true,
                    }),
                };
            }
            Err(error) => return Err(error),
        };
        // `N`: this call moved nothing, because an earlier one did, or because it is still in progress.
        if answer.fund_change.as_deref() != Some("Y") {
            return match self.query_refund(ask).await? {
                RefundReport::Absent => Ok(RefundReport::Processing {
                    gateway_refund_id: None,
                }),
                report => Ok(report),
            };
        }
        answer
            .proves_refund(ask)
            .map_err(|reason| not_usable(ask, reason))?;
        Ok(RefundReport::Succeeded {
            gateway_refund_id: None,
            finished_at: answer.refunded_at(self.clock.now()),
        })
    }

    /// Queries after a refusal that decides nothing: only an authentic success counts, anything else stays unknown.
    async fn ask_again(&self, ask: &RefundAsk<'_>) -> Result<RefundReport, GatewayError> {
        match self.query_refund(ask).await? {
            RefundReport::Absent => Err(GatewayError::unknown("refused, and no refund found")),
            report => Ok(report),
        }
    }

    /// Queries a refund. One without a status was not received, did not happen, or is in progress: its absence is no
    /// failure.
    pub(in super::super) async fn query_refund(
        &self,
        ask: &RefundAsk<'_>,
    ) -> Result<RefundReport, GatewayError> {
        let body = to_json(&RefundQuery {
            out_trade_no: ask.payment_no.as_str(),
            out_request_no: ask.refund_no.as_str(),
            query_options: ["gmt_refund_pay"],
        });
        let about = Operation::QueryRefund.about(ask.payment_no);
        let answer = match self.call(about, QUERY_REFUND, &body).await {
            Ok(answer) => answer,
            Err(error) if is_not_exist(&error) => return Ok(RefundReport::Absent),
            Err(error) => return Err(error),
        };
        match answer.refund_status.as_deref() {
            None | Some("") => Ok(RefundReport::Absent),
            Some("REFUND_SUCCESS") => {
                answer
                    .describes_refund(ask)
                    .map_err(|reason| not_usable(ask, reason))?;
                Ok(RefundReport::Succeeded {
                    gateway_refund_id: None,
                    finished_at: answer.refunded_at(self.clock.now()),
                })
            }
            Some("REFUND_PROCESSING") => Ok(RefundReport::Processing {
                gateway_refund_id: None,
            }),
            Some(_) => Err(GatewayError::unknown("an unknown refund status")),
        }
    }
}

fn not_usable(ask: &RefundAsk<'_>, reason: &'static str) -> GatewayError {
    warn!(refund.no = %ask.refund_no, "Alipay's answer about {} is not usable: {reason}", ask.refund_no);
    GatewayError::unknown(reason)
}

/// Classifies a refusal by its sub-code without prefix (docs/gateway-facts.md 2.2). An undocumented one decides
/// nothing.
fn classify_refusal(code: &str) -> Refusal {
    match code {
        "SELLER_BALANCE_NOT_ENOUGH"
        | "REASON_TRADE_BEEN_FREEZEN"
        | "BUYER_ENABLE_STATUS_FORBID"
        | "REFUND_CHARGE_ERROR" => Refusal::Stuck,
        "INVALID_PARAMETER"
        | "REFUND_AMT_NOT_EQUAL_TOTAL"
        | "TRADE_HAS_FINISHED"
        | "DISCORDANT_REPEAT_REQUEST"
        | "REASON_TRADE_REFUND_FEE_ERR"
        | "TRADE_NOT_ALLOW_REFUND"
        | "REFUND_FEE_ERROR"
        | "NOT_ALLOW_PARTIAL_REFUND"
        | "ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND"
        | "BUYER_NOT_EXIST"
        | "BUYER_ERROR"
        | "CURRENCY_NOT_SUPPORT"
        | "USER_NOT_MATCH_ERR"
        | "REFUND_ACCOUNT_NOT_EXIST" => Refusal::Final,
        _ => Refusal::Ask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_refusal_decides_nothing() {
        assert_eq!(classify_refusal("TRADE_NOT_EXIST"), Refusal::Ask);
        assert_eq!(classify_refusal("SOMETHING_NEW"), Refusal::Ask);
        assert_eq!(classify_refusal("SELLER_BALANCE_NOT_ENOUGH"), Refusal::Stuck);
        assert_eq!(classify_refusal("DISCORDANT_REPEAT_REQUEST"), Refusal::Final);
    }
}
