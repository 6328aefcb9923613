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
/// Seconds between questions about a refund. WeChat names a minute before the first; most are done sooner, and its notification
/// may be lost. A bank card takes days, so the questions thin out to one an hour.
const REFUND: [u64; 8] = [5, 15, 60, 120, 300, 900, 1800, 3600];
/// Seconds until the next try after an answer that could not be believed: after an outage everything moves within a minute.
const REFUND_UNANSWERED: [u64; 3] = [5, 15, 60];
/// A refund that waits for a person.
const REFUND_STUCK: Duration = Duration::from_secs(3600);
/// WeChat takes a refund of the same payment a minute after the one before (docs/gateway-facts.md 1.6.4); a second for the way.
pub const BETWEEN_REFUNDS: Duration = Duration::from_secs(61);
/// Surplus money whose refund failed goes back under another number, after a while: twice as long every time.
const REFUND_RENEWAL: [u64; 6] = [1, 2, 4, 8, 16, 24];
/// A viewer counts as present for this long after the last sign of life.
pub const PRESENCE: Duration = Duration::from_secs(20);

/// Longest wait between two questions about an open payment. The `LONGEST_…` bounds tell a due time that was set from one
/// that a clock left behind which has been put back since: a row that waits longer than its longest step is due.
pub const LONGEST_QUESTION_STEP: Duration = Duration::from_secs(60);
/// Longest wait between two questions about a payment that ended.
pub const LONGEST_AFTERCARE_STEP: Duration = AFTERCARE_STEP;
/// Longest wait of a refund: an hour between questions, and up to fifty refunds of one payment a minute apart.
pub const LONGEST_REFUND_STEP: Duration = Duration::from_secs(7200);
/// Longest wait of a refund that takes the place of a failed one.
pub const LONGEST_RENEWAL_STEP: Duration = Duration::from_secs(26 * 3600);
/// Difference between the clocks of two servers that is no sign of a clock put back.
pub const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// Whether somebody looks at the page of a payment. A presence that lasts longer than any can was written by a clock that has
/// been put back since.
pub fn is_watched(now: Timestamp, watched_until: Timestamp) -> bool {
    now < watched_until && watched_until <= now + (PRESENCE + CLOCK_SLACK)
}

/// When an open payment is asked about next, after `n_asked` questions.
pub fn next_question(now: Timestamp, n_asked: u32, is_watched: bool) -> Timestamp {
    let steps: &[u64] = if is_watched { &WATCHED } else { &UNWATCHED };
    now + Duration::from_secs(step(steps, n_asked))
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
    let next = now + AFTERCARE_STEP;
    (next <= ended_at.max(payable_until) + AFTERCARE).then_some(next)
}

fn step(steps: &[u64], index: u32) -> u64 {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    steps[index.min(steps.len() - 1)]
}

/// When a refund that is under way is asked about next, after `n_answers` answers.
pub fn next_refund_question(now: Timestamp, n_answers: u32) -> Timestamp {
    now + Duration::from_secs(step(&REFUND, n_answers))
}

/// When the gateway is tried again after `n_unanswered` tries in a row without an answer that can be believed.
pub fn next_refund_try(now: Timestamp, n_unanswered: u32) -> Timestamp {
    now + Duration::from_secs(step(&REFUND_UNANSWERED, n_unanswered))
}

/// When a refund that waits for a person is asked about next: the person may have acted in the gateway's console.
pub fn next_stuck_question(now: Timestamp) -> Timestamp {
    now + REFUND_STUCK
}

/// When surplus money goes back under another number, after `n_failed` refunds of it have failed.
pub fn next_refund_renewal(now: Timestamp, n_failed: u32) -> Timestamp {
    let hours = step(&REFUND_RENEWAL, n_failed.saturating_sub(1));
    now + Duration::from_secs(hours * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watched_payment_is_asked_about_within_four_seconds_for_ever() {
        let now = Timestamp::from_millis(0);
        let waits: Vec<u64> = (0..6)
            .map(|n| next_question(now, n, true).duration_since(now).as_secs())
            .collect();
        assert_eq!(waits, [2, 3, 4, 4, 4, 4]);
        assert_eq!(
            next_question(now, u32::MAX, false).duration_since(now).as_secs(),
            60
        );
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
        assert_eq!(now.duration_since(ended_at), AFTERCARE);
        let payable_until = now + Duration::from_secs(900);
        let soon = next_after_end(now, 2, now, payable_until).map(|next| next.duration_since(now).as_secs());
        assert_eq!(
            soon,
            Some(15),
            "a code that can still be paid is asked about like an open one"
        );
    }

    #[test]
    fn no_step_is_longer_than_its_bound() {
        let now = Timestamp::from_millis(0);
        for n in [0, 1, 4, 9, u32::MAX] {
            for is_watched in [false, true] {
                assert!(next_question(now, n, is_watched) <= now + LONGEST_QUESTION_STEP);
            }
            let later = now + Duration::from_secs(600);
            for payable_until in [now, later] {
                let next = next_after_end(now, n, now, payable_until).unwrap();
                assert!(next <= now + LONGEST_AFTERCARE_STEP);
            }
            assert!(next_refund_question(now, n) <= now + LONGEST_REFUND_STEP);
            assert!(next_refund_try(now, n) <= now + LONGEST_REFUND_STEP);
            assert!(next_stuck_question(now) <= now + LONGEST_REFUND_STEP);
            assert!(next_refund_renewal(now, n) <= now + LONGEST_RENEWAL_STEP);
        }
    }

    #[test]
    fn a_presence_from_before_the_clock_was_put_back_is_none() {
        let now = Timestamp::from_millis(0);
        assert!(is_watched(now, now + PRESENCE));
        assert!(!is_watched(now, now));
        assert!(!is_watched(now, now + (PRESENCE + Duration::from_secs(3600))));
    }

    #[test]
    fn a_refund_is_asked_about_within_seconds_at_first_and_hourly_in_the_end() {
        let now = Timestamp::from_millis(0);
        let question = |n| next_refund_question(now, n).duration_since(now).as_secs();
        assert_eq!([question(0), question(1), question(2)], [5, 15, 60]);
        assert_eq!(question(u32::MAX), 3600);
        let unanswered = |n| next_refund_try(now, n).duration_since(now).as_secs();
        assert_eq!([unanswered(0), unanswered(9)], [5, 60]);
        let renewal = |n| next_refund_renewal(now, n).duration_since(now).as_secs();
        assert_eq!([renewal(1), renewal(2), renewal(99)], [3600, 7200, 86_400]);
    }
}
