//! Reconciliation for a person: asking now, or with a file that was fetched by hand.

use chrono::NaiveDate;
use domain::Channel;

use super::{Act, Action, Actor, note_act};
use crate::reconciliation::{ReconciledDay, StatementSource, reconcile_day, subject_of};
use crate::{Error, Services};

/// Reconciles a day now. The audit entry is written first: the run may take a while, and may end without a result.
pub async fn reconcile_now(
    services: &Services,
    actor: &Actor,
    (day, channel): (NaiveDate, Channel),
    source: StatementSource,
) -> Result<ReconciledDay, Error> {
    let subject = subject_of(day, channel);
    let detail = match &source {
        StatementSource::Gateway => "statements of the gateway".to_owned(),
        StatementSource::File(file) => format!("a file of {} bytes", file.len()),
    };
    let act = Act {
        action: Action::ReconcileDay,
        subject: &subject,
        detail: &detail,
    };
    note_act(services, actor, act).await?;
    reconcile_day(services, day, channel, source).await
}
