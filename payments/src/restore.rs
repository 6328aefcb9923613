//! A database that was restored from an older backup: found by what the server remembers outside the database.
//!
//! The server keeps the newest change of an order in a file beside the database. A database that does not hold it is an older
//! copy: a person is told, and the statements of the days since are compared with the books.

use chrono::{Days, NaiveDate};
use domain::{Channel, Timestamp};
use futures_util::FutureExt;

use crate::calendar::beijing;
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
pub use crate::store::backup::LastChange;
use crate::store::{StoreError, Tx, backup, reconciliations};
use crate::{Error, Services};

/// Limits the days that are compared again: WeChat keeps its statements for three months.
const MAX_DAYS: usize = 60;
/// Time of a day in Beijing from which the statements of the day before are there (10:30), as UTC.
const STATEMENTS_AT: chrono::NaiveTime =
    chrono::NaiveTime::from_hms_opt(2, 30, 0).expect("a time of the day");

/// The newest change of an order. `None`: there is no order.
pub async fn find_last_change(services: &Services) -> Result<Option<LastChange>, Error> {
    services
        .db
        .read_one(|tx| backup::find_last_change(tx).boxed())
        .await
        .map_err(Error::Internal)
}

/// Raises an incident and plans the statements of the lost days when the database does not hold a change that the server
/// remembers. Returns whether it did.
pub async fn note_restored(services: &Services, remembered: &LastChange) -> Result<bool, Error> {
    services
        .db
        .write(|tx| async move { note_in(services, tx, remembered).await }.boxed())
        .await
        .map_err(Error::Internal)
}

async fn note_in(services: &Services, tx: &mut Tx<'_>, remembered: &LastChange) -> Result<bool, StoreError> {
    let version = backup::find_order_version(tx, &remembered.order_id).await?;
    // Each change of an order raises its version, so a clock that was set back changes nothing here.
    if version.is_some_and(|version| version >= remembered.version) {
        return Ok(false);
    }
    let now = services.clock.now();
    let newest = backup::find_last_change(tx).await?;
    let from = newest.map_or(remembered.changed_at, |newest| {
        newest.changed_at.min(remembered.changed_at)
    });
    for day in days_between(from, now) {
        for channel in Channel::ALL {
            if services.gateways.get(channel).is_some() {
                let due_at = statement_time(day).map(|due_at| due_at.max(now));
                reconciliations::plan(tx, day, channel, due_at, now).await?;
            }
        }
    }
    let subject = format!("database of {}", beijing(remembered.changed_at));
    let detail = Sentence::DatabaseRestored.with(&[&beijing(from), &beijing(remembered.changed_at)]);
    let incident = Incident {
        kind: IncidentKind::DatabaseRestored,
        subject: &subject,
        payment_id: None,
        detail: &detail,
        recurrence: Recurrence::Ignored,
    };
    raise(services, tx, incident).await?;
    Ok(true)
}

/// Days in Beijing from one time to another, both included; the last ones when there are many.
fn days_between(from: Timestamp, to: Timestamp) -> Vec<NaiveDate> {
    let (Some(first), Some(last)) = (day_of(from), day_of(to)) else {
        return Vec::new();
    };
    let days = last
        .iter_days()
        .rev()
        .take_while(|day| *day >= first)
        .take(MAX_DAYS);
    days.collect()
}

fn day_of(at: Timestamp) -> Option<NaiveDate> {
    beijing(at).get(..10)?.parse().ok()
}

/// Time at which the statements of a day are there.
fn statement_time(day: NaiveDate) -> Option<Timestamp> {
    let next = day.checked_add_days(Days::new(1))?;
    Some(Timestamp::from_millis(
        next.and_time(STATEMENTS_AT).and_utc().timestamp_millis(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-24 10:00 in Beijing.
    const MORNING: Timestamp = Timestamp::from_millis(1_795_485_600_000);
    const DAY: std::time::Duration = std::time::Duration::from_hours(24);

    #[test]
    fn the_days_of_a_gap_are_those_of_both_its_ends() {
        let days = |from, to| -> Vec<String> {
            let days = days_between(from, to);
            days.iter().rev().map(NaiveDate::to_string).collect()
        };
        assert_eq!(days(MORNING, MORNING), ["2026-11-24"]);
        assert_eq!(days(MORNING, MORNING + DAY), ["2026-11-24", "2026-11-25"]);
        assert_eq!(days_between(MORNING - DAY * 400, MORNING).len(), MAX_DAYS);
        assert_eq!(days_between(MORNING + DAY, MORNING), []);
    }

    #[test]
    fn a_statement_is_there_on_the_next_morning() {
        let day = day_of(MORNING).unwrap();
        assert_eq!(
            statement_time(day),
            Some(MORNING + DAY + std::time::Duration::from_mins(30))
        );
    }
}
