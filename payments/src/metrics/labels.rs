//! Labels of the series and their closed lists of values.

use domain::{Channel, Method, Product};
use prometheus_client::encoding::EncodeLabelSet;

/// Every queue has its series from the start.
pub const QUEUES: [&str; 5] = ["payments", "refunds", "orders", "webhooks", "statements"];

domain::words! {
    /// End of a payment, a refund or an attempt. Only a payment can be cancelled.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Ending {
        Succeeded => "succeeded",
        Failed => "failed",
        Cancelled => "cancelled",
    }
}

impl Ending {
    pub(super) const OF_ATTEMPTS: [Ending; 2] = [Ending::Succeeded, Ending::Failed];
}

domain::words! {
    /// Verdict on a notification of a gateway.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum NotificationVerdict {
        Accepted => "accepted",
        Duplicate => "duplicate",
        NotAuthentic => "not_authentic",
        Malformed => "malformed",
        Failed => "failed",
    }
}

domain::words! {
    /// Outcome of a call to a gateway. `Unknown` is no answer, or none that can be believed.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum CallOutcome {
        Ok => "ok",
        Declined => "declined",
        Unknown => "unknown",
    }
}

domain::words! {
    /// Kinds of requests to a gateway.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum GatewayOperation {
        Create => "create",
        Query => "query",
        Close => "close",
        Refund => "refund",
        RefundQuery => "refund_query",
        Statement => "statement",
        Certificates => "certificates",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PaymentLabels {
    method: &'static str,
    product: &'static str,
    outcome: &'static str,
}

impl PaymentLabels {
    pub fn new(product: Product, ending: Ending) -> PaymentLabels {
        PaymentLabels {
            method: product.method().as_str(),
            product: product.name(),
            outcome: ending.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct MethodLabel {
    method: &'static str,
}

impl MethodLabel {
    pub fn new(method: Method) -> MethodLabel {
        MethodLabel {
            method: method.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RefundLabels {
    method: &'static str,
    outcome: &'static str,
}

impl RefundLabels {
    pub fn new(method: Method, ending: Ending) -> RefundLabels {
        RefundLabels {
            method: method.as_str(),
            outcome: ending.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct GatewayLabels {
    gateway: &'static str,
}

impl GatewayLabels {
    pub fn new(channel: Channel) -> GatewayLabels {
        GatewayLabels {
            gateway: channel.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct NotificationLabels {
    gateway: &'static str,
    verdict: &'static str,
}

impl NotificationLabels {
    pub fn new(channel: Channel, verdict: NotificationVerdict) -> NotificationLabels {
        NotificationLabels {
            gateway: channel.as_str(),
            verdict: verdict.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OperationLabels {
    gateway: &'static str,
    operation: &'static str,
}

impl OperationLabels {
    pub fn new(channel: Channel, operation: GatewayOperation) -> OperationLabels {
        OperationLabels {
            gateway: channel.as_str(),
            operation: operation.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CallLabels {
    gateway: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

impl CallLabels {
    pub fn new(channel: Channel, operation: GatewayOperation, outcome: CallOutcome) -> CallLabels {
        CallLabels {
            gateway: channel.as_str(),
            operation: operation.as_str(),
            outcome: outcome.as_str(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabel {
    pub kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct QueueLabel {
    pub queue: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OutcomeLabel {
    outcome: &'static str,
}

impl OutcomeLabel {
    pub fn new(ending: Ending) -> OutcomeLabel {
        OutcomeLabel {
            outcome: ending.as_str(),
        }
    }
}
