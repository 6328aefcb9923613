//! Countdown to the deadline, by the server's time, not by the payer's clock.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use web_sys::HtmlSpanElement;

use super::browser::{millis, told};
use super::payment_watcher::CONNECTION;

const SECOND: Duration = Duration::from_secs(1);
/// Prominent, and first announced, at this many seconds left.
const URGENT: i64 = 5 * 60;
/// Announcements by seconds left, as names of `data-` attributes; not each second.
const CALLS: [(i64, &str); 3] = [(URGENT, "atFive"), (60, "atOne"), (0, "atEnd")];

/// The element around it has `data-millis-left`, `data-label` and the announcements.
#[island]
pub fn Countdown() -> impl IntoView {
    let face = Face {
        seconds: RwSignal::new(None),
        text: RwSignal::new(String::new()),
        announcement: RwSignal::new(String::new()),
    };
    let node = NodeRef::<html::Span>::new();
    node.on_load(move |node| {
        if let Ok(left) = told(&node, "millisLeft").parse::<i64>() {
            tick_until(millis() + left, node, face);
        }
    });
    let is_urgent = move || face.seconds.get().is_some_and(|left| left <= URGENT).to_string();
    // Not ticking, it is hidden: without script a frozen clock would mislead.
    let is_ticking = move || face.seconds.get().is_some().to_string();
    view! {
        <span
            class="countdown num"
            role="timer"
            data-ticking=is_ticking
            data-urgent=is_urgent
            node_ref=node
        >{face.text}</span>
        <span class="visually-hidden" role="status">{face.announcement}</span>
    }
}

#[derive(Clone, Copy)]
struct Face {
    seconds: RwSignal<Option<i64>>,
    text: RwSignal<String>,
    announcement: RwSignal<String>,
}

/// Ticks once a second until the end, or until the watcher has replaced this part of the page.
fn tick_until(end: i64, node: HtmlSpanElement, face: Face) {
    let left = (end - millis()).max(0);
    let seconds = (left + 999) / 1000;
    let before = face.seconds.get_untracked();
    face.seconds.set(Some(seconds));
    face.text
        .set(format!("{} {}", told(&node, "label"), format_remaining(seconds)));
    let is_lost = document()
        .document_element()
        .is_some_and(|root| root.has_attribute(CONNECTION));
    let is_passed = |moment| seconds <= moment && before.is_some_and(|before| before > moment);
    if let Some((_, name)) = CALLS.into_iter().rfind(|(moment, _)| is_passed(*moment))
        && !is_lost
    {
        face.announcement.set(told(&node, name));
    }
    if left > 0 && node.is_connected() {
        set_timeout(move || tick_until(end, node, face), SECOND);
    }
}

/// Formats `mm:ss`, or `h:mm:ss`.
fn format_remaining(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::format_remaining;

    #[test]
    fn remaining_time_is_formatted_as_a_clock() {
        for (seconds, text) in [(0, "00:00"), (59, "00:59"), (899, "14:59"), (3661, "1:01:01")] {
            assert_eq!(format_remaining(seconds), text);
        }
    }
}
