//! Quiet hours: the time of the day in which only what is urgent is told.

use domain::Timestamp;

const MINUTES_OF_A_DAY: u16 = 24 * 60;

/// Span of the day by the clock of Beijing, in minutes after midnight. It may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    from: u16,
    to: u16,
}

impl QuietHours {
    /// Parses `22:00-08:00`.
    pub fn parse(text: &str) -> Option<QuietHours> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (parse_minutes(from.trim())?, parse_minutes(to.trim())?);
        (from != to).then_some(QuietHours { from, to })
    }

    pub fn contain(self, now: Timestamp) -> bool {
        let midnight = crate::calendar::midnight_before(now);
        let minute = now.duration_since(midnight).as_secs() / 60;
        let minute = u16::try_from(minute).unwrap_or(MINUTES_OF_A_DAY);
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

fn parse_minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |digits: &str, below: u16| {
        let is_pair = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: Option<u16> = digits.parse().ok();
        number.filter(|number| is_pair && *number < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::parse_beijing;

    fn is_quiet(hours: &str, time: &str) -> bool {
        let now = parse_beijing(&format!("2026-11-28 {time}")).unwrap();
        QuietHours::parse(hours).unwrap().contain(now)
    }

    #[test]
    fn quiet_hours_end_where_they_say_and_may_go_over_midnight() {
        let night = "22:00-08:00";
        for (time, expected) in [
            ("21:59:59", false),
            ("22:00:00", true),
            ("23:59:59", true),
            ("00:00:00", true),
            ("07:59:59", true),
            ("08:00:00", false),
        ] {
            assert_eq!(is_quiet(night, time), expected, "{time}");
        }
        assert!(is_quiet("12:00-13:30", "13:29:59") && !is_quiet("12:00-13:30", "13:30:00"));
    }

    #[test]
    fn other_texts_are_no_hours() {
        for text in [
            "",
            "22:00",
            "22-8",
            "22:00-24:00",
            "8:00-9:00",
            "22:00-22:00",
            "22:60-23:00",
            "+2:00-08:00",
            "22:00-08:00-09:00",
        ] {
            assert_eq!(QuietHours::parse(text), None, "{text}");
        }
    }
}
