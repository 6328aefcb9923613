//! Incidents: what needs a person. There is one for each kind and subject, however often it is reported. It is raised in the
//! transaction of the change that it tells of, and logged after the commit.

use domain::{IncidentId, Payment, PaymentId};

use crate::Services;
use crate::model::incident::IncidentKind;
use crate::store::{StoreError, Tx, incidents};

/// Incident that is reported.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incident<'a> {
    pub kind: IncidentKind,
    pub subject: &'a str,
    pub payment_id: Option<&'a PaymentId>,
    pub detail: &'a str,
    pub recurrence: Recurrence,
}

/// Effect of a report on an incident that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recurrence {
    /// It stays over: the same report can come again.
    Ignored,
    /// It opens again, unless a person resolved it.
    OpensUnlessResolved,
    /// It opens again.
    Opens,
}

impl<'a> Incident<'a> {
    /// Incident about one payment, whose reports repeat.
    pub(crate) fn of_payment(kind: IncidentKind, payment: &'a Payment, detail: &'a str) -> Incident<'a> {
        Incident {
            kind,
            subject: payment.id.as_str(),
            payment_id: Some(&payment.id),
            detail,
            recurrence: Recurrence::Ignored,
        }
    }
}

/// Opens an incident, or opens it again. One that is open stays as it is.
pub(crate) async fn raise(
    services: &Services,
    tx: &mut Tx<'_>,
    incident: Incident<'_>,
) -> Result<(), StoreError> {
    let Incident {
        kind,
        subject,
        payment_id,
        detail,
        recurrence,
    } = incident;
    let now = services.clock.now();
    let id = IncidentId::new(now, services.clock.entropy());
    let is_new = incidents::insert(tx, &id, kind, subject, payment_id, detail, now).await?;
    let is_opened = is_new
        || match recurrence {
            Recurrence::Ignored => false,
            Recurrence::OpensUnlessResolved => {
                incidents::reopen_settled(tx, kind, subject, detail, now).await?
            }
            Recurrence::Opens => incidents::reopen(tx, kind, subject, detail, now).await?,
        };
    if is_opened {
        let (subject, detail) = (subject.to_owned(), detail.to_owned());
        tx.after_commit(move || {
            tracing::warn!(incident = kind.as_str(), "{subject} needs attention: {detail}");
        });
    }
    Ok(())
}
