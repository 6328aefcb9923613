//! Kinds of deliveries: what is sent, what counts as success, and when the next attempt is due.

use std::fmt::Write as _;

use domain::{Timestamp, schedule};
use http::HeaderMap;

use crate::outbound::{Letter, OutboundAnswer, OutboundRequest};
use crate::store::Tx;
use crate::store::deliveries::DeliveryRow;
use crate::{Error, Services, alarm, epay, webhook};

domain::words! {
    /// Kind of a delivery. A new one is added here with the shape of its request and its times.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum DeliveryKind {
        /// An event to a webhook endpoint.
        Webhook => "webhook",
        /// A paid order to a merchant of the epay protocol.
        Epay => "epay",
        /// A message about incidents to a robot or mailbox of operators.
        Alarm => "alarm",
    }
}

/// Next act on a delivery that is due.
#[derive(Debug)]
pub(crate) enum Prepared {
    Send(Box<OutboundRequest>),
    Mail(Box<Letter>),
    /// It waits until its target is enabled.
    Park,
    /// Its target or its subject is gone.
    Gone,
}

/// Next step of a delivery after an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextStep {
    TryAt(Timestamp),
    GiveUp,
}

/// Head of a request as the log of deliveries shows it.
#[derive(Debug)]
pub(crate) struct ShownRequest(pub String);

impl DeliveryKind {
    /// Makes the request of an attempt. It is made anew each time, because it carries the time and its signatures.
    pub(crate) async fn prepare(
        self,
        services: &Services,
        delivery: &DeliveryRow,
    ) -> Result<Prepared, Error> {
        match self {
            DeliveryKind::Webhook => webhook::prepare_request(services, delivery).await,
            DeliveryKind::Epay => epay::prepare_notification(services, delivery).await,
            DeliveryKind::Alarm => alarm::prepare_alarm(services, delivery).await,
        }
    }

    pub(crate) fn is_success(self, delivery: &DeliveryRow, answer: &OutboundAnswer) -> bool {
        match self {
            DeliveryKind::Webhook => answer.status.is_success(),
            DeliveryKind::Epay => epay::is_success(answer),
            DeliveryKind::Alarm => alarm::is_success(delivery, answer),
        }
    }

    /// Tells in a line what is wrong with an answer.
    pub(crate) fn describe_failure(self, delivery: &DeliveryRow, answer: &OutboundAnswer) -> String {
        match self {
            DeliveryKind::Webhook | DeliveryKind::Epay => {
                format!("the answer was {}", answer.status.as_u16())
            }
            DeliveryKind::Alarm => alarm::describe_failure(delivery, answer),
        }
    }

    /// Decides what comes after a failed attempt, the `n_tries`-th since the delivery was put in the queue.
    pub(crate) fn next_step(self, answer: Option<&OutboundAnswer>, n_tries: u32, now: Timestamp) -> NextStep {
        let due_at = match self {
            DeliveryKind::Webhook if answer.is_some_and(webhook::is_gone) => None,
            DeliveryKind::Webhook => schedule::next_webhook_attempt(now, n_tries),
            DeliveryKind::Epay => schedule::next_epay_attempt(now, n_tries),
            DeliveryKind::Alarm => schedule::next_alarm_attempt(now, n_tries),
        };
        due_at.map_or(NextStep::GiveUp, NextStep::TryAt)
    }

    /// Applies the further effects of a success, in the transaction that records it.
    pub(crate) async fn after_success(self, tx: &mut Tx<'_>, delivery: &DeliveryRow) -> Result<(), Error> {
        match self {
            DeliveryKind::Webhook => webhook::note_success(tx, delivery).await,
            DeliveryKind::Epay | DeliveryKind::Alarm => Ok(()),
        }
    }

    /// Applies the further effects of a failure, in the transaction that records it.
    pub(crate) async fn after_failure(
        self,
        services: &Services,
        tx: &mut Tx<'_>,
        delivery: &DeliveryRow,
        failure: &Failure<'_>,
    ) -> Result<(), Error> {
        match self {
            DeliveryKind::Webhook => webhook::note_failure(services, tx, delivery, failure).await,
            DeliveryKind::Epay => epay::note_failure(services, tx, delivery, failure).await,
            DeliveryKind::Alarm => {
                alarm::note_failure(delivery, failure);
                Ok(())
            }
        }
    }
}

/// An attempt that failed.
#[derive(Debug)]
pub(crate) struct Failure<'a> {
    pub answer: Option<&'a OutboundAnswer>,
    pub error: &'a str,
    pub next: NextStep,
}

impl ShownRequest {
    pub(crate) fn of_letter(letter: &Letter) -> ShownRequest {
        let n = letter.envelope.to().len();
        ShownRequest(format!("MAIL {} ({n} recipients)\n", letter.server.name()))
    }

    pub(crate) fn of_request(kind: DeliveryKind, request: &OutboundRequest) -> ShownRequest {
        let url = match kind {
            DeliveryKind::Webhook => request.url.to_string(),
            DeliveryKind::Epay => epay::masked_url(&request.url),
            DeliveryKind::Alarm => alarm::masked_url(&request.url),
        };
        let mut shown = format!("{} {url}\n", request.method);
        write_headers(&mut shown, &request.headers);
        ShownRequest(shown)
    }
}

/// Writes headers one a line, as they are sent.
pub(super) fn write_headers(shown: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        // Writing to a string does not fail.
        let _written = writeln!(shown, "{name}: {value}");
    }
}
