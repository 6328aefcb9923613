//! Texts of incidents and advice on them, in the reader's language. Sentences of our own are translated; a gateway's words stay
//! as they are.

use domain::{Method, Money};
use payments::console::{Incident, IncidentKind, Sentence, StuckCause};
use payments::reconciliation::DifferenceKind;

use super::format;
use super::sentences::sentence_text;
use crate::i18n::{Language, fill};
use crate::view::money;

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

fn translate(detail: &str, language: Language) -> String {
    let Some(read) = Sentence::read(detail) else {
        return detail.to_owned();
    };
    let values: Vec<String> = read
        .values
        .iter()
        .enumerate()
        .map(|(place, value)| show_value(read.sentence, place, value, language))
        .collect();
    let places: Vec<String> = (0..values.len()).map(|place| place.to_string()).collect();
    let named: Vec<(&str, &str)> = places
        .iter()
        .zip(&values)
        .map(|(place, value)| (place.as_str(), value.as_str()))
        .collect();
    let text = fill(sentence_text(read.sentence, language), &named);
    if let Some(next) = read.rest.strip_prefix(". ") {
        return format!("{text} {}", translate(next, language));
    }
    match read.rest.strip_prefix(": ") {
        Some(facts) => format!("{text} {}", translate_facts(facts, language)),
        None => text,
    }
}

/// Formats a value of a sentence: amounts in yuan, gateways and kinds of differences by their names.
fn show_value(sentence: Sentence, place: usize, value: &str, language: Language) -> String {
    let words = language.reconciliation_words();
    match (sentence, place) {
        (Sentence::WrongAmount, _) => show_fen(value),
        (Sentence::GatewaySilent, 0)
        | (Sentence::ForgedNotifications | Sentence::ClockAhead | Sentence::ClockBehind, 1) => {
            let method = Method::parse(value);
            method
                .map_or(value, |method| format::method(method, language.console_words()))
                .to_owned()
        }
        (Sentence::Differences, 1) => {
            let all: Vec<String> = value.split("; ").map(|one| translate(one, language)).collect();
            all.join(language.list_words().list_separator)
        }
        (Sentence::Difference, 0) => {
            let kind = DifferenceKind::parse(value);
            kind.map_or(value, |kind| format::difference(kind, words))
                .to_owned()
        }
        (Sentence::Difference, 2 | 3) if value == "none" => words.no_amount.to_owned(),
        _ => value.to_owned(),
    }
}

fn show_fen(fen: &str) -> String {
    let amount = fen.parse().ok().and_then(|fen| Money::from_fen(fen).ok());
    amount.map_or_else(|| fen.to_owned(), money::text)
}

/// Translates `payment P1, 990 fen, trade T1`: numbers and amount that a message named.
fn translate_facts(facts: &str, language: Language) -> String {
    let words = language.console_words();
    let shown = facts.split(", ").map(|fact| match fact.split_once(' ') {
        Some(("payment", number)) => format!("{} {number}", words.payment_no),
        Some(("refund", number)) => format!("{} {number}", words.refund_no),
        Some(("trade", number)) => format!("{} {number}", words.transaction),
        Some((fen, "fen")) => format!("{} {}", words.amount, show_fen(fen)),
        _ => fact.to_owned(),
    });
    let shown: Vec<String> = shown.collect();
    shown.join(language.list_words().list_separator)
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
        let foreign = incident(
            IncidentKind::ForeignNotification,
            "another merchant: payment P1, 990 fen, trade 4200",
        );
        assert_eq!(
            detail(&foreign, Language::Chinese),
            "通知属于其他商户号。 支付单号 P1，金额 ¥9.90，平台交易号 4200"
        );
        let overdue = incident(
            IncidentKind::RefundOverdue,
            "neither done nor failed since 2026-11-29 10:00:00. The gateway has said nothing about it",
        );
        assert_eq!(
            detail(&overdue, Language::Chinese),
            "退款自 2026-11-29 10:00:00 起既未成功也未失败。 平台未对此作出应答。"
        );
        let silent = incident(
            IncidentKind::GatewaySilent,
            "alipay has given no answer that can be believed since 2026-11-29 10:00:00",
        );
        assert_eq!(
            detail(&silent, Language::Chinese),
            "自 2026-11-29 10:00:00 起，支付宝没有给出可信的应答。"
        );
        let differences = incident(
            IncidentKind::ReconciliationDifference,
            "2 open differences; amount P1: statement 9.90, books 9.80; missing_in_books P2: statement 5.00, books none",
        );
        assert_eq!(
            detail(&differences, Language::Chinese),
            "2 笔差异未处理：金额不一致 P1（账单 9.90，本系统 9.80），本系统缺少 P2（账单 5.00，本系统 无）"
        );
        let other = incident(IncidentKind::RefundFailed, "CLOSED: x");
        assert_eq!(detail(&other, Language::Chinese), "CLOSED: x");
    }
}
