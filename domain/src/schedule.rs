//! When to ask a gateway again. Callbacks are a courtesy; asking is what makes the books right.

use std::time::Duration;

use crate::Timestamp;

/// Seconds between questions while somebody looks at the checkout page: whose callback was lost sees it within five.
const WATCHED: [u64; 3] = [2, 3, 4];
/// Seconds between questions when nobody looks: money is noticed within a minute even when no callback comes.
const UNWATCHED: [u64; 5] = [5, 10, 15, 30, 60];
/// The longest callback schedule (Alipay, 25 h): money may still arrive for a payment that is closed here.
pub const AFTERCARE: Duration = Duration::from_secs(25 * 3600);
/// Between two questions about a payment that is closed.
const AFTERCARE_STEP: Duration = Duration::from_secs(3600);
/// A viewer counts as present for this long after the last sign of life.
pub const PRESENCE: Duration = Duration::from_secs(20);

/// When an open payment is asked about next, after `n_asked` questions.
pub fn next_question(now: Timestamp, n_asked: u32, is_watched: bool) -> Timestamp {
    let steps: &[u64] = if is_watched { &WATCHED } else { &UNWATCHED };
    let index = usize::try_from(n_asked)
        .unwrap_or(usize::MAX)
        .min(steps.len() - 1);
    now.after(Duration::from_secs(steps[index]))
}

/// When a payment that ended unpaid is asked about next; `None` when nothing can come any more.
///
/// An Alipay code that nobody scanned cannot be closed: until the deadline that was sent with it, it can be paid.
pub fn next_after_end(
    now: Timestamp,
    n_asked: u32,
    ended_at: Timestamp,
    payable_until: Timestamp,
) -> Option<Timestamp> {
    if now < payable_until {
        return Some(next_question(now, n_asked, false));
    }
    let next = now.after(AFTERCARE_STEP);
    (next <= ended_at.max(payable_until).after(AFTERCARE)).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watched_payment_is_asked_about_within_four_seconds_for_ever() {
        let now = Timestamp::from_millis(0);
        let waits: Vec<u64> = (0..6)
            .map(|n| next_question(now, n, true).since(now).as_secs())
            .collect();
        assert_eq!(waits, [2, 3, 4, 4, 4, 4]);
        assert_eq!(next_question(now, u32::MAX, false).since(now).as_secs(), 60);
    }

    #[test]
    fn an_ended_payment_is_asked_about_for_a_day_and_an_hour() {
        let ended_at = Timestamp::from_millis(0);
        let mut now = ended_at;
        let mut n_questions = 0;
        while let Some(next) = next_after_end(now, 0, ended_at, ended_at) {
            now = next;
            n_questions += 1;
        }
        assert_eq!(n_questions, 25);
        assert_eq!(now.since(ended_at), AFTERCARE);
        let payable_until = now.after(Duration::from_secs(900));
        let soon = next_after_end(now, 2, now, payable_until).map(|next| next.since(now).as_secs());
        assert_eq!(
            soon,
            Some(15),
            "a code that can still be paid is asked about like an open one"
        );
    }
}
