//! Create call: the recorded bytes are sent, and sent again when their prompt is about to expire.

use std::time::Duration;

use domain::{Channel, Order, Payment, PaymentState, Product, Report, Settlement, Timestamp};
use futures_util::FutureExt;

use crate::gateway::{Creation, Gateway, GatewayError};
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::payment::find_by_number;
use crate::payment::repeated::find_taken;
use crate::payment::settle::{Rule, announce, apply_report, record_report};
use crate::store::payments::{self, CallClaim};
use crate::store::servers::Lease;
use crate::store::{FirstRun, StoreError};
use crate::{Error, Services};

/// Two calls to a slow gateway; a caller that died blocks others no longer than this.
const CALL: Duration = Duration::from_secs(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
const TWIN_LOOKS: u32 = 50;

#[derive(Debug)]
pub(super) enum Called {
    /// The gateway has taken the payment, which is as follows now.
    Opened(Box<Payment>),
    /// The gateway knows the payment, or it is paid already.
    Answered,
    /// The gateway has closed it: another one is needed.
    Ended,
}

/// Sends the recorded bytes, unless the payer has a prompt that stays valid long enough.
///
/// A renewed prompt is requested with the same bytes, deadline included: others would be another order to the gateway
/// (T-43). `claim` is a claim on the call that the caller has made already.
pub(super) async fn call(
    services: &Services,
    gateway: &Gateway,
    channel: Channel,
    (payment, order): (&Payment, &Order),
    claim: Option<CallClaim>,
) -> Result<Called, Error> {
    let called = try_to_call(services, gateway, channel, (payment, order), claim).await;
    if called.is_err() && claim.is_some() {
        release_call(services, payment).await?;
    }
    called
}

async fn try_to_call(
    services: &Services,
    gateway: &Gateway,
    channel: Channel,
    (payment, order): (&Payment, &Order),
    claim: Option<CallClaim>,
) -> Result<Called, Error> {
    // An open payment of another merchant account is left alone: its code pays there.
    let own = services.gateways.require(payment);
    own.map_err(|source| Error::Unreachable { channel, source })?;
    if payment.state == PaymentState::Pending && payment.has_fresh_prompt(services.clock.now()) {
        return Ok(Called::Answered);
    }
    // A payer waits here: a gateway that is known not to answer is not called.
    if let Err(source) = services.gateways.require_answering_creates(payment) {
        services.wake.ring_for_questions();
        return Err(Error::Unreachable { channel, source });
    }
    if let Some(claim) = claim {
        return send_create_call(services, gateway, channel, (payment, order), claim).await;
    }
    // A caller that loses the claim waits for the winner's answer, and calls when the winner has given up.
    for _ in 0..TWIN_LOOKS {
        let claim = claim_call(services, payment).await?;
        if claim != CallClaim::Refused {
            let called = send_create_call(services, gateway, channel, (payment, order), claim).await;
            if called.is_err() {
                release_call(services, payment).await?;
            }
            return called;
        }
        let now = find_by_number(services, &payment.payment_no).await?;
        match now.state {
            PaymentState::Closed => return Ok(Called::Ended),
            PaymentState::Declined => return Err(declined_error(channel, &now)),
            PaymentState::Paid => return Ok(Called::Answered),
            PaymentState::Created | PaymentState::Pending if now.has_fresh_prompt(services.clock.now()) => {
                return Ok(Called::Answered);
            }
            PaymentState::Created | PaymentState::Pending => services.clock.sleep(BETWEEN_LOOKS).await,
        }
    }
    let source = GatewayError::unknown("the same call is still under way");
    Err(Error::Unreachable { channel, source })
}

/// Refusal that a concurrent caller has received and recorded.
fn declined_error(channel: Channel, payment: &Payment) -> Error {
    let source = GatewayError::Declined {
        code: "DECLINED".to_owned(),
        message: payment.failure_reason.clone().unwrap_or_default(),
        is_authentic: true,
    };
    Error::Declined { channel, source }
}

/// Lease of a create call, from now on.
pub(super) fn call_lease(services: &Services) -> Lease<'_> {
    services.lease(lease!(CALL))
}

async fn claim_call(services: &Services, payment: &Payment) -> Result<CallClaim, Error> {
    let lease = call_lease(services);
    let now = lease.now;
    // A prompt made by then expires within the margin.
    let stale_since = payment
        .product
        .prompt_lifetime()
        .map(|lifetime| (now + Product::PROMPT_MARGIN) - lifetime);
    services
        .db
        .write_one(|tx| async move { payments::claim_call(tx, payment, lease, stale_since).await }.boxed())
        .await
        .map_err(Error::Internal)
}

async fn release_call(services: &Services, payment: &Payment) -> Result<(), Error> {
    let release = services
        .db
        .write_one(|tx| async move { payments::release_call(tx, payment).await }.boxed());
    release.await.map_err(Error::Internal)
}

async fn send_create_call(
    services: &Services,
    gateway: &Gateway,
    channel: Channel,
    (payment, order): (&Payment, &Order),
    claim: CallClaim,
) -> Result<Called, Error> {
    let creation = Creation {
        payment_no: &payment.payment_no,
        product: payment.product,
        request: &payment.request,
        return_url: payment.return_url.as_deref(),
    };
    // The validity of a prompt is counted from before the call: the gateway's own count starts later.
    let asked_at = services.clock.now();
    let mut answer = gateway.create(&creation).await;
    let mut is_repeated = claim == CallClaim::Repeated;
    if matches!(answer, Err(GatewayError::RetrySame { .. })) {
        answer = gateway.create(&creation).await;
        is_repeated = true;
    }
    match answer {
        Ok(prompt) => {
            if let Some(opened) = open_payment(services, payment, order, &prompt, asked_at).await? {
                return Ok(Called::Opened(Box::new(opened)));
            }
            if keep_prompt(services, payment, &prompt, asked_at).await? {
                return Ok(Called::Answered);
            }
            // It was ended here while the call was in progress, so it is closed at the gateway too.
            gateway
                .ensure_closed(&payment.payment_no)
                .await
                .map_err(|source| Error::Unreachable { channel, source })?;
            Ok(Called::Ended)
        }
        // A hint about the trade; the query brings the proof.
        Err(GatewayError::AlreadyPaid | GatewayError::AlreadyClosed) => {
            let report = gateway
                .query(&payment.payment_no)
                .await
                .map_err(|source| Error::Unreachable { channel, source })?;
            record_report(services, payment, &report, Rule::Settle).await?;
            match report {
                Report::Paid(_) => Ok(Called::Answered),
                _ => Ok(Called::Ended),
            }
        }
        Err(source @ GatewayError::Declined { .. }) => {
            if is_repeated && let Some(state) = find_taken(services, gateway, payment).await? {
                return Ok(match state {
                    PaymentState::Closed | PaymentState::Declined => Called::Ended,
                    PaymentState::Paid | PaymentState::Created | PaymentState::Pending => Called::Answered,
                });
            }
            note_refusal(services, payment, &source).await?;
            if source.is_not_permitted() {
                note_not_permitted(services, payment.product, &source).await?;
            }
            Err(Error::Declined { channel, source })
        }
        Err(source @ (GatewayError::RetrySame { .. } | GatewayError::Unknown { .. })) => {
            Err(Error::Unreachable { channel, source })
        }
    }
}

/// Records that the gateway has taken a new payment, with its prompt. `None`: it has changed since the call.
async fn open_payment(
    services: &Services,
    payment: &Payment,
    order: &Order,
    prompt: &str,
    asked_at: Timestamp,
) -> Result<Option<Payment>, Error> {
    if payment.state != PaymentState::Created {
        return Ok(None);
    }
    let opened = &Payment {
        state: PaymentState::Pending,
        prompt: Some(prompt.to_owned()),
        prompted_at: Some(asked_at),
        updated_at: services.clock.now(),
        version: payment.version + 1,
        ..payment.clone()
    };
    // A second run has lost the race to a notification, a query or a close, which the caller looks at.
    let first_run = &FirstRun::new(Some(()));
    let is_opened = services
        .db
        .write(|tx| {
            async move {
                if first_run.take().is_none() && !payments::is_unchanged(tx, payment).await? {
                    return Ok(false);
                }
                let open = payments::open(tx, payment, opened, order);
                tx.run_batch([open]).await?;
                Ok::<_, StoreError>(true)
            }
            .boxed()
        })
        .await?;
    if !is_opened {
        return Ok(None);
    }
    tracing::info!(payment.id = %payment.id, order.id = %payment.order_id, "payment {} settled as {:?}", payment.id, Settlement::Acknowledged);
    announce(services, payment, Settlement::Acknowledged);
    Ok(Some(opened.clone()))
}

/// Stores the prompt; returns whether the payment may still be paid.
async fn keep_prompt(
    services: &Services,
    payment: &Payment,
    prompt: &str,
    asked_at: Timestamp,
) -> Result<bool, Error> {
    let (settlement, state) = services
        .db
        .write(|tx| {
            async move {
                payments::keep_prompt(tx, payment, prompt, asked_at).await?;
                let number = &payment.payment_no;
                let settlement = apply_report(services, tx, number, &Report::Unpaid, Rule::Settle).await?;
                let (now, _) = payments::find_by_number(tx, number)
                    .await?
                    .ok_or(Error::NotFound)?;
                Ok::<_, Error>((settlement, now.state))
            }
            .boxed()
        })
        .await?;
    announce(services, payment, settlement);
    // A renewed prompt changes no state, but open pages must get it: the old one has expired.
    services.watchers.changed(&payment.order_id);
    Ok(state.is_open() || state == PaymentState::Paid)
}

/// An authentic refusal ends the payment. One that cannot be verified only raises an incident.
async fn note_refusal(services: &Services, payment: &Payment, refusal: &GatewayError) -> Result<(), Error> {
    let words = &refusal.to_string();
    if matches!(
        refusal,
        GatewayError::Declined {
            is_authentic: true,
            ..
        }
    ) {
        return record_report(services, payment, &Report::Declined(words.clone()), Rule::Settle)
            .await
            .map(drop);
    }
    services
        .db
        .write(|tx| {
            let incident = Incident::of_payment(IncidentKind::Refused, payment, words);
            async move { raise(services, tx, incident).await }.boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Records that the gateway does not permit a product: one incident for each product, opened again when a person resolved it
/// and the gateway still refuses.
async fn note_not_permitted(
    services: &Services,
    product: Product,
    refusal: &GatewayError,
) -> Result<(), Error> {
    let channel = product.method().channel();
    if let Some(gateway) = channel.and_then(|channel| services.gateways.get(channel)) {
        gateway.health().refused(product, services.clock.now());
    }
    let detail = &format!("{}: {refusal}", product.as_str());
    services
        .db
        .write(|tx| {
            let incident = Incident {
                kind: IncidentKind::ProductNotPermitted,
                subject: product.as_str(),
                payment_id: None,
                detail,
                recurrence: Recurrence::Opens,
            };
            async move { raise(services, tx, incident).await }.boxed()
        })
        .await
        .map_err(Error::Internal)
}
