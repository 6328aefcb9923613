//! Starting a payment: record, call, record.

use std::time::Duration;

use domain::{
    Channel, Money, Opening, Order, OrderId, Payment, PaymentId, PaymentNo, PaymentState, Product, Refusal,
    Report, open_payment, schedule,
};
use futures_util::FutureExt;

use crate::expire::end_payment;
use crate::gateway::{Ask, Gateway, GatewayError};
use crate::once::{KeptAnswer, Made, Once, find_answer, keep_answer};
use crate::order::find_by_number;
use crate::settle::{Rule, announce, apply_report, raise, record_report};
use crate::store::incidents::IncidentKind;
use crate::store::{StoreError, orders, payments};
use crate::{Error, Services};

/// Two calls to a slow gateway; a caller that died holds nobody up for longer.
const CALL: Duration = Duration::from_secs(20);
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
const TWIN_LOOKS: u32 = 50;
/// Each round ends one payment that stood in the way; more than this is somebody switching without end.
const MAX_ROUNDS: u32 = 4;

#[derive(Debug, Clone)]
pub struct StartPayment {
    pub order_id: OrderId,
    pub product: Product,
    /// When given, it must be the order's amount.
    pub amount: Option<Money>,
}

/// What was recorded before the call.
enum Recorded {
    Replayed(KeptAnswer),
    CloseFirst(Payment),
    Ready { payment: Payment, is_new: bool },
}

/// Opens a payment at the gateway, or gives back the one that is still open and valid.
pub async fn start_payment(
    services: &Services,
    start: StartPayment,
    once: Option<Once<Payment>>,
) -> Result<Made<Payment>, Error> {
    let method = start.product.method();
    let offered = method
        .channel()
        .and_then(|channel| services.gateways.get(channel).map(|gateway| (channel, gateway)));
    let (channel, gateway) = offered
        .filter(|(_, gateway)| gateway.offers(start.product))
        .ok_or(Error::MethodUnavailable(method))?;
    for _ in 0..MAX_ROUNDS {
        match record(services, &start, gateway, once.as_ref()).await? {
            Recorded::Replayed(answer) => return Ok(Made::Replayed(answer)),
            Recorded::CloseFirst(payment) => end_payment(services, &payment).await?,
            Recorded::Ready { payment, is_new } => {
                if call(services, gateway, channel, &payment).await? == Called::Answered {
                    return finish(services, &payment.id, is_new, once.as_ref()).await;
                }
            }
        }
    }
    Err(Error::Unreachable {
        channel,
        source: GatewayError::unknown("payments of this order keep ending while one is started"),
    })
}

async fn record(
    services: &Services,
    start: &StartPayment,
    gateway: &Gateway,
    once: Option<&Once<Payment>>,
) -> Result<Recorded, Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                if let Some(answer) = find_answer(tx, once).await? {
                    return Ok(Recorded::Replayed(answer));
                }
                let order = orders::find(tx, &start.order_id).await?.ok_or(Error::NotFound)?;
                if start.amount.is_some_and(|amount| amount != order.amount) {
                    return Err(Refusal::AmountMismatch.into());
                }
                let open = payments::open_of_order(tx, &order.id).await?;
                match (open_payment(&order, open.as_ref(), start.product, now)?, open) {
                    (Opening::New, _) => {
                        let payment = draft(services, &order, start.product, gateway);
                        orders::touch(tx, &order).await?;
                        payments::insert(tx, &payment, schedule::next_question(now, 0, false)).await?;
                        Ok(Recorded::Ready {
                            payment,
                            is_new: true,
                        })
                    }
                    (Opening::Reuse(_), Some(open)) => Ok(Recorded::Ready {
                        payment: open,
                        is_new: false,
                    }),
                    (Opening::CloseFirst(_), Some(open)) => Ok(Recorded::CloseFirst(open)),
                    (Opening::Reuse(_) | Opening::CloseFirst(_), None) => {
                        unreachable!("only an open payment can be reused or closed")
                    }
                }
            }
            .boxed()
        })
        .await
}

/// A payment never outlives its order: what is shown as payable is payable.
fn draft(services: &Services, order: &Order, product: Product, gateway: &Gateway) -> Payment {
    let now = services.clock.now();
    let payment_no = PaymentNo::new(now, services.clock.entropy());
    let expires_at = now.after(services.policy.payment_ttl).min(order.expires_at);
    let ask = Ask {
        payment_no: &payment_no,
        product,
        amount: order.amount,
        subject: &order.subject,
        expires_at,
    };
    Payment {
        id: PaymentId::new(now, services.clock.entropy()),
        request: gateway.request(&ask),
        payment_no,
        order_id: order.id.clone(),
        product,
        amount: order.amount,
        state: PaymentState::Created,
        settles: false,
        transaction_id: None,
        prompt: None,
        failure_reason: None,
        refunded: Money::ZERO,
        refunding: Money::ZERO,
        refund_reason: None,
        refunded_at: None,
        expires_at,
        paid_at: None,
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    /// The gateway knows the payment, or it is paid already.
    Answered,
    /// The gateway has closed it: another one is needed.
    Ended,
}

/// Sends the recorded bytes, unless the payer has a code already.
async fn call(
    services: &Services,
    gateway: &Gateway,
    channel: Channel,
    payment: &Payment,
) -> Result<Called, Error> {
    if payment.prompt.is_some() && payment.state == PaymentState::Pending {
        return Ok(Called::Answered);
    }
    // Whoever loses the right to call waits for the answer of the winner, and calls when the winner has given up.
    for _ in 0..TWIN_LOOKS {
        if claim_call(services, payment).await? {
            let called = send(services, gateway, channel, payment).await;
            if called.is_err() {
                release_call(services, payment).await?;
            }
            return called;
        }
        let now = find_by_number(services, &payment.payment_no).await?;
        match now.state {
            PaymentState::Closed | PaymentState::Declined => return Ok(Called::Ended),
            PaymentState::Paid => return Ok(Called::Answered),
            PaymentState::Created | PaymentState::Pending if now.prompt.is_some() => {
                return Ok(Called::Answered);
            }
            PaymentState::Created | PaymentState::Pending => tokio::time::sleep(BETWEEN_LOOKS).await,
        }
    }
    let source = GatewayError::unknown("the same call is still under way");
    Err(Error::Unreachable { channel, source })
}

async fn claim_call(services: &Services, payment: &Payment) -> Result<bool, Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| async move { payments::claim_call(tx, payment, now, now.after(CALL)).await }.boxed())
        .await
        .map_err(Error::Internal)
}

async fn release_call(services: &Services, payment: &Payment) -> Result<(), Error> {
    let release = services
        .db
        .write(|tx| async move { payments::release_call(tx, payment).await }.boxed());
    release.await.map_err(Error::Internal)
}

async fn send(
    services: &Services,
    gateway: &Gateway,
    channel: Channel,
    payment: &Payment,
) -> Result<Called, Error> {
    let mut answer = gateway.create(payment.product, &payment.request).await;
    if matches!(answer, Err(GatewayError::RetrySame { .. })) {
        answer = gateway.create(payment.product, &payment.request).await;
    }
    match answer {
        Ok(prompt) => {
            if keep_prompt(services, payment, &prompt).await? {
                return Ok(Called::Answered);
            }
            // It was ended here while the call was under way: nobody may pay what nobody waits for.
            gateway
                .ensure_closed(&payment.payment_no)
                .await
                .map_err(|source| Error::Unreachable { channel, source })?;
            Ok(Called::Ended)
        }
        // What it says about the trade is a hint; the query brings the proof.
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
            note_refusal(services, payment, &source).await?;
            Err(Error::Declined { channel, source })
        }
        Err(source @ (GatewayError::RetrySame { .. } | GatewayError::Unknown { .. })) => {
            Err(Error::Unreachable { channel, source })
        }
    }
}

/// Records the gateway's word that the payment can be paid; whether it still may be.
async fn keep_prompt(services: &Services, payment: &Payment, prompt: &str) -> Result<bool, Error> {
    let (settlement, state) = services
        .db
        .write(|tx| {
            async move {
                payments::keep_prompt(tx, payment, prompt).await?;
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
    Ok(state.is_open() || state == PaymentState::Paid)
}

/// An authentic refusal ends the payment. One that cannot be verified changes nothing, but a person should see it.
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
        .write(|tx| async move { raise(services, tx, IncidentKind::Refused, payment, words).await }.boxed())
        .await
}

async fn finish(
    services: &Services,
    id: &PaymentId,
    is_new: bool,
    once: Option<&Once<Payment>>,
) -> Result<Made<Payment>, Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                // A twin under the same key may have finished first; it was about the same payment.
                if let Some(answer) = find_answer(tx, once).await? {
                    return Ok(Made::Replayed(answer));
                }
                let payment = payments::find(tx, id)
                    .await?
                    .ok_or(StoreError::Corrupt("payments.id"))?;
                keep_answer(tx, once, &payment, is_new, now).await?;
                Ok(if is_new {
                    Made::New(payment)
                } else {
                    Made::Existing(payment)
                })
            }
            .boxed()
        })
        .await
}
