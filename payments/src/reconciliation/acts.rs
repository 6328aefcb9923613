//! What a person does with a day: explains differences, and closes it.

use chrono::NaiveDate;
use domain::{Channel, Timestamp};
use futures_util::FutureExt;

use super::ReconciledDay;
use super::record::{explained, finish};
use crate::audit_log::{Act, Action, Actor, perform};
use crate::model::reconciliation::{
    DayClose, DifferenceKind, DifferenceState, Reconciliation, ReconciliationStatus,
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
) -> Result<(), Error> {
    let about = format!("{day} {channel} {} {subject}", kind.as_str());
    let act = Act {
        action: Action::ExplainDifference,
        subject: &about,
        detail: why,
    };
    perform(services, actor, act, &|tx| {
        async move { explain(services, tx, (day, channel), Some((kind, subject)), actor, why).await }.boxed()
    })
    .await
}

/// Closes a day for a reason: its open differences are explained by it, and a pending day is asked for no more.
pub async fn close_day(
    services: &Services,
    actor: &Actor,
    (day, channel): (NaiveDate, Channel),
    why: &str,
) -> Result<(), Error> {
    let about = format!("{day} {channel}");
    let act = Act {
        action: Action::CloseDay,
        subject: &about,
        detail: why,
    };
    perform(services, actor, act, &|tx| {
        async move {
            let now = services.clock.now();
            let row = find(tx, day, channel).await?;
            let close = DayClose {
                at: now,
                by: Some(actor.email.clone()),
                reason: Some(why.to_owned()),
            };
            if row.finished_at.is_none() {
                let closed = Reconciliation {
                    close: Some(close),
                    due_at: None,
                    ..row
                };
                reconciliations::record(tx, &closed, now).await?;
                return Ok(());
            }
            let closed = Reconciliation {
                close: Some(close),
                changed_at: None,
                ..row
            };
            settle(services, tx, closed, None, actor, why, now)
                .await
                .map(drop)
        }
        .boxed()
    })
    .await
}

async fn explain(
    services: &Services,
    tx: &mut Tx<'_>,
    (day, channel): (NaiveDate, Channel),
    which: Option<(DifferenceKind, &str)>,
    actor: &Actor,
    why: &str,
) -> Result<(), Error> {
    let now = services.clock.now();
    let row = find(tx, day, channel).await?;
    settle(services, tx, row, which, actor, why, now).await.map(drop)
}

async fn find(tx: &mut Tx<'_>, day: NaiveDate, channel: Channel) -> Result<Reconciliation, Error> {
    reconciliations::find(tx, day, channel)
        .await?
        .ok_or(Error::NotFound)
}

/// Writes the explanations, and the status that follows from them.
async fn settle(
    services: &Services,
    tx: &mut Tx<'_>,
    row: Reconciliation,
    which: Option<(DifferenceKind, &str)>,
    actor: &Actor,
    why: &str,
    now: Timestamp,
) -> Result<ReconciledDay, Error> {
    let (day, channel) = (row.day, row.channel);
    let known = differences::list(tx, day, channel).await?;
    for difference in explained(&known, which, &actor.email, why) {
        differences::put(tx, (day, channel), &difference, now).await?;
    }
    let all = differences::list(tx, day, channel).await?;
    let is_open = all
        .iter()
        .any(|difference| difference.state == DifferenceState::Open);
    let mut next = row;
    if !is_open && next.finished_at.is_some() {
        next.status = ReconciliationStatus::Matched;
        next.close.get_or_insert(DayClose {
            at: now,
            by: Some(actor.email.clone()),
            reason: Some(why.to_owned()),
        });
    }
    finish(services, tx, next, all, now)
        .await
        .map_err(|error: StoreError| Error::Internal(error))
}
