//! Gauges that are read from the database when Prometheus asks: what is due, and what waits for a person.

use std::time::Duration;

use domain::Timestamp;
use futures_util::FutureExt;

use super::Metrics;
use super::labels::{KindLabel, QueueLabel};
use crate::store::incidents::{self, IncidentKind};
use crate::store::{StoreError, overdue};
use crate::{Error, Services};

/// How long the oldest due row of each queue has waited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueAges {
    pub payments: Duration,
    pub refunds: Duration,
    pub orders: Duration,
}

/// Reads the gauges of the whole database; every server of it shows the same.
pub async fn refresh_gauges(services: &Services) -> Result<QueueAges, Error> {
    let now = services.clock.now();
    let (oldest, open) = services
        .db
        .snapshot(|tx| {
            async move {
                let oldest = overdue::find_oldest_due(tx).await?;
                Ok::<_, StoreError>((oldest, incidents::count_open_by_kind(tx).await?))
            }
            .boxed()
        })
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    let age = |due_at: Option<i64>| {
        due_at.map_or(Duration::ZERO, |at| {
            now.duration_since(Timestamp::from_millis(at))
        })
    };
    let ages = QueueAges {
        payments: age(oldest.payments),
        refunds: age(oldest.refunds),
        orders: age(oldest.orders),
    };
    services.metrics.set_ages(ages);
    services.metrics.set_incidents(&open);
    Ok(ages)
}

impl Metrics {
    fn set_ages(&self, ages: QueueAges) {
        let set = |queue, age: Duration| {
            let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
            self.0.overdue.get_or_create(&QueueLabel { queue }).set(seconds);
        };
        set("payments", ages.payments);
        set("refunds", ages.refunds);
        set("orders", ages.orders);
    }

    fn set_incidents(&self, open: &[(IncidentKind, i64)]) {
        for kind in IncidentKind::ALL {
            let n_open = open
                .iter()
                .find(|(found, _)| *found == kind)
                .map_or(0, |(_, n)| *n);
            let label = KindLabel { kind: kind.as_str() };
            self.0.incidents_open.get_or_create(&label).set(n_open);
        }
    }
}
