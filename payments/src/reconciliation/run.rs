//! Job: plans the days whose statements are due, and reconciles what is due. A day without a usable statement is asked for
//! again, and a day that was missed while no server ran is caught up.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{Days, NaiveDate};
use domain::Channel;
use futures_util::FutureExt;

use super::queries::day_of;
use super::record::subject_of;
use super::{ReconciledDay, StatementSource, find_day, reconcile_day};
use crate::error::logged;
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::store::{StoreError, Tx, reconciliations};
use crate::{Error, Services};

/// Longer than the download and the comparison of a large day.
const LEASE: Duration = Duration::from_mins(15);
/// Days that are caught up: WeChat keeps its statements for three months.
const CATCH_UP: u64 = 60;
/// First pause before a statement is asked for again; it grows with the attempts.
const PAUSE: Duration = Duration::from_mins(10);
const LONGEST_PAUSE: Duration = Duration::from_hours(2);
/// From this age on a missing statement is an incident.
const LATE: Duration = Duration::from_hours(24);
const MOST_DAYS: usize = 200;

/// Reconciles the due days, one after the other. `latest` is the last day whose statements should be there by the schedule.
/// Returns how many days it worked on.
pub async fn run_statements(services: &Services, latest: Option<NaiveDate>) -> Result<usize, Error> {
    if let Some(latest) = latest {
        plan_days(services, latest).await?;
    }
    let mut n_done = 0;
    while n_done < MOST_DAYS {
        let lease = services.lease(lease!(LEASE));
        let due = services
            .db
            .write_one(|tx| async move { reconciliations::claim_due(tx, lease).await }.boxed())
            .await?;
        let Some((day, channel)) = due else { break };
        crash_point!("statements.after_claim");
        if let Err(error) = reconcile_day(services, day, channel, StatementSource::Gateway).await {
            tracing::warn!(%day, %channel, error = logged(&error), "{day} at {channel} is not reconciled");
            postpone(services, day, channel, &error.to_string()).await?;
        }
        n_done += 1;
    }
    Ok(n_done)
}

/// Plans the days up to `latest` that are not planned yet, from the first payment of each gateway on.
async fn plan_days(services: &Services, latest: NaiveDate) -> Result<(), Error> {
    let missing = services
        .db
        .snapshot(|tx| async move { find_missing(services, tx, latest).await }.boxed())
        .await?;
    if missing.is_empty() {
        return Ok(());
    }
    let (now, missing) = (services.clock.now(), &missing);
    services
        .db
        .write(|tx| {
            async move {
                for (day, channel) in missing {
                    reconciliations::plan(tx, *day, *channel, Some(now), now).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

async fn find_missing(
    services: &Services,
    tx: &mut Tx<'_>,
    latest: NaiveDate,
) -> Result<Vec<(NaiveDate, Channel)>, StoreError> {
    let oldest = latest.checked_sub_days(Days::new(CATCH_UP)).unwrap_or(latest);
    let planned: HashSet<(NaiveDate, Channel)> = reconciliations::list_between(tx, oldest, latest)
        .await?
        .into_iter()
        .map(|row| (row.day, row.channel))
        .collect();
    let is_configured = |channel: &Channel| services.gateways.get(*channel).is_some();
    let mut missing = Vec::new();
    for channel in Channel::ALL.into_iter().filter(is_configured) {
        let mut days = oldest
            .iter_days()
            .take_while(|day| *day <= latest)
            .filter(|day| !planned.contains(&(*day, channel)))
            .peekable();
        if days.peek().is_none() {
            continue;
        }
        let first = reconciliations::first_payment_at(tx, channel)
            .await?
            .and_then(day_of);
        if let Some(first) = first {
            missing.extend(days.filter(|day| *day >= first).map(|day| (day, channel)));
        }
    }
    Ok(missing)
}

/// Records why a day is pending and when it is asked for again. After a day a person is told.
pub(super) async fn postpone(
    services: &Services,
    day: NaiveDate,
    channel: Channel,
    note: &str,
) -> Result<ReconciledDay, Error> {
    tracing::info!(%day, %channel, "the statement of {day} of {channel} is pending: {note}");
    services
        .db
        .write(|tx| {
            async move {
                let now = services.clock.now();
                let row = reconciliations::find(tx, day, channel)
                    .await?
                    .ok_or(StoreError::Stale)?;
                // A day that is finished was run again by hand: its result stands.
                let due_at = match (row.finished_at, &row.close) {
                    (None, None) => Some(now + pause_after(row.attempts)),
                    _ => None,
                };
                reconciliations::postpone(tx, (day, channel), note, due_at, now).await?;
                if due_at.is_some() && now.duration_since(row.planned_at) >= LATE {
                    raise_missing(services, tx, (day, channel), note).await?;
                }
                Ok::<_, StoreError>(())
            }
            .boxed()
        })
        .await?;
    find_day(services, day, channel).await
}

fn pause_after(attempts: i64) -> Duration {
    let factor = u32::try_from(attempts + 1).unwrap_or(u32::MAX);
    PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

async fn raise_missing(
    services: &Services,
    tx: &mut Tx<'_>,
    (day, channel): (NaiveDate, Channel),
    note: &str,
) -> Result<(), StoreError> {
    let incident = Incident {
        kind: IncidentKind::StatementMissing,
        subject: &subject_of(day, channel),
        payment_id: None,
        detail: note,
        recurrence: Recurrence::OpensUnlessResolved,
    };
    raise(services, tx, incident).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_statement_is_asked_for_less_and_less_often() {
        let minutes = |attempts| pause_after(attempts).as_secs() / 60;
        assert_eq!([0, 1, 5, 11, 500].map(minutes), [10, 20, 60, 120, 120]);
    }
}
