//! The simulator's clock, and the gateways' two spellings of time, both at Beijing's fixed +08:00.

use std::sync::{Mutex, MutexGuard};

use crate::settings::Clock;

pub(crate) const SECOND_MS: i64 = 1_000;
pub(crate) const MINUTE_MS: i64 = 60 * SECOND_MS;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;
const BEIJING_MS: i64 = 8 * HOUR_MS;

/// Highest speed: above this a day passes while one notification is under way.
pub(crate) const FASTEST: u32 = 100_000;

#[derive(Debug)]
pub(crate) struct Watch {
    clock: Clock,
    pace: Mutex<Pace>,
}

/// Pace of time: at `base_ms` of the clock it was `shown_ms` here, running `speed` times as fast since.
#[derive(Debug)]
struct Pace {
    base_ms: i64,
    shown_ms: i64,
    speed: u32,
}

impl Watch {
    /// Starts ahead of the clock by as much as an earlier run left it.
    pub(crate) fn new(clock: Clock, ahead_ms: i64) -> Watch {
        let base_ms = base_ms(clock);
        Watch {
            clock,
            pace: Mutex::new(Pace {
                base_ms,
                shown_ms: base_ms.saturating_add(ahead_ms),
                speed: 1,
            }),
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().expect("no reading of a clock panics")
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.pace().now_ms(base_ms(self.clock))
    }

    pub(crate) fn ahead_ms(&self) -> i64 {
        let base_ms = base_ms(self.clock);
        self.pace().now_ms(base_ms) - base_ms
    }

    pub(crate) fn speed(&self) -> u32 {
        self.pace().speed
    }

    /// Sets the speed from now on; a fixed clock stands still at any speed.
    pub(crate) fn set_speed(&self, speed: u32) {
        let mut pace = self.pace();
        let base_ms = base_ms(self.clock);
        *pace = Pace {
            base_ms,
            shown_ms: pace.now_ms(base_ms),
            speed,
        };
    }

    /// Never backwards: a gateway's clock does not jump.
    pub(crate) fn reach(&self, target_ms: i64) {
        let mut pace = self.pace();
        let missing = target_ms - pace.now_ms(base_ms(self.clock));
        pace.shown_ms += missing.max(0);
    }

    pub(crate) fn runs_by_itself(&self) -> bool {
        self.clock == Clock::System
    }
}

impl Pace {
    fn now_ms(&self, base_ms: i64) -> i64 {
        // A wall clock may be set back.
        let passed_ms = (base_ms - self.base_ms).max(0);
        self.shown_ms
            .saturating_add(passed_ms.saturating_mul(i64::from(self.speed)))
    }
}

fn base_ms(clock: Clock) -> i64 {
    match clock {
        Clock::System => wall_clock_ms(),
        Clock::Fixed { now_ms } => now_ms,
    }
}

/// `Tue, 24 Nov 2026 02:00:00 GMT`.
pub(crate) fn http_date(now_ms: i64) -> String {
    let since = std::time::Duration::from_millis(u64::try_from(now_ms).unwrap_or(0));
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the simulator reads the wall clock"
)]
fn wall_clock_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).expect("the year is below 292 million")
}

struct Moment {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    ms: i64,
}

fn beijing_moment(ms: i64) -> Moment {
    let local = ms + BEIJING_MS;
    let (days, rest) = (local.div_euclid(DAY_MS), local.rem_euclid(DAY_MS));
    let (year, month, day) = civil_date(days);
    Moment {
        year,
        month,
        day,
        hour: rest / HOUR_MS,
        minute: rest % HOUR_MS / MINUTE_MS,
        second: rest % MINUTE_MS / SECOND_MS,
        ms: rest % SECOND_MS,
    }
}

/// `2018-06-08T10:34:56+08:00`
pub(crate) fn rfc3339(ms: i64) -> String {
    let t = beijing_moment(ms);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+08:00",
        t.year, t.month, t.day, t.hour, t.minute, t.second
    )
}

/// `2018-06-08 10:34:56`
pub(crate) fn beijing_text(ms: i64) -> String {
    let t = beijing_moment(ms);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        t.year, t.month, t.day, t.hour, t.minute, t.second
    )
}

/// `2018-06-08 10:34:56.000`
pub(crate) fn beijing_text_ms(ms: i64) -> String {
    format!("{}.{:03}", beijing_text(ms), beijing_moment(ms).ms)
}

/// `20180608103456`
pub(crate) fn compact(ms: i64) -> String {
    let t = beijing_moment(ms);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}{:03}",
        t.year, t.month, t.day, t.hour, t.minute, t.second, t.ms
    )
}

pub(crate) fn next_beijing_midnight(ms: i64) -> i64 {
    ((ms + BEIJING_MS).div_euclid(DAY_MS) + 1) * DAY_MS - BEIJING_MS
}

pub(crate) fn parse_beijing(text: &str) -> Option<i64> {
    if text.len() != 19 || text.as_bytes()[10] != b' ' {
        return None;
    }
    Some(parse_civil(text)? - BEIJING_MS)
}

/// RFC 3339 with seconds, an optional fraction and an offset or `Z`.
pub(crate) fn parse_rfc3339(text: &str) -> Option<i64> {
    if !text.is_ascii() || text.len() < 20 || text.as_bytes()[10] != b'T' {
        return None;
    }
    let civil_ms = parse_civil(&text[..19])?;
    let mut zone = &text[19..];
    if let Some(fraction) = zone.strip_prefix('.') {
        let n_digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        zone = fraction.get(n_digits..).filter(|_| n_digits > 0)?;
    }
    if zone == "Z" {
        return Some(civil_ms);
    }
    let (sign, rest) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let offset = two_digits(hours, 23)? * HOUR_MS + two_digits(minutes, 59)? * MINUTE_MS;
    Some(civil_ms - sign * offset)
}

/// `yyyy-MM-dd?HH:mm:ss` as if it were UTC.
fn parse_civil(text: &str) -> Option<i64> {
    if !text.is_ascii() || text.len() != 19 {
        return None;
    }
    let bytes = text.as_bytes();
    if [bytes[4], bytes[7], bytes[13], bytes[16]] != [b'-', b'-', b':', b':'] {
        return None;
    }
    let year = two_digits(&text[..2], 99)? * 100 + two_digits(&text[2..4], 99)?;
    let month = two_digits(&text[5..7], 12)?;
    let day = two_digits(&text[8..10], 31)?;
    let days = days_of(year, month, day);
    // The way back finds 30 February and month 0.
    if civil_date(days) != (year, month, day) {
        return None;
    }
    let hour = two_digits(&text[11..13], 23)?;
    let minute = two_digits(&text[14..16], 59)?;
    let second = two_digits(&text[17..19], 59)?;
    Some(days * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS)
}

fn two_digits(text: &str, most: i64) -> Option<i64> {
    let good = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| good && *number <= most)
}

/// Howard Hinnant's `civil_from_days`.
fn civil_date(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_index = (month + 9) % 12;
    let day_of_year = (153 * month_index + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_time_formats_round_trip() {
        let ms = 1_700_000_000_000;
        assert_eq!(rfc3339(ms), "2023-11-15T06:13:20+08:00");
        assert_eq!(parse_rfc3339("2023-11-15T06:13:20+08:00"), Some(ms));
        assert_eq!(parse_rfc3339("2023-11-14T22:13:20Z"), Some(ms));
        assert_eq!(parse_rfc3339("2023-11-14T22:13:20.5Z"), Some(ms));
        assert_eq!(parse_beijing(&beijing_text(ms)), Some(ms));
        for bad in [
            "2023-02-30T00:00:00Z",
            "2023-11-14 22:13:20Z",
            "2023-11-14T22:13:20",
            "2023-00-14T22:13:20Z",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn midnight_is_in_beijing_time() {
        assert_eq!(
            rfc3339(next_beijing_midnight(1_700_000_000_000)),
            "2023-11-16T00:00:00+08:00"
        );
    }
}
