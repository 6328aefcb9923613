//! Formats and parses timestamps.

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use domain::Timestamp;

/// Clock of the payers, the operators and both gateways: China has had one offset and no summer time since 1991.
pub const BEIJING: FixedOffset = FixedOffset::east_opt(8 * 3600).expect("eight hours are an offset");
const DAY_MS: i64 = 24 * 3600 * 1000;
const BEIJING_TEXT: &str = "%Y-%m-%d %H:%M:%S";

fn utc_time(instant: Timestamp) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(instant.millis()).unwrap_or_default()
}

fn in_beijing(instant: Timestamp) -> DateTime<FixedOffset> {
    utc_time(instant).with_timezone(&BEIJING)
}

/// Format of our API: `2026-11-24T03:04:05.678Z`.
pub fn rfc3339(instant: Timestamp) -> String {
    utc_time(instant).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Format of WeChat Pay's requests: `2026-11-24T11:04:05+08:00`.
pub fn rfc3339_beijing(instant: Timestamp) -> String {
    in_beijing(instant).to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// Format of api.weixin.qq.com: `2026-11-24T11:04:05.678+08:00`.
pub fn rfc3339_beijing_millis(instant: Timestamp) -> String {
    in_beijing(instant).to_rfc3339_opts(SecondsFormat::Millis, false)
}

/// Format of Alipay and of pages for payers in China: `2026-11-24 11:04:05`.
pub fn beijing(instant: Timestamp) -> String {
    in_beijing(instant).format(BEIJING_TEXT).to_string()
}

/// Beginning of the day in Beijing.
pub(crate) fn midnight_before(now: Timestamp) -> Timestamp {
    let offset_ms = i64::from(BEIJING.local_minus_utc()) * 1000;
    let local = now.millis() + offset_ms;
    Timestamp::from_millis(local.div_euclid(DAY_MS) * DAY_MS - offset_ms)
}

/// Named period of whole days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    Today,
    Yesterday,
    Week,
    LastWeek,
    Month,
    LastMonth,
    Quarter,
}

impl Period {
    pub const ALL: [Period; 7] = [
        Period::Today,
        Period::Yesterday,
        Period::Week,
        Period::LastWeek,
        Period::Month,
        Period::LastMonth,
        Period::Quarter,
    ];

    /// First and last day in Beijing, `2026-11-24`. A week begins on Monday.
    pub fn days(self, now: Timestamp) -> (String, String) {
        let today = in_beijing(now).date_naive();
        let before =
            |day: NaiveDate, n_days: i64| day.checked_sub_signed(TimeDelta::days(n_days)).unwrap_or(day);
        let monday = before(today, i64::from(today.weekday().num_days_from_monday()));
        let first_of_month = today.with_day(1).unwrap_or(today);
        let (first, last) = match self {
            Period::Today => (today, today),
            Period::Yesterday => (before(today, 1), before(today, 1)),
            Period::Week => (monday, today),
            Period::LastWeek => (before(monday, 7), before(monday, 1)),
            Period::Month => (first_of_month, today),
            Period::LastMonth => {
                let last = before(first_of_month, 1);
                (last.with_day(1).unwrap_or(last), last)
            }
            Period::Quarter => {
                let first = NaiveDate::from_ymd_opt(today.year(), today.month0() / 3 * 3 + 1, 1);
                (first.unwrap_or(today), today)
            }
        };
        (first.to_string(), last.to_string())
    }
}

pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text)
        .ok()
        .map(|instant| Timestamp::from_millis(instant.timestamp_millis()))
}

/// Parses Alipay's times; a fraction of a second, as in `gmt_refund`, is dropped.
pub fn parse_beijing(text: &str) -> Option<Timestamp> {
    let whole_seconds = text.split_once('.').map_or(text, |(whole, _)| whole);
    let local = NaiveDateTime::parse_from_str(whole_seconds, BEIJING_TEXT).ok()?;
    let instant = local.checked_sub_signed(TimeDelta::seconds(i64::from(BEIJING.local_minus_utc())))?;
    Some(Timestamp::from_millis(instant.and_utc().timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_days_begins_where_people_say_it_does() {
        // A Friday, 23:59:59 in Beijing, and the second after.
        let friday = parse_beijing("2026-11-27 23:59:59").unwrap();
        let to_today = [Period::Today, Period::Week, Period::Month, Period::Quarter];
        let from = |now| to_today.map(|period| period.days(now).0);
        assert_eq!(
            from(friday),
            ["2026-11-27", "2026-11-23", "2026-11-01", "2026-10-01"]
        );
        let saturday = friday + std::time::Duration::from_secs(1);
        assert_eq!(
            from(saturday),
            ["2026-11-28", "2026-11-23", "2026-11-01", "2026-10-01"]
        );
        let new_year = parse_beijing("2027-01-01 00:00:00").unwrap();
        assert_eq!(
            from(new_year),
            ["2027-01-01", "2026-12-28", "2027-01-01", "2027-01-01"]
        );
        assert_eq!(Period::Week.days(new_year).1, "2027-01-01");
    }

    #[test]
    fn a_period_that_is_over_ends_before_today() {
        let days = |now: &str| {
            let now = parse_beijing(now).unwrap();
            [Period::Yesterday, Period::LastWeek, Period::LastMonth].map(|period| period.days(now))
        };
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(
            days("2027-01-01 00:00:00"),
            [
                pair("2026-12-31", "2026-12-31"),
                pair("2026-12-21", "2026-12-27"),
                pair("2026-12-01", "2026-12-31")
            ]
        );
        assert_eq!(
            days("2027-03-29 23:59:59"),
            [
                pair("2027-03-28", "2027-03-28"),
                pair("2027-03-22", "2027-03-28"),
                pair("2027-02-01", "2027-02-28")
            ]
        );
    }

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        // 2026-11-24 00:00 in Beijing.
        let midnight = 1_795_449_600_000;
        for millis in [midnight, midnight + 1, midnight + 86_399_999] {
            assert_eq!(midnight_before(Timestamp::from_millis(millis)).millis(), midnight);
        }
        assert_eq!(
            midnight_before(Timestamp::from_millis(midnight - 1)).millis(),
            midnight - DAY_MS
        );
    }

    #[test]
    fn one_instant_has_the_same_meaning_in_every_text() {
        let instant = Timestamp::from_millis(1_700_000_000_000);
        assert_eq!(rfc3339(instant), "2023-11-14T22:13:20.000Z");
        assert_eq!(rfc3339_beijing(instant), "2023-11-15T06:13:20+08:00");
        assert_eq!(rfc3339_beijing_millis(instant), "2023-11-15T06:13:20.000+08:00");
        assert_eq!(beijing(instant), "2023-11-15 06:13:20");
        assert_eq!(parse_rfc3339(&rfc3339_beijing(instant)), Some(instant));
        assert_eq!(parse_beijing("2023-11-15 06:13:20.123"), Some(instant));
        assert_eq!(parse_beijing("2023-11-15"), None);
    }
}
