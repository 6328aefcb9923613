//! Starts a payment: record, call, record.

use std::net::IpAddr;
use std::time::Duration;

use domain::{
    Method, Money, NewPayment, Opening, Order, OrderId, OrderState, Payment, PaymentId, PaymentNo,
    PaymentState, Product, Refusal, Timestamp, open_payment, schedule,
};
use futures_util::FutureExt;

use super::call::{Called, call, call_lease};
use crate::balance::pay_by_balance;
use crate::gateway::{Ask, Gateway, Payer};
use crate::idempotency::{Claim, Idempotency, Keyed, Outcome, claim, keep_answer, write_under_key};
use crate::order::{CONTENDED, MAX_ROUNDS};
use crate::payment::expire::end_payment;
use crate::payment::find_payment;
use crate::store::payments::{CallClaim, facts};
use crate::store::{StoreError, Tx, orders, payments};
use crate::{Error, Services, traces};

/// Rate limit of a checkout link: payments that one order may get within [`ATTEMPT_WINDOW`].
const MAX_ATTEMPTS: i64 = 12;
const ATTEMPT_WINDOW: Duration = Duration::from_hours(1);

/// Caller of [`start_payment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Initiator {
    /// A program with an API key, or the operator.
    Merchant,
    /// A holder of the checkout link: rate-limited, because each payment causes gateway calls.
    Payer,
}

#[derive(Debug, Clone)]
pub struct StartPayment {
    pub order_id: OrderId,
    pub product: Product,
    /// If set, it must be the order's amount.
    pub amount: Option<Money>,
    /// Return address after the gateway's page; by default the caller's page of the order.
    pub return_url: Option<String>,
    pub payer_ip: Option<IpAddr>,
    pub openid: Option<String>,
    pub initiator: Initiator,
}

impl StartPayment {
    /// For a product that needs no payer data.
    pub fn new(order_id: OrderId, product: Product) -> StartPayment {
        StartPayment {
            order_id,
            product,
            amount: None,
            return_url: None,
            payer_ip: None,
            openid: None,
            initiator: Initiator::Merchant,
        }
    }
}

/// Record made before the call.
enum Recorded {
    /// An open payment of another product must be closed first.
    CloseFirst(Payment),
    /// To be called, with its order.
    Ready(Opened, Box<Order>),
    /// Nothing left to do: paid, or closed in favour of a later payment.
    Over(Opened),
}

/// Payment that answers a request.
#[derive(Debug, Clone)]
struct Opened {
    payment: Payment,
    /// Whether this request created it.
    is_new: bool,
    /// Whether the transaction that recorded it has claimed its create call too.
    has_claim: bool,
}

/// State of one request over its rounds.
struct Attempt<'a> {
    start: &'a StartPayment,
    gateway: &'a Gateway,
    idempotency: Option<&'a Idempotency<Payment>>,
    /// Payment that the last round tried to open.
    mine: Option<Claim>,
    /// Payments that existed before anything was closed.
    known: Option<Vec<PaymentId>>,
}

/// Opens a payment at the gateway, or returns the one that is still open and valid.
pub async fn start_payment(
    services: &Services,
    start: StartPayment,
    idempotency: Option<Idempotency<Payment>>,
) -> Result<Outcome<Payment>, Error> {
    let method = start.product.method();
    if method == Method::Balance {
        return pay_by_balance(services, &start, idempotency).await;
    }
    let offered = method
        .channel()
        .and_then(|channel| services.gateways.get(channel).map(|gateway| (channel, gateway)));
    let (channel, gateway) = offered
        .filter(|(_, gateway)| gateway.offers(start.product))
        .ok_or(Error::MethodUnavailable(method))?;
    check_payer(&start)?;
    let mut attempt = Attempt {
        start: &start,
        gateway,
        idempotency: idempotency.as_ref(),
        mine: None,
        known: None,
    };
    for _ in 0..MAX_ROUNDS {
        let recorded = match record_attempt(services, &attempt).await? {
            Keyed::Replayed(answer) => return Ok(Outcome::Replayed(answer)),
            Keyed::Ran(recorded) => recorded,
        };
        if let Recorded::Ready(opened, _) | Recorded::Over(opened) = &recorded {
            traces::open_payment(&opened.payment.payment_no);
        }
        match recorded {
            Recorded::CloseFirst(payment) => {
                if attempt.known.is_none() {
                    attempt.known = Some(list_payment_ids(services, &start.order_id).await?);
                }
                end_payment(services, &payment).await?;
            }
            Recorded::Ready(opened, order) => {
                let claim = opened.has_claim.then_some(CallClaim::First);
                match call(services, gateway, channel, (&opened.payment, &order), claim).await? {
                    Called::Opened(payment) if attempt.idempotency.is_none() => {
                        return Ok(Outcome::of(*payment, opened.is_new));
                    }
                    Called::Opened(_) | Called::Answered => {
                        return finish_start(services, opened, attempt.idempotency).await;
                    }
                    Called::Ended => attempt.mine = Some(opened.claim()),
                }
            }
            Recorded::Over(opened) => return finish_start(services, opened, attempt.idempotency).await,
        }
    }
    Err(Error::RateLimited { wait: CONTENDED })
}

impl Opened {
    fn claim(&self) -> Claim {
        Claim {
            effect: Some(self.payment.id.to_string()),
            is_new: self.is_new,
        }
    }
}

async fn list_payment_ids(services: &Services, order_id: &OrderId) -> Result<Vec<PaymentId>, Error> {
    let payments = services
        .db
        .read_one(|tx| async move { payments::of_order(tx, order_id).await }.boxed())
        .await?;
    Ok(payments.into_iter().map(|payment| payment.id).collect())
}

/// Renews the prompt of an open payment when it expires too soon, and returns the payment. The recorded bytes are sent
/// again, so no payer data is needed a second time.
pub async fn renew_prompt(services: &Services, id: &PaymentId) -> Result<Payment, Error> {
    let (payment, order) = find_payment(services, id).await?;
    if !payment.state.is_open() || payment.expires_at <= services.clock.now() {
        return Ok(payment);
    }
    let method = payment.method();
    let channel = method.channel().ok_or(Error::MethodUnavailable(method))?;
    let gateway = services
        .gateways
        .get(channel)
        .ok_or(Error::MethodUnavailable(method))?;
    call(services, gateway, channel, (&payment, &order), None).await?;
    find_payment(services, id).await.map(|(payment, _)| payment)
}

/// Requires a product's payer data before anything is written: the gateway would refuse the call, or, worse, accept an
/// order that cannot be paid.
fn check_payer(start: &StartPayment) -> Result<(), Error> {
    match start.product {
        Product::H5 if start.payer_ip.is_none() => Err(Error::Invalid {
            field: "payerIp",
            message: "must be the address of the payer's phone: WeChat Pay compares it",
        }),
        product if product.names_payer() && !start.openid.as_deref().is_some_and(is_openid) => {
            Err(Error::Invalid {
                field: "openid",
                message: "must be the wallet's name for the payer in this app, 1 to 128 visible ASCII characters",
            })
        }
        _ => Ok(()),
    }
}

fn is_openid(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

async fn record_attempt(services: &Services, attempt: &Attempt<'_>) -> Result<Keyed<Recorded>, Error> {
    write_under_key(services, attempt.idempotency, &|tx, claimed| {
        record_in(services, tx, attempt, claimed).boxed()
    })
    .await
}

async fn record_in(
    services: &Services,
    tx: &mut Tx<'_>,
    attempt: &Attempt<'_>,
    claimed: Option<Claim>,
) -> Result<Recorded, Error> {
    let now = services.clock.now();
    let Attempt {
        start, idempotency, ..
    } = *attempt;
    let (order, open) = facts::find_order_with_open(tx, &start.order_id)
        .await?
        .ok_or(Error::NotFound)?;
    if start.amount.is_some_and(|amount| amount != order.amount) {
        return Err(Refusal::AmountMismatch.into());
    }
    let mine = claimed.as_ref().filter(|claim| claim.effect.is_some());
    if let Some(recorded) = find_mine(tx, mine.or(attempt.mine.as_ref()), &order, open.as_ref(), now).await? {
        return Ok(recorded);
    }
    let opening = match open_payment(&order, open.as_ref(), start.product, now)? {
        // Only the payer that it names can open it.
        Opening::Reuse(id)
            if start.initiator == Initiator::Payer && !is_for_payer(attempt, open.as_ref()) =>
        {
            Opening::CloseFirst(id)
        }
        opening => opening,
    };
    if start.initiator == Initiator::Payer && !matches!(opening, Opening::Reuse(_)) {
        check_attempts(tx, &order.id, now).await?;
    }
    let opened = match (opening, open) {
        (Opening::New, _) => {
            let payment = draft_payment(services, &order, start, attempt.gateway);
            // Its create call is claimed with it, by the only caller that knows of it.
            let due_at = schedule::next_question(now, 0, false);
            let insert = payments::insert(&payment, due_at, Some(call_lease(services)));
            tx.run_batch([orders::bump_version(&order), insert]).await?;
            Opened {
                payment,
                is_new: true,
                has_claim: true,
            }
        }
        // The recorded request counts, whatever this call asks: the gateway knows the payment by the bytes that were sent.
        (Opening::Reuse(_), Some(open)) => Opened {
            payment: open,
            is_new: false,
            has_claim: false,
        },
        (Opening::CloseFirst(_), Some(open)) => {
            if let Some(overtaken) = find_overtaken(tx, attempt, &order.id).await? {
                return Ok(Recorded::Over(overtaken));
            }
            if claimed.is_none() {
                claim(tx, idempotency, None, &Claim::MAKING_ROOM, now).await?;
            }
            return Ok(Recorded::CloseFirst(open));
        }
        (Opening::Reuse(_) | Opening::CloseFirst(_), None) => {
            unreachable!("only an open payment can be reused or closed")
        }
    };
    claim(tx, idempotency, claimed.as_ref(), &opened.claim(), now).await?;
    Ok(Recorded::Ready(opened, Box::new(order)))
}

fn is_for_payer(attempt: &Attempt<'_>, open: Option<&Payment>) -> bool {
    let openid = attempt.start.openid.as_deref();
    open.is_none_or(|open| attempt.gateway.is_for_payer(open.product, &open.request, openid))
}

/// Refuses another payment when the order had too many recently; then nothing was written.
async fn check_attempts(tx: &mut Tx<'_>, order_id: &OrderId, now: Timestamp) -> Result<(), Error> {
    let (n_attempts, oldest) = payments::count_since(tx, order_id, now - ATTEMPT_WINDOW).await?;
    match oldest {
        Some(oldest) if n_attempts >= MAX_ATTEMPTS => Err(Error::RateLimited {
            wait: (oldest + ATTEMPT_WINDOW).duration_since(now),
        }),
        _ => Ok(()),
    }
}

/// Finds the payment that this request has opened before, in an earlier round or in an earlier call under its key. `None`:
/// there is none, or it has ended and another may be opened.
async fn find_mine(
    tx: &mut Tx<'_>,
    mine: Option<&Claim>,
    order: &Order,
    open: Option<&Payment>,
    now: Timestamp,
) -> Result<Option<Recorded>, Error> {
    let Some(claim) = mine else { return Ok(None) };
    let id = claim.effect.as_deref().and_then(PaymentId::parse);
    let id = id.ok_or(StoreError::Corrupt("idempotency_keys.effect"))?;
    let payment = payments::find(tx, &id)
        .await?
        .ok_or(StoreError::Corrupt("idempotency_keys.effect"))?;
    let opened = Opened {
        payment,
        is_new: claim.is_new,
        has_claim: false,
    };
    let is_payable = order.state == OrderState::Open && now < order.expires_at;
    Ok(match opened.payment.state {
        PaymentState::Paid => Some(Recorded::Over(opened)),
        PaymentState::Created | PaymentState::Pending if is_payable && now < opened.payment.expires_at => {
            Some(Recorded::Ready(opened, Box::new(order.clone())))
        }
        // Another request chose another method later.
        PaymentState::Closed if is_payable && open.is_some() => Some(Recorded::Over(opened)),
        PaymentState::Created | PaymentState::Pending | PaymentState::Closed | PaymentState::Declined => None,
    })
}

/// Finds a payment of the same product that concurrent requests opened and closed while this request closed others: it is
/// answered as if it had come just before that close, and closes nothing more.
async fn find_overtaken(
    tx: &mut Tx<'_>,
    attempt: &Attempt<'_>,
    order_id: &OrderId,
) -> Result<Option<Opened>, Error> {
    let Some(known) = &attempt.known else {
        return Ok(None);
    };
    let payments = payments::of_order(tx, order_id).await?;
    let overtaken = payments.into_iter().find(|payment| {
        payment.product == attempt.start.product
            && payment.state == PaymentState::Closed
            && !known.contains(&payment.id)
    });
    Ok(overtaken.map(|payment| Opened {
        payment,
        is_new: false,
        has_claim: false,
    }))
}

/// Makes a payment of an order. It never outlives its order, so that a payment shown as payable is payable.
pub(crate) fn new_payment(
    services: &Services,
    order: &Order,
    start: &StartPayment,
    now: Timestamp,
) -> Payment {
    let new = NewPayment {
        payment_no: PaymentNo::new(now, services.clock.entropy()),
        id: PaymentId::new(now, services.clock.entropy()),
        order_id: order.id.clone(),
        product: start.product,
        amount: order.amount,
        expires_at: (now + services.policy.payment_ttl).min(order.expires_at),
        created_at: now,
    };
    Payment {
        return_url: start.return_url.clone(),
        ..Payment::new(new)
    }
}

fn draft_payment(services: &Services, order: &Order, start: &StartPayment, gateway: &Gateway) -> Payment {
    let new = new_payment(services, order, start, services.clock.now());
    let ask = Ask {
        payment_no: &new.payment_no,
        product: new.product,
        amount: new.amount,
        subject: &order.subject,
        expires_at: new.expires_at,
        return_url: new.return_url.as_deref(),
        payer: Payer {
            ip: start.payer_ip,
            openid: start.openid.as_deref(),
        },
    };
    Payment {
        request: gateway.request(&ask),
        account: Some(gateway.account().to_owned()),
        ..new
    }
}

/// Answers with the current state of the payment.
async fn finish_start(
    services: &Services,
    opened: Opened,
    idempotency: Option<&Idempotency<Payment>>,
) -> Result<Outcome<Payment>, Error> {
    let (id, is_new) = (&opened.payment.id, opened.is_new);
    if idempotency.is_none() {
        let (payment, _) = find_payment(services, id).await?;
        return Ok(Outcome::of(payment, is_new));
    }
    let now = services.clock.now();
    let keyed = write_under_key(services, idempotency, &|tx, _| {
        async move {
            let payment = payments::find(tx, id)
                .await?
                .ok_or(StoreError::Corrupt("payments.id"))?;
            keep_answer(tx, idempotency, &payment, is_new, now).await?;
            Ok(payment)
        }
        .boxed()
    })
    .await?;
    Ok(match keyed {
        Keyed::Ran(payment) => Outcome::of(payment, is_new),
        // A concurrent request under the same key has finished first; it was about the same payment.
        Keyed::Replayed(answer) => Outcome::Replayed(answer),
    })
}
