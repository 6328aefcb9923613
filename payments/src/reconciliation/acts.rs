//! Acts of people on a day: they explain its differences, and close it.

use chrono::NaiveDate;
use domain::{Channel, Timestamp};
use futures_util::FutureExt;

use super::record::{finish, subject_of};
use crate::audit_log::{Act, Action, Actor, perform};
use crate::console::ConsoleError;
use crate::model::reconciliation::{
    DayClose, Difference, DifferenceKind, DifferenceState, Reconciliation, ReconciliationStatus,
};
use crate::store::{StoreError, Tx, reconciliation_differences as differences, reconciliations};
use crate::{Error, Services};

/// Explains one open difference. When none is open any more, the day is matched and closed.
pub async fn explain_difference(
    services: &Services,
    actor: &Actor,
    (day, channel): (NaiveDate, Channel),
    (kind, subject): (DifferenceKind, &str),
    why: &str,
) -> Result<(), ConsoleError> {
    let about = format!("{} {} {subject}", subject_of(day, channel), kind.as_str());
    let act = Act {
        action: Action::ExplainDifference,
        subject: &about,
        detail: why,
    };
    perform(services, actor, act, &|tx| {
        async move {
            let row = find_day_row(tx, day, channel).await?;
            let known = differences::list(tx, day, channel).await?;
            let difference = known
                .iter()
                .find(|known| known.kind == kind && known.subject == subject)
                .ok_or(Error::NotFound)?;
            if difference.state != DifferenceState::Open {
                return Err(ConsoleError::DecidedAlready);
            }
            let close = close_by(actor, why, services.clock.now());
            explain_row(tx, &row, difference, &close).await?;
            Ok(settle_day(services, tx, row, close).await?)
        }
        .boxed()
    })
    .await
}

/// Closes a day for a reason: its open differences are explained by it, and a pending day is asked for no more. A closed day
/// is closed again only when something has changed since.
pub async fn close_day(
    services: &Services,
    actor: &Actor,
    (day, channel): (NaiveDate, Channel),
    why: &str,
) -> Result<(), ConsoleError> {
    let about = subject_of(day, channel);
    let act = Act {
        action: Action::CloseDay,
        subject: &about,
        detail: why,
    };
    perform(services, actor, act, &|tx| {
        async move {
            let row = find_day_row(tx, day, channel).await?;
            let known = differences::list(tx, day, channel).await?;
            let open: Vec<Difference> = known
                .into_iter()
                .filter(|known| known.state == DifferenceState::Open)
                .collect();
            if row.close.is_some() && row.changed_at.is_none() && open.is_empty() {
                return Err(ConsoleError::DecidedAlready);
            }
            let close = close_by(actor, why, services.clock.now());
            for difference in &open {
                explain_row(tx, &row, difference, &close).await?;
            }
            let closed = Reconciliation {
                close: Some(close.clone()),
                due_at: None,
                changed_at: None,
                ..row
            };
            if closed.finished_at.is_none() {
                return Ok(reconciliations::record(tx, &closed, close.at).await?);
            }
            Ok(settle_day(services, tx, closed, close).await?)
        }
        .boxed()
    })
    .await
}

async fn find_day_row(tx: &mut Tx<'_>, day: NaiveDate, channel: Channel) -> Result<Reconciliation, Error> {
    reconciliations::find(tx, day, channel)
        .await?
        .ok_or(Error::NotFound)
}

fn close_by(actor: &Actor, why: &str, now: Timestamp) -> DayClose {
    DayClose {
        at: now,
        by: Some(actor.email.clone()),
        reason: Some(why.to_owned()),
    }
}

async fn explain_row(
    tx: &mut Tx<'_>,
    row: &Reconciliation,
    difference: &Difference,
    close: &DayClose,
) -> Result<(), StoreError> {
    let explained = Difference {
        state: DifferenceState::Explained,
        explanation: close.reason.clone(),
        explained_by: close.by.clone(),
        ..difference.clone()
    };
    differences::put(tx, (row.day, row.channel), &explained, close.at).await
}

/// Writes the status that follows from the explanations. `close` ends a day of which nothing is open any more.
async fn settle_day(
    services: &Services,
    tx: &mut Tx<'_>,
    mut row: Reconciliation,
    close: DayClose,
) -> Result<(), StoreError> {
    let now = close.at;
    let all = differences::list(tx, row.day, row.channel).await?;
    let is_open = |difference: &Difference| difference.state == DifferenceState::Open;
    if !all.iter().any(is_open) {
        row.status = ReconciliationStatus::Matched;
        row.close.get_or_insert(close);
    }
    finish(services, tx, row, all, now).await.map(drop)
}
