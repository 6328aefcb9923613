//! Texts of incidents and advice on them, in the reader's language. Sentences of our own are translated; a gateway's words stay
//! as they are.

use domain::Money;
use payments::console::{Incident, IncidentKind, StuckCause};

use super::format;
use crate::i18n::{Language, ListWords, fill};
use crate::view::money;

/// Returns why its refund is stuck; `None`: it is about something else, or the gateway's code says nothing.
fn stuck_cause(incident: &Incident) -> Option<StuckCause> {
    match incident.kind {
        Some(IncidentKind::RefundStuck) => StuckCause::read(&incident.detail),
        _ => None,
    }
}

pub fn detail(incident: &Incident, language: Language) -> String {
    let texts = language.list_words();
    let translated = match incident.kind {
        Some(IncidentKind::Surplus) => Some(texts.detail_surplus.to_owned()),
        Some(IncidentKind::RefundRevived) => Some(texts.detail_refund_revived.to_owned()),
        Some(IncidentKind::WrongAmount) => describe_wrong_amount(&incident.detail, texts),
        Some(IncidentKind::TradeReused) => incident
            .detail
            .split(' ')
            .nth(1)
            .map(|trade| fill(texts.detail_trade_reused, &[("trade", trade)])),
        Some(IncidentKind::RefundStuck) => stuck_cause(incident).map(|cause| {
            let sentence = match cause {
                StuckCause::Funds => texts.stuck_funds,
                StuckCause::Permission => texts.stuck_permission,
                StuckCause::PayerAccount => texts.stuck_payer,
            };
            let code = incident.detail.split(':').next().unwrap_or_default();
            format!("{sentence} {code}")
        }),
        _ => translate_fixed(&incident.detail, texts).map(str::to_owned),
    };
    translated.unwrap_or_else(|| incident.detail.clone())
}

/// Translates the sentences of [`payments`] that hold no value.
fn translate_fixed(detail: &str, texts: &ListWords) -> Option<&'static str> {
    Some(match detail {
        "another merchant" => texts.detail_other_merchant,
        "another app" => texts.detail_other_app,
        "another seller" => texts.detail_other_seller,
        "another currency" => texts.detail_other_currency,
        "a notification about a payment we do not know" => texts.detail_unknown_payment,
        "a refund of a payment that we do not know" => texts.detail_refund_of_unknown,
        "a refund of a payment that is not paid here" => texts.detail_refund_of_unpaid,
        "a refund that was not asked for here" => texts.detail_refund_not_asked,
        "more was given back than was asked for here" => texts.detail_refund_too_much,
        "a refund of another trade" => texts.detail_refund_other_trade,
        "a refund of another sum" | "a refund of a trade with another sum" => texts.detail_refund_other_sum,
        _ => return None,
    })
}

/// Reads both amounts, in fen, of `asked 9990 fen, the gateway reports 1`.
fn describe_wrong_amount(detail: &str, texts: &ListWords) -> Option<String> {
    let mut amounts = detail
        .split(|sign: char| !sign.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .filter_map(|fen| Money::from_fen(fen).ok())
        .map(money::text);
    let (asked, paid) = (amounts.next()?, amounts.next()?);
    Some(fill(
        texts.detail_wrong_amount,
        &[("asked", &asked), ("paid", &paid)],
    ))
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
        let wrong = incident(IncidentKind::WrongAmount, "asked 9990 fen, the gateway reports 1");
        assert_eq!(detail(&wrong, Language::Chinese), "应付 ¥99.90，平台报告 ¥0.01。");
        let reused = incident(
            IncidentKind::TradeReused,
            "trade 420000 already pays another payment",
        );
        assert!(detail(&reused, Language::Chinese).contains("420000 已用于"));
        let foreign = incident(IncidentKind::ForeignNotification, "another merchant");
        assert_eq!(detail(&foreign, Language::Chinese), "通知属于其他商户号。");
        let other = incident(IncidentKind::RefundFailed, "CLOSED: x");
        assert_eq!(detail(&other, Language::Chinese), "CLOSED: x");
    }
}
