//! Texts of incidents and advice on them, in the reader's language. Sentences of our own are translated; a gateway's words stay
//! as they are.

use payments::console::{Incident, IncidentKind, StuckCause};

use super::format;
use super::sentences::translate;
use crate::i18n::Language;

/// Returns why its refund is stuck; `None`: it is about something else, or the gateway's code says nothing.
fn stuck_cause(incident: &Incident) -> Option<StuckCause> {
    match incident.kind {
        Some(IncidentKind::RefundStuck) => StuckCause::read(&incident.detail),
        _ => None,
    }
}

/// Returns its detail: our own sentences in the reader's language, the words of a gateway as they are.
pub fn detail(incident: &Incident, language: Language) -> String {
    let Some(cause) = stuck_cause(incident) else {
        return translate(&incident.detail, language);
    };
    let texts = language.list_words();
    let sentence = match cause {
        StuckCause::Funds => texts.stuck_funds,
        StuckCause::Permission => texts.stuck_permission,
        StuckCause::PayerAccount => texts.stuck_payer,
    };
    let code = incident.detail.split(':').next().unwrap_or_default();
    format!("{sentence} {code}")
}

/// Advice for it: of a stuck refund by its cause, otherwise by its kind.
pub fn advice(incident: &Incident, language: Language) -> &'static str {
    let texts = language.list_words();
    match stuck_cause(incident) {
        Some(StuckCause::Funds) => texts.advice_stuck_funds,
        Some(StuckCause::Permission) => texts.advice_stuck_permission,
        Some(StuckCause::PayerAccount) => texts.advice_stuck_payer,
        None => format::advice(incident.kind, language.advice_words()),
    }
}

/// Whether sending its refund again can help: not where the payer's account takes no money.
pub fn can_be_retried(incident: &Incident) -> bool {
    match incident.kind {
        Some(IncidentKind::RefundFailed) => true,
        Some(IncidentKind::RefundStuck) => stuck_cause(incident) != Some(StuckCause::PayerAccount),
        _ => false,
    }
}

/// Whether the gateway can say more about its payment.
pub fn is_answered_by_gateway(incident: &Incident) -> bool {
    matches!(
        incident.kind,
        Some(
            IncidentKind::WrongAmount
                | IncidentKind::TradeReused
                | IncidentKind::PaymentOverdue
                | IncidentKind::PaymentUnanswered
                | IncidentKind::OrderOverdue
        )
    )
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    fn incident(kind: IncidentKind, detail: &str) -> Incident {
        Incident {
            id: "inc_1".to_owned(),
            kind: Some(kind),
            subject: "ref_1".to_owned(),
            order_id: None,
            order_no: None,
            user_id: None,
            amount: None,
            detail: detail.to_owned(),
            created_at: Timestamp::from_millis(0),
            assigned_to: None,
            resolved_at: None,
            resolved_by: None,
            resolution: None,
        }
    }

    #[test]
    fn an_empty_account_and_a_closed_card_get_their_own_advice() {
        let empty = incident(IncidentKind::RefundStuck, "NOT_ENOUGH: 基本账户余额不足");
        let closed = incident(IncidentKind::RefundStuck, "ABNORMAL: the payer's account");
        for language in Language::ALL {
            let texts = language.list_words();
            assert_eq!(advice(&empty, language), texts.advice_stuck_funds);
            assert_eq!(advice(&closed, language), texts.advice_stuck_payer);
        }
        assert!(can_be_retried(&empty) && !can_be_retried(&closed));
    }

    #[test]
    fn sentences_of_our_own_are_in_the_readers_language() {
        for (kind, kept, shown) in [
            (
                IncidentKind::WrongAmount,
                "asked 9990 fen, the gateway reports 1",
                "应付 ¥99.90，平台报告 ¥0.01。",
            ),
            (
                IncidentKind::TradeReused,
                "trade 420000 already pays another payment",
                "平台交易 420000 已用于另一笔支付。",
            ),
            (
                IncidentKind::ForeignNotification,
                "another merchant",
                "通知属于其他商户号。",
            ),
            (
                IncidentKind::ForeignNotification,
                "another merchant: payment P1, 990 fen, trade 4200",
                "通知属于其他商户号。支付单号 P1，金额 ¥9.90，平台交易号 4200",
            ),
            (
                IncidentKind::RefundOverdue,
                "neither done nor failed since 2026-11-29 10:00:00. The gateway has said nothing about it",
                "退款自 2026-11-29 10:00:00 起既未成功也未失败。平台未对此作出应答。",
            ),
            (
                IncidentKind::PaymentUnanswered,
                "no question has had a usable answer since 2026-11-29 10:00:00. Last words of the gateway: query at 2026-11-29 10:05:00, asked 3 times: 500 (unsigned) {}",
                "自 2026-11-29 10:00:00 起，向平台查询该笔支付均未得到有效应答。平台最后的应答（查询支付，2026-11-29 10:05:00，共 3 次）：500 (unsigned) {}",
            ),
            (
                IncidentKind::JobOverdue,
                "the job refunds has not ended well for 15 min",
                "后台任务“refunds”已 15 分钟未正常完成。",
            ),
            (
                IncidentKind::GatewaySilent,
                "alipay has given no answer that can be believed since 2026-11-29 10:00:00",
                "自 2026-11-29 10:00:00 起，支付宝没有给出可信的应答。",
            ),
            (
                IncidentKind::ReconciliationDifference,
                "2 open differences; amount P1: statement 9.90, books -9.80; missing_in_books P2: statement 5.00, books none",
                "2 笔差异待处理：金额不一致 P1（账单 ¥9.90，本系统 -¥9.80）；本系统缺少 P2（账单 ¥5.00，本系统 无）",
            ),
            // Words of a gateway stay as they are.
            (IncidentKind::RefundFailed, "CLOSED: x", "CLOSED: x"),
        ] {
            assert_eq!(detail(&incident(kind, kept), Language::Chinese), shown);
        }
    }
}
