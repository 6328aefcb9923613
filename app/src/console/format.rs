//! Formats of single values in the console: times, names, states. A state is never a colour alone.

mod names;

use std::time::Duration;

use domain::{OrderStatus, Payment, PaymentState, PaymentStatus, Refund, RefundState, Timestamp};
use leptos::prelude::*;

pub use self::names::{
    action, advice, audit_action, call_verdict, difference, entry_kind, incident, method, operation,
    order_status_name, payment_status_name, period, permission, reason_text, refund_state_name, requester,
    role, verdict,
};
use crate::i18n::{ConsoleWords, fill};

/// Formats Beijing time to the second; with its zone in the tooltip and for programs.
pub fn time(instant: Timestamp) -> AnyView {
    let text = payments::beijing(instant);
    let exact = payments::rfc3339(instant);
    view! { <time class="num" datetime=exact.clone() title=exact>{text}</time> }.into_any()
}

pub fn maybe_time(instant: Option<Timestamp>) -> AnyView {
    instant.map_or_else(|| "–".into_any(), time)
}

/// Formats an age in its largest unit.
pub fn age(age: Duration, words: &ConsoleWords) -> String {
    let minutes = age.as_secs() / 60;
    let (sentence, n) = match minutes {
        0..60 => (words.minutes, minutes),
        60..2880 => (words.hours, minutes / 60),
        _ => (words.days, minutes / 1440),
    };
    fill(sentence, &[("n", &n.to_string())])
}

pub fn reference(text: &str) -> AnyView {
    view! { <span class="reference">{text.to_owned()}</span> }.into_any()
}

pub fn badge(tone: &'static str, text: &'static str) -> AnyView {
    let glyph = match tone {
        "ok" => "✓",
        "bad" => "!",
        "warn" => "↩",
        "info" => "…",
        _ => "·",
    };
    view! { <span class="badge" data-tone=tone><span aria-hidden="true">{glyph}</span> {text}</span> }
        .into_any()
}

pub fn order_status(status: OrderStatus, words: &'static ConsoleWords) -> AnyView {
    let tone = match status {
        OrderStatus::Pending => "info",
        OrderStatus::Paid => "ok",
        OrderStatus::PartiallyRefunded => "warn",
        OrderStatus::Refunded | OrderStatus::Cancelled => "neutral",
    };
    badge(tone, order_status_name(status, words))
}

fn payment_status(status: PaymentStatus, words: &'static ConsoleWords) -> AnyView {
    let tone = match status {
        PaymentStatus::Pending | PaymentStatus::Processing => "info",
        PaymentStatus::Success => "ok",
        PaymentStatus::Failed => "bad",
        PaymentStatus::Cancelled | PaymentStatus::Refunded => "neutral",
        PaymentStatus::Refunding => "warn",
    };
    badge(tone, payment_status_name(status, words))
}

/// Status of a payment, whether its order needed it, and the reason of its failure.
pub fn state_of_payment(payment: &Payment, words: &'static ConsoleWords) -> AnyView {
    let is_surplus = payment.state == PaymentState::Paid && !payment.settles;
    view! {
        {payment_status(payment.status(), words)}
        {is_surplus.then(|| badge("warn", words.surplus))}
        {payment.failure_reason.clone().map(|reason| view! { <div class="small">{reason}</div> })}
    }
    .into_any()
}

/// State of a refund, and the reason of its failure.
pub fn state_of_refund(refund: &Refund, words: &'static ConsoleWords) -> AnyView {
    view! {
        {refund_state(refund.state, words)}
        {refund.failure_reason.clone().map(|reason| view! { <div class="small">{reason}</div> })}
    }
    .into_any()
}

fn refund_state(state: RefundState, words: &'static ConsoleWords) -> AnyView {
    let tone = match state {
        RefundState::Requested => "info",
        RefundState::Pending => "warn",
        RefundState::Succeeded => "ok",
        RefundState::Failed | RefundState::Stuck => "bad",
    };
    badge(tone, refund_state_name(state, words))
}

/// Translates our own reasons; other people's stay as they wrote them.
pub fn reason(reason: &str, words: &'static ConsoleWords) -> AnyView {
    reason_text(reason, words).to_owned().into_any()
}

/// Returns the refundable amount; `None` when nothing was paid.
pub fn left_of(payment: &Payment) -> Option<domain::Money> {
    let after_refunds = payment.amount.checked_sub(payment.refunded)?;
    let left = after_refunds.checked_sub(payment.refunding)?;
    (payment.state == PaymentState::Paid).then_some(left)
}

/// Formats a sum of fen, which may exceed one amount or be negative.
pub fn sum(fen: i64) -> String {
    let sign = if fen < 0 { "−" } else { "" };
    let size = fen.unsigned_abs();
    let mut yuan = (size / 100).to_string();
    let mut at = yuan.len();
    while at > 3 {
        at -= 3;
        yuan.insert(at, ',');
    }
    format!("{sign}¥{yuan}.{:02}", size % 100)
}

/// Formats a sum with its sign, also when it is positive.
pub fn change(fen: i64) -> String {
    if fen > 0 {
        format!("+{}", sum(fen))
    } else {
        sum(fen)
    }
}

/// Formats a duration in milliseconds, seconds or minutes, whichever is shortest.
pub fn duration(duration: Option<Duration>) -> String {
    let Some(duration) = duration else {
        return "–".to_owned();
    };
    match duration.as_millis() {
        millis @ 0..1000 => format!("{millis} ms"),
        millis @ 1000..120_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        millis => format!("{} min", millis / 60_000),
    }
}

/// Formats a range of durations; one figure where both are equal.
pub fn span((shortest, longest): (Duration, Duration)) -> String {
    let (from, to) = (duration(Some(shortest)), duration(Some(longest)));
    if from == to {
        to
    } else {
        format!("{from} – {to}")
    }
}

/// Formats the date in Beijing.
pub fn day(instant: Timestamp) -> String {
    payments::beijing(instant).chars().take(10).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_grouped_at_any_size_and_sign() {
        for (fen, text) in [
            (0, "¥0.00"),
            (99_999, "¥999.99"),
            (100_000, "¥1,000.00"),
            (-123_450, "−¥1,234.50"),
            (2_000_000_000_099, "¥20,000,000,000.99"),
        ] {
            assert_eq!(sum(fen), text);
        }
        assert_eq!(
            (change(5), change(-5)),
            ("+¥0.05".to_owned(), "−¥0.05".to_owned())
        );
    }

    #[test]
    fn ages_are_shown_in_their_largest_unit() {
        let words = crate::i18n::Language::English.console_words();
        let of = |minutes: u64| age(Duration::from_mins(minutes), words);
        assert_eq!(
            (of(59), of(60), of(2880)),
            ("59 min".to_owned(), "1 h".to_owned(), "2 days".to_owned())
        );
        assert_eq!(duration(Some(Duration::from_millis(1234))), "1.2 s");
        let millis = Duration::from_millis;
        assert_eq!(span((millis(7), millis(7))), "7 ms");
        assert_eq!(span((millis(7), millis(1500))), "7 ms – 1.5 s");
    }
}
