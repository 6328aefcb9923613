//! Clock drift against a gateway: measured by the `Date` header of each answer, verified or not.

use std::sync::Mutex;
use std::time::Duration;

use chrono::DateTime;
use domain::Timestamp;

/// Clock drift as measured by the last answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drift {
    pub amount: Duration,
    pub is_ahead: bool,
}

#[derive(Debug, Default)]
pub struct DriftWatch(Mutex<Drift>);

const UNBROKEN: &str = "nothing panics while it holds the drift";

impl DriftWatch {
    pub fn last(&self) -> Drift {
        *self.0.lock().expect(UNBROKEN)
    }

    /// Measures the drift by an answer dated `date` to a call from `begun_at` to `ended_at`. An unreadable date is ignored.
    pub fn compare(&self, date: &str, begun_at: Timestamp, ended_at: Timestamp) {
        if let Ok(date) = DateTime::parse_from_rfc2822(date) {
            let drift = drift_of(
                Timestamp::from_millis(date.timestamp_millis()),
                begun_at,
                ended_at,
            );
            *self.0.lock().expect(UNBROKEN) = drift;
        }
    }
}

/// Computes the drift: the answer was dated between the beginning and the end of the call, in whole seconds.
fn drift_of(date: Timestamp, begun_at: Timestamp, ended_at: Timestamp) -> Drift {
    let latest = date + Duration::from_secs(1);
    let is_ahead = begun_at > latest;
    let amount = if is_ahead {
        begun_at.duration_since(latest)
    } else {
        date.duration_since(ended_at)
    };
    Drift { amount, is_ahead }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn drift_counts_only_beyond_the_duration_of_the_call() {
        let drift = |date, begun, ended| {
            let drift = drift_of(at(date), at(begun), at(ended));
            (drift.amount.as_millis(), drift.is_ahead)
        };
        assert_eq!(drift(10_000, 10_900, 10_950), (0, false));
        assert_eq!(
            drift(10_000, 5_000, 19_000),
            (0, false),
            "somewhere in a slow call"
        );
        assert_eq!(drift(10_000, 51_000, 51_200), (40_000, true));
        assert_eq!(drift(50_000, 9_800, 10_000), (40_000, false));
    }

    #[test]
    fn the_date_of_http_is_read_and_other_texts_are_not() {
        let watch = DriftWatch::default();
        watch.compare(
            "Tue, 24 Nov 2026 02:00:00 GMT",
            at(1_795_485_661_000),
            at(1_795_485_661_000),
        );
        assert_eq!(watch.last().amount, Duration::from_mins(1));
        watch.compare("yesterday", at(0), at(0));
        assert_eq!(watch.last().amount, Duration::from_mins(1));
    }
}
