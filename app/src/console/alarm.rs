//! Text of the messages that tell operators of incidents, in both languages: a group of people reads one message.

use payments::alarm::{Alarm, Message, Occasion};
use payments::beijing;

use super::format;
use crate::i18n::{Language, fill};

/// Writes a message. It names no payer and no product, and an amount only of what is about money.
pub fn describe_alarm(alarm: &Alarm) -> Message {
    let titles = Language::ALL.map(|language| write_title(alarm, language));
    let lines = Language::ALL
        .into_iter()
        .flat_map(|language| write_lines(alarm, language));
    let links = Language::ALL.map(|language| language.alarm_words().link);
    Message {
        title: titles.join(" / "),
        lines: lines.collect(),
        link: links.join(" / "),
    }
}

fn write_title(alarm: &Alarm, language: Language) -> String {
    let words = language.alarm_words();
    let is_urgent = alarm.kind.is_some_and(|kind| kind.is_urgent());
    let sentence = match alarm.occasion {
        Occasion::Opened if is_urgent => words.urgent,
        Occasion::Opened => words.notice,
        Occasion::Resolved => words.resolved,
        Occasion::Test => words.test,
    };
    let title = fill(
        sentence,
        &[("kind", format::incident(alarm.kind, language.console_words()))],
    );
    if alarm.n_incidents > 1 {
        format!("{title} ×{}", alarm.n_incidents)
    } else {
        title
    }
}

fn write_lines(alarm: &Alarm, language: Language) -> Vec<String> {
    let words = language.alarm_words();
    if alarm.occasion == Occasion::Test {
        return vec![words.test_text.to_owned()];
    }
    let mut lines = vec![fill(words.since, &[("time", &beijing(alarm.oldest_at))])];
    if let Some(amount) = alarm.amount {
        lines.push(fill(words.amount, &[("amount", &amount.to_yuan())]));
    }
    if let Some(order_id) = &alarm.order_id {
        lines.push(fill(words.order, &[("order", order_id.as_str())]));
    }
    if alarm.occasion == Occasion::Opened {
        lines.push(format::advice(alarm.kind, language.advice_words()).to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use domain::{Money, OrderId, Timestamp};
    use payments::console::IncidentKind;

    use super::*;

    fn alarm(occasion: Occasion) -> Alarm {
        Alarm {
            occasion,
            kind: Some(IncidentKind::WrongAmount),
            n_incidents: 1,
            amount: Some(Money::parse_yuan("99.90").unwrap()),
            order_id: OrderId::parse("ord_1"),
            oldest_at: Timestamp::from_millis(1_700_000_000_000),
            created_at: Timestamp::from_millis(1_700_000_060_000),
        }
    }

    #[test]
    fn a_message_says_what_since_when_how_much_and_what_to_do_in_both_languages() {
        let message = describe_alarm(&alarm(Occasion::Opened));
        assert_eq!(message.title, "【紧急】金额不符 / Urgent: Wrong amount");
        let text = message.lines.join("\n");
        for part in ["2023-11-15 06:13:20", "99.90", "ord_1"] {
            assert_eq!(text.matches(part).count(), 2, "{part} in {text}");
        }
        assert!(!text.contains('{'), "{text}");
    }

    #[test]
    fn a_message_of_many_says_how_many() {
        let many = Alarm {
            n_incidents: 12,
            order_id: None,
            ..alarm(Occasion::Resolved)
        };
        let message = describe_alarm(&many);
        assert_eq!(
            message.title,
            "【已解决】金额不符 ×12 / Resolved: Wrong amount ×12"
        );
    }

    #[test]
    fn every_kind_fits_what_robots_take() {
        for kind in IncidentKind::ALL {
            let alarm = Alarm {
                kind: Some(kind),
                ..alarm(Occasion::Opened)
            };
            let message = describe_alarm(&alarm);
            let n_bytes =
                message.title.len() + message.lines.iter().map(|line| line.len() + 2).sum::<usize>();
            assert!(
                n_bytes < 3500,
                "{}: WeCom takes 4096 bytes, with the link",
                kind.as_str()
            );
        }
    }
}
