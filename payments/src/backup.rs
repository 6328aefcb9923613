//! Backups of an SQLite database: what was told about the last one, and what a copy is worth.

use domain::Timestamp;
use futures_util::FutureExt;

use crate::calendar::beijing;
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
use crate::store::backup;
pub use crate::store::backup::{CopyFacts, copy_sqlite, inspect_copy};
use crate::store::incidents;
use crate::{Error, Services};

/// All scheduled backups share one incident.
const SUBJECT: &str = "backup";

/// The order that was created last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewestOrder {
    pub order_no: String,
    pub state: String,
    pub created_at: Timestamp,
}

/// Raises an incident when a scheduled backup has failed, and ends it with the next that succeeds.
pub async fn record_backup(services: &Services, failure: Option<&str>) -> Result<(), Error> {
    let now = services.clock.now();
    let detail = failure.map(|failure| Sentence::BackupFailed.with(&[&beijing(now), &failure]));
    let detail = detail.as_deref();
    services
        .db
        .write(|tx| {
            async move {
                let Some(detail) = detail else {
                    return incidents::settle(tx, IncidentKind::BackupFailed, SUBJECT, now).await;
                };
                let incident = Incident {
                    kind: IncidentKind::BackupFailed,
                    subject: SUBJECT,
                    payment_id: None,
                    detail,
                    recurrence: Recurrence::Opens,
                };
                raise(services, tx, incident).await
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// The order that was created last; `None` in a database without orders.
pub async fn find_newest_order(services: &Services) -> Result<Option<NewestOrder>, Error> {
    let row = services
        .db
        .read_one(|tx| async move { backup::find_newest_order(tx).await }.boxed())
        .await?;
    Ok(row.map(|row| NewestOrder {
        order_no: row.order_no,
        state: row.state,
        created_at: Timestamp::from_millis(row.created_at),
    }))
}
