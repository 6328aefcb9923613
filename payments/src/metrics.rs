//! Counters and gauges of payments, refunds, notifications and gateway calls, as Prometheus reads them.
//!
//! A count is taken once, after the commit that makes its fact final. Series whose labels are fixed exist from the start with
//! 0, so that a rate over them is known before their first event.

mod gauges;
mod labels;

use std::sync::Arc;
use std::time::Duration;

use domain::{Channel, Method, Product};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

pub use self::gauges::{QueueAges, refresh_gauges};
use self::labels::{
    CallLabels, GatewayLabels, KindLabel, MethodLabel, NotificationLabels, OperationLabels, OutcomeLabel,
    PaymentLabels, QUEUES, QueueLabel, RefundLabels,
};
pub use self::labels::{CallOutcome, Ending, GatewayOperation, NotificationVerdict};
use crate::model::incident::IncidentKind;

/// Upper ends of the buckets, in milliseconds. Many payers need less than half a minute, and a payment lives a quarter of an
/// hour.
const PAYMENT_BUCKETS: [u64; 11] = [
    5_000, 10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
];
/// Gateways resend a notification after 15 s to hours.
const DELAY_BUCKETS: [u64; 9] = [
    1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 1_800_000, 3_600_000,
];
/// A call is given up after 8 s, a file after 120 s.
const CALL_BUCKETS: [u64; 9] = [50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 120_000];

/// All series of the core; clones share them.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Series>);

#[derive(Debug)]
struct Series {
    payments: Family<PaymentLabels, Counter>,
    payment_duration: Family<MethodLabel, Histogram>,
    refunds: Family<RefundLabels, Counter>,
    notifications: Family<NotificationLabels, Counter>,
    notification_delay: Family<GatewayLabels, Histogram>,
    gateway_requests: Family<CallLabels, Counter>,
    gateway_duration: Family<OperationLabels, Histogram>,
    incidents_open: Family<KindLabel, Gauge>,
    overdue: Family<QueueLabel, Gauge>,
    deliveries: Family<OutcomeLabel, Counter>,
    webhook_backlog: Gauge,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let metrics = Metrics(Arc::new(Series {
            payments: Family::default(),
            payment_duration: Family::new_with_constructor(|| new_histogram(&PAYMENT_BUCKETS)),
            refunds: Family::default(),
            notifications: Family::default(),
            notification_delay: Family::new_with_constructor(|| new_histogram(&DELAY_BUCKETS)),
            gateway_requests: Family::default(),
            gateway_duration: Family::new_with_constructor(|| new_histogram(&CALL_BUCKETS)),
            incidents_open: Family::default(),
            overdue: Family::default(),
            deliveries: Family::default(),
            webhook_backlog: Gauge::default(),
        }));
        metrics.begin_series();
        metrics
    }
}

fn new_histogram(ends: &[u64]) -> Histogram {
    Histogram::new(ends.iter().map(|end| Duration::from_millis(*end).as_secs_f64()))
}

impl Metrics {
    /// Makes every series whose labels are fixed.
    fn begin_series(&self) {
        let series = &*self.0;
        for product in Product::ALL {
            for ending in Ending::ALL {
                drop(
                    series
                        .payments
                        .get_or_create(&PaymentLabels::new(product, ending)),
                );
            }
        }
        for method in Method::ALL {
            drop(series.payment_duration.get_or_create(&MethodLabel::new(method)));
            for ending in Ending::OF_ATTEMPTS {
                drop(series.refunds.get_or_create(&RefundLabels::new(method, ending)));
            }
        }
        for channel in Channel::ALL {
            drop(
                series
                    .notification_delay
                    .get_or_create(&GatewayLabels::new(channel)),
            );
            for verdict in NotificationVerdict::ALL {
                drop(
                    series
                        .notifications
                        .get_or_create(&NotificationLabels::new(channel, verdict)),
                );
            }
            for operation in GatewayOperation::ALL {
                drop(
                    series
                        .gateway_duration
                        .get_or_create(&OperationLabels::new(channel, operation)),
                );
                for outcome in CallOutcome::ALL {
                    drop(
                        series
                            .gateway_requests
                            .get_or_create(&CallLabels::new(channel, operation, outcome)),
                    );
                }
            }
        }
        for kind in IncidentKind::ALL {
            drop(
                series
                    .incidents_open
                    .get_or_create(&KindLabel { kind: kind.as_str() }),
            );
        }
        for queue in QUEUES {
            drop(series.overdue.get_or_create(&QueueLabel { queue }));
        }
        for ending in Ending::OF_ATTEMPTS {
            drop(series.deliveries.get_or_create(&OutcomeLabel::new(ending)));
        }
    }

    /// Puts every series into a registry, whose prefix is `tongqian`.
    pub fn register(&self, registry: &mut Registry) {
        let series = &*self.0;
        registry.register("payments", "Payments that have ended", series.payments.clone());
        registry.register(
            "payment_duration_seconds",
            "Time from the creation of a payment to its success",
            series.payment_duration.clone(),
        );
        registry.register("refunds", "Refunds that have ended", series.refunds.clone());
        registry.register(
            "notifications",
            "Notifications of the gateways",
            series.notifications.clone(),
        );
        registry.register(
            "notification_delay_seconds",
            "Time from a payment at the gateway to the arrival of its notification",
            series.notification_delay.clone(),
        );
        registry.register(
            "gateway_requests",
            "Requests to the gateways",
            series.gateway_requests.clone(),
        );
        registry.register(
            "gateway_request_duration_seconds",
            "Time from a request to a gateway to its answer",
            series.gateway_duration.clone(),
        );
        registry.register(
            "incidents_open",
            "Incidents that nobody has resolved",
            series.incidents_open.clone(),
        );
        registry.register(
            "overdue_seconds",
            "Age of the oldest due row",
            series.overdue.clone(),
        );
        registry.register(
            "webhook_deliveries",
            "Attempts to deliver an event to a webhook endpoint",
            series.deliveries.clone(),
        );
        registry.register(
            "webhook_backlog",
            "Deliveries that wait for an attempt",
            series.webhook_backlog.clone(),
        );
    }

    pub(crate) fn count_payment(&self, product: Product, ending: Ending) {
        self.0
            .payments
            .get_or_create(&PaymentLabels::new(product, ending))
            .inc();
    }

    pub(crate) fn observe_payment(&self, method: Method, took: Duration) {
        self.0
            .payment_duration
            .get_or_create(&MethodLabel::new(method))
            .observe(took.as_secs_f64());
    }

    pub(crate) fn count_refund(&self, method: Method, ending: Ending) {
        self.0
            .refunds
            .get_or_create(&RefundLabels::new(method, ending))
            .inc();
    }

    /// Counts a notification that arrived; the HTTP layer counts those whose body it could not read.
    pub fn count_notification(&self, channel: Channel, verdict: NotificationVerdict) {
        self.0
            .notifications
            .get_or_create(&NotificationLabels::new(channel, verdict))
            .inc();
    }

    pub(crate) fn observe_notification_delay(&self, channel: Channel, delay: Duration) {
        self.0
            .notification_delay
            .get_or_create(&GatewayLabels::new(channel))
            .observe(delay.as_secs_f64());
    }

    pub(crate) fn count_gateway_call(
        &self,
        channel: Channel,
        operation: GatewayOperation,
        outcome: CallOutcome,
        took: Duration,
    ) {
        let series = &*self.0;
        series
            .gateway_requests
            .get_or_create(&CallLabels::new(channel, operation, outcome))
            .inc();
        series
            .gateway_duration
            .get_or_create(&OperationLabels::new(channel, operation))
            .observe(took.as_secs_f64());
    }

    /// Counts one attempt to deliver an event to a webhook endpoint.
    pub fn count_delivery(&self, ending: Ending) {
        self.0.deliveries.get_or_create(&OutcomeLabel::new(ending)).inc();
    }
}
