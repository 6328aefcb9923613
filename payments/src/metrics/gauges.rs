//! Gauges that are read from the database when Prometheus asks: what is due, and what waits for a person.

use std::time::Duration;

use domain::Timestamp;
use futures_util::FutureExt;

use super::Metrics;
use super::labels::{KindLabel, QueueLabel};
use crate::model::incident::IncidentKind;
use crate::store::incidents;
use crate::store::{StoreError, deliveries, overdue, reconciliations};
use crate::{Error, Services};

/// Age of the oldest due row of each queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueAges {
    pub payments: Duration,
    pub refunds: Duration,
    pub orders: Duration,
    /// Events that are not published yet, and deliveries.
    pub webhooks: Duration,
    pub statements: Duration,
}

/// Reads the gauges of the whole database; every server of it shows the same.
pub async fn refresh_gauges(services: &Services) -> Result<QueueAges, Error> {
    let now = services.clock.now();
    let (oldest, open, lanes, n_waiting, statement) = services
        .db
        .snapshot(|tx| {
            async move {
                let oldest = overdue::find_oldest_due(tx).await?;
                let open = incidents::count_open_by_kind(tx).await?;
                let lanes = deliveries::list_lanes(tx).await?;
                let n_waiting = deliveries::count_waiting(tx).await?;
                let statement = reconciliations::oldest_due(tx).await?;
                Ok::<_, StoreError>((oldest, open, lanes, n_waiting, statement))
            }
            .boxed()
        })
        .await?;
    let age = |due_at: Option<i64>| {
        due_at.map_or(Duration::ZERO, |at| {
            now.duration_since(Timestamp::from_millis(at))
        })
    };
    let delivery = lanes.iter().map(|lane| lane.due_at).min();
    let ages = QueueAges {
        payments: age(oldest.payments),
        refunds: age(oldest.refunds),
        orders: age(oldest.orders),
        webhooks: age([oldest.events, delivery].into_iter().flatten().min()),
        statements: age(statement),
    };
    services.metrics.set_ages(ages);
    services.metrics.set_incidents(&open);
    services.metrics.0.webhook_backlog.set(n_waiting);
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
        set("webhooks", ages.webhooks);
        set("statements", ages.statements);
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
