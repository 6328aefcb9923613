//! Text of a message, and its length in what each robot takes.

use crate::model::alarm::Alarm;

/// Text of a message. The link to the console is added by the one who sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub title: String,
    pub lines: Vec<String>,
    /// Label of the link.
    pub link: String,
}

/// Message with the words of the facts themselves, for a program without a catalogue of texts.
pub(super) fn describe_plainly(alarm: &Alarm) -> Message {
    let kind = alarm.kind.map_or("", |kind| kind.as_str());
    let mut lines = Vec::new();
    if let Some(amount) = alarm.amount {
        lines.push(format!("amount: {}", amount.to_yuan()));
    }
    if let Some(order_id) = &alarm.order_id {
        lines.push(format!("order: {order_id}"));
    }
    Message {
        title: format!("{} {kind} x{}", alarm.occasion.as_str(), alarm.n_incidents),
        lines,
        link: "console".to_owned(),
    }
}
