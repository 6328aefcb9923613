//! Intervals between the ticks of a schedule.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use domain::Timestamp;

use payments::BEIJING;

/// 2027-01-01, a Friday.
const START: i64 = 1_798_761_600;
const SHORT_STRIDE: TimeDelta = TimeDelta::minutes(20);
const LONG_STRIDE: TimeDelta = TimeDelta::hours(18);
/// Samples of each stride: eight days for what differs within a week, 400 days for what differs within a year.
const N_STRIDES: usize = 576;
/// Interval of a schedule that never ticks.
const NEVER: Duration = Duration::from_hours(400 * 24);

/// Returns the longest time between two ticks of a cron expression, in any week or year.
pub fn longest_step(expression: &str) -> Duration {
    let parser = CronParser::builder().seconds(Seconds::Required).build();
    let (Ok(cron), Some(start)) = (parser.parse(expression), DateTime::from_timestamp(START, 0)) else {
        return NEVER;
    };
    let steps = [SHORT_STRIDE, LONG_STRIDE].into_iter().flat_map(|stride| {
        let instants = std::iter::successors(Some(start), move |instant| instant.checked_add_signed(stride));
        instants.take(N_STRIDES)
    });
    steps
        .filter_map(|instant| step_around(&cron, instant))
        .max()
        .unwrap_or(NEVER)
}

/// Last day whose statements the schedule, by the clock of Beijing, has reached: the day before its last tick.
pub fn last_statement_day(expression: &str, now: Timestamp) -> Option<NaiveDate> {
    let parser = CronParser::builder().seconds(Seconds::Required).build();
    let cron = parser.parse(expression).ok()?;
    let now = DateTime::from_timestamp_millis(now.millis())?.with_timezone(&BEIJING);
    let tick = cron.find_previous_occurrence(&now, true).ok()?;
    tick.date_naive().pred_opt()
}

/// Returns the time between the ticks before and after an instant.
fn step_around(cron: &Cron, instant: DateTime<Utc>) -> Option<Duration> {
    let before = cron.find_previous_occurrence(&instant, true).ok()?;
    let after = cron.find_next_occurrence(&instant, false).ok()?;
    after.signed_duration_since(before).to_std().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_due_from_the_tick_in_beijing_on() {
        let day = |text: &str| {
            let now = payments::parse_rfc3339(text).unwrap();
            last_statement_day("0 30 10 * * *", now).unwrap().to_string()
        };
        assert_eq!(day("2026-11-28T02:29:59Z"), "2026-11-26");
        assert_eq!(day("2026-11-28T02:30:00Z"), "2026-11-27");
        assert_eq!(day("2026-11-28T23:00:00Z"), "2026-11-27");
    }

    #[test]
    fn a_schedule_knows_its_longest_step() {
        const DAY: u64 = 24 * 3600;
        for (expression, seconds) in [
            ("* * * * * *", 1),
            ("*/5 * * * * *", 5),
            ("*/15 * * * * *", 15),
            ("0 */5 * * * *", 300),
            ("0 30 10 * * *", DAY),
            ("*/5 * 9-17 * * *", 15 * 3600 + 5),
            ("0 0 4 * * 1", 7 * DAY),
            ("0 0 0 1 1 *", 366 * DAY),
        ] {
            assert_eq!(longest_step(expression).as_secs(), seconds, "{expression}");
        }
    }
}
