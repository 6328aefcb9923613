//! Polling intervals and their back-off. Notifications may be lost, so every payment and refund is also queried.

use std::time::Duration;

use crate::Timestamp;

/// Polling interval in seconds while the checkout page is watched: the payer sees a lost notification's payment within five.
const WATCHED: [u64; 3] = [2, 3, 4];
/// Polling interval in seconds without a watcher: money is noticed within a minute even without a notification.
const UNWATCHED: [u64; 5] = [5, 10, 15, 30, 60];
/// The longest notification schedule (Alipay, 25 h): money may still arrive for a payment that is closed here.
pub const AFTERCARE: Duration = Duration::from_hours(25);
/// Polling interval of a closed payment.
const AFTERCARE_STEP: Duration = Duration::from_hours(1);
/// Polling interval of a refund, in seconds. WeChat advises a minute before the first query; most refunds are done sooner, and
/// the notification may be lost. A bank card takes days, so the queries thin out to one an hour.
const REFUND: [u64; 8] = [5, 15, 60, 120, 300, 900, 1800, 3600];
/// Back-off in seconds after an answer that cannot be verified: after an outage everything resumes within a minute.
const REFUND_UNANSWERED: [u64; 3] = [5, 15, 60];
/// Polling interval of a stuck refund.
const REFUND_STUCK: Duration = Duration::from_hours(1);
/// Interval between refunds of one payment: WeChat wants a minute (docs/gateway-facts.md 1.6.4), plus a second of latency.
pub const BETWEEN_REFUNDS: Duration = Duration::from_secs(61);
/// Back-off in hours before a failed surplus refund is renewed under another number.
const REFUND_RENEWAL: [u64; 6] = [1, 2, 4, 8, 16, 24];
/// A viewer counts as present for this long after the last sign of life.
pub const PRESENCE: Duration = Duration::from_secs(20);

/// Longest interval between two queries of an open payment. The `LONGEST_…` bounds detect a due time left by a clock that has
/// been set back since: a row that waits longer than its longest interval is due.
pub const LONGEST_QUESTION_STEP: Duration = Duration::from_mins(1);
/// Longest interval between two queries of an ended payment.
pub const LONGEST_AFTERCARE_STEP: Duration = AFTERCARE_STEP;
/// Longest wait of a refund: an hour between queries, and up to fifty refunds of one payment a minute apart.
pub const LONGEST_REFUND_STEP: Duration = Duration::from_hours(2);
/// Longest wait of a refund that replaces a failed one.
pub const LONGEST_RENEWAL_STEP: Duration = Duration::from_hours(26);
/// Longest wait of a webhook delivery.
pub const LONGEST_WEBHOOK_STEP: Duration = Duration::from_hours(24);
/// Waits before the attempts of a webhook delivery, in seconds: at once, then 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h.
const WEBHOOK: [u64; 10] = [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// Waits in seconds after failed attempts of an alarm. A robot that is mistaken for a flood is closed for ten minutes, and a
/// message that is hours late tells nothing that the console does not.
const ALARM: [u64; 6] = [10, 60, 300, 900, 1800, 3600];
/// Waits in seconds after uploads of shipping information that failed: 10 s, 1, 5, 30 min, 1, 2, 4, 8, 12 h, then a day. WeChat
/// does not know a payment in its first minute.
const SHIPPING: [u64; 10] = [10, 60, 300, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400];
/// Shipping information that is not uploaded for so long needs a person.
pub const SHIPPING_PATIENCE: Duration = Duration::from_hours(3 * 24);
/// An upload of shipping information is given up when it is so old.
pub const SHIPPING_LIFE: Duration = Duration::from_hours(30 * 24);
/// Longest wait of an upload of shipping information.
pub const LONGEST_SHIPPING_STEP: Duration = Duration::from_hours(24);
/// Difference between the clocks of two servers that does not count as set back.
pub const CLOCK_SLACK: Duration = Duration::from_mins(1);

/// Returns whether the page of a payment is watched. A longer presence than possible was written by a clock that has been set
/// back since.
pub fn is_watched(now: Timestamp, watched_until: Timestamp) -> bool {
    now < watched_until && watched_until <= now + (PRESENCE + CLOCK_SLACK)
}

/// Returns the next query of an open payment, after `n_asked` queries.
pub fn next_question(now: Timestamp, n_asked: u32, is_watched: bool) -> Timestamp {
    let steps: &[u64] = if is_watched { &WATCHED } else { &UNWATCHED };
    now + Duration::from_secs(step_at(steps, n_asked))
}

/// Returns the next query of a payment that ended unpaid; `None` when no money can arrive any more.
///
/// An Alipay code that was never scanned cannot be closed: until the deadline that was sent with it, it can be paid.
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

fn step_at(steps: &[u64], index: u32) -> u64 {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    steps[index.min(steps.len() - 1)]
}

/// Returns the next query of a refund under way, after `n_answers` answers.
pub fn next_refund_question(now: Timestamp, n_answers: u32) -> Timestamp {
    now + Duration::from_secs(step_at(&REFUND, n_answers))
}

/// Returns the next try after `n_unanswered` tries in a row without a verified answer.
pub fn next_refund_try(now: Timestamp, n_unanswered: u32) -> Timestamp {
    now + Duration::from_secs(step_at(&REFUND_UNANSWERED, n_unanswered))
}

/// Returns the next query of a stuck refund: a person may have acted in the gateway's console.
pub fn next_stuck_question(now: Timestamp) -> Timestamp {
    now + REFUND_STUCK
}

/// Returns the time of the renewal of a surplus refund, after `n_failed` refunds of it have failed.
pub fn next_refund_renewal(now: Timestamp, n_failed: u32) -> Timestamp {
    let hours = step_at(&REFUND_RENEWAL, n_failed.saturating_sub(1));
    now + Duration::from_hours(hours)
}

/// Waits after the failed attempts of an epay notification, in seconds: 5 s, 1, 3 and 20 min, 1, 2, 5, 10 and 24 h.
const EPAY: [u64; 9] = [5, 60, 180, 1200, 3600, 7200, 18_000, 36_000, 86_400];
/// Returns the next attempt of an epay notification that has failed `n_tries` times; `None` when it is given up.
pub fn next_epay_attempt(now: Timestamp, n_tries: u32) -> Option<Timestamp> {
    let index = usize::try_from(n_tries.checked_sub(1)?).ok()?;
    EPAY.get(index).map(|wait| now + Duration::from_secs(*wait))
}

/// Returns the next attempt of a webhook delivery that has failed `n_tries` times; `None` when it is given up.
pub fn next_webhook_attempt(now: Timestamp, n_tries: u32) -> Option<Timestamp> {
    let wait = WEBHOOK.get(usize::try_from(n_tries).ok()?)?;
    Some(now + Duration::from_secs(*wait))
}

/// Returns the next attempt of an alarm that has failed `n_tries` times; `None` when it is given up.
pub fn next_alarm_attempt(now: Timestamp, n_tries: u32) -> Option<Timestamp> {
    let index = usize::try_from(n_tries.checked_sub(1)?).ok()?;
    ALARM.get(index).map(|wait| now + Duration::from_secs(*wait))
}

/// Returns the next upload of shipping information that has failed after `n_tries` others; `None` when it is given up.
pub fn next_shipping_upload(now: Timestamp, n_tries: u32, created_at: Timestamp) -> Option<Timestamp> {
    let next = now + Duration::from_secs(step_at(&SHIPPING, n_tries));
    (next <= created_at + SHIPPING_LIFE).then_some(next)
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
        let payable_until = now + Duration::from_mins(15);
        let soon = next_after_end(now, 2, now, payable_until).map(|next| next.duration_since(now).as_secs());
        assert_eq!(
            soon,
            Some(15),
            "a code that can still be paid is asked about like an open one"
        );
    }

    #[test]
    fn no_interval_is_longer_than_its_bound() {
        let now = Timestamp::from_millis(0);
        for n in [0, 1, 4, 9, u32::MAX] {
            for is_watched in [false, true] {
                assert!(next_question(now, n, is_watched) <= now + LONGEST_QUESTION_STEP);
            }
            let later = now + Duration::from_mins(10);
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
    fn a_presence_recorded_before_the_clock_was_set_back_is_ignored() {
        let now = Timestamp::from_millis(0);
        assert!(is_watched(now, now + PRESENCE));
        assert!(!is_watched(now, now));
        assert!(!is_watched(now, now + (PRESENCE + Duration::from_hours(1))));
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

    #[test]
    fn shipping_information_is_uploaded_daily_in_the_end_for_a_month() {
        let begun = Timestamp::from_millis(0);
        let (mut now, mut n_tries, mut n_late) = (begun, 0, 0);
        while let Some(next) = next_shipping_upload(now, n_tries, begun) {
            assert!(next <= now + LONGEST_SHIPPING_STEP);
            now = next;
            n_tries += 1;
            n_late += u32::from(now >= begun + SHIPPING_PATIENCE);
        }
        assert_eq!((n_tries, n_late), (37, 27));
    }

    #[test]
    fn an_epay_notification_is_tried_ten_times_in_two_days() {
        let now = Timestamp::from_millis(0);
        let wait = |n_tries| next_epay_attempt(now, n_tries).map(|next| next.duration_since(now).as_secs());
        assert_eq!(
            (wait(1), wait(2), wait(9), wait(10)),
            (Some(5), Some(60), Some(86_400), None)
        );
    }

    #[test]
    fn an_alarm_is_tried_seven_times_in_two_hours() {
        let now = Timestamp::from_millis(0);
        let waits: Vec<u64> = (1..)
            .map_while(|n_tries| next_alarm_attempt(now, n_tries))
            .map(|next| next.duration_since(now).as_secs())
            .collect();
        assert_eq!(waits, [10, 60, 300, 900, 1800, 3600]);
        assert_eq!(next_alarm_attempt(now, 0), None);
    }

    #[test]
    fn a_webhook_is_tried_ten_times_in_three_days() {
        let begun = Timestamp::from_millis(0);
        let (mut now, mut n_tries) = (begun, 1);
        while let Some(next) = next_webhook_attempt(now, n_tries) {
            now = next;
            n_tries += 1;
        }
        assert_eq!(n_tries, 10);
        assert_eq!(now.duration_since(begun).as_secs(), WEBHOOK.iter().sum::<u64>());
    }
}
