//! Requests refunds: decided and written at once, executed by the job.

use domain::refund::{authorise, check_limits as check_gateway_limits, left};
use domain::{
    Channel, Money, OrderId, Payment, PaymentId, PaymentState, Refund, RefundNo, RefundRefusal, RefundReport,
    Timestamp, schedule,
};
use futures_util::FutureExt;

use super::{Draft, announce_refund, apply_refund_report, claimed, write_refund};
use crate::calendar::midnight_before;
use crate::idempotency::{Idempotency, Keyed, Outcome, keep_answer, read_under_key, write_under_key};
use crate::ledger::require_funds;
use crate::requester::check_limits;
use crate::store::payments::facts::{self, RefundFacts};
use crate::store::{FirstRun, Tx, payments, refunds};
use crate::validate::{invalid, is_line};
use crate::{Error, Requester, Services};

/// Maximum characters of a reason. Alipay shows up to 256 bytes of it, WeChat eighty.
const MOST_REASON: usize = 256;

/// Refund as requested by a merchant.
#[derive(Debug, Clone)]
pub struct RefundRequest {
    pub payment_id: PaymentId,
    /// `None`: the remaining amount.
    pub amount: Option<Money>,
    pub reason: String,
    /// The gateway gets the merchant's number unchanged, on every try.
    pub refund_no: Option<String>,
    pub by: Requester,
}

/// Accepts a refund, which the job then executes. The same number with the same content is the same refund.
///
/// WeChat accepts the refunds of one payment a minute apart. A merchant need not wait for that: each is accepted, and sent
/// when its time has come.
pub async fn request_refund(
    services: &Services,
    request: RefundRequest,
    idempotency: Option<Idempotency<Refund>>,
) -> Result<Outcome<Refund>, Error> {
    if !is_line(&request.reason, MOST_REASON) {
        return Err(invalid(
            "reason",
            "must be 1 to 256 characters without control characters",
        ));
    }
    let number = parse_number(request.refund_no.as_deref())?;
    let (request, number, idempotency) = (&request, number.as_ref(), idempotency.as_ref());
    // Decided on a read connection: a refusal must not cost the writer a turn.
    let ahead = match decide_ahead(services, request, number, idempotency).await? {
        Keyed::Ran(facts) => facts,
        Keyed::Replayed(answer) => return Ok(Outcome::Replayed(answer)),
    };
    let ahead = &FirstRun::new(ahead);
    // Drawn before the write, so that a second refund of this call would be found.
    let cause = &format!("call {}", services.clock.nonce());
    let keyed = write_under_key(services, idempotency, &|tx, _| {
        async move {
            match ahead.take() {
                Some(facts) => write_decided(services, tx, request, number, idempotency, cause, &facts).await,
                None => accept(services, tx, request, number, idempotency, cause).await,
            }
        }
        .boxed()
    })
    .await?;
    let (made, order_id) = match keyed {
        Keyed::Ran(accepted) => accepted,
        Keyed::Replayed(answer) => return Ok(Outcome::Replayed(answer)),
    };
    if matches!(made, Outcome::New(_)) {
        announce_refund(services, &order_id);
        services.wake.ring();
    }
    Ok(made)
}

fn parse_number(text: Option<&str>) -> Result<Option<RefundNo>, Error> {
    let parse = |text| RefundNo::parse(text).ok_or("must be 1 to 64 characters of A-Z a-z 0-9 _ -");
    text.map(parse)
        .transpose()
        .map_err(|message| invalid("refundNo", message))
}

/// Decides on a read connection, in one statement where that is enough, and returns the facts of the decision. `None`: the
/// decision must be made in the transaction.
async fn decide_ahead(
    services: &Services,
    request: &RefundRequest,
    number: Option<&RefundNo>,
    idempotency: Option<&Idempotency<Refund>>,
) -> Result<Keyed<Option<RefundFacts>>, Error> {
    let now = services.clock.now();
    if idempotency.is_none() && number.is_none() {
        let facts = services
            .db
            .read_one(|tx| look_ahead(services, tx, request, None, now).boxed())
            .await?;
        return Ok(Keyed::Ran(facts));
    }
    read_under_key(services, idempotency, &|tx| {
        look_ahead(services, tx, request, number, now).boxed()
    })
    .await
}

async fn look_ahead(
    services: &Services,
    tx: &mut Tx<'_>,
    request: &RefundRequest,
    number: Option<&RefundNo>,
    now: Timestamp,
) -> Result<Option<RefundFacts>, Error> {
    let facts = find_facts(tx, request, now).await?;
    let known = find_known(tx, number).await?;
    let decision = decide_request(services, &facts, request, known, now)?;
    // A key with a limit for a day is locked while its sum is counted.
    let is_final = matches!(decision, Decision::Write) && facts.limits.per_day.is_none();
    Ok(is_final.then_some(facts))
}

async fn find_facts(tx: &mut Tx<'_>, request: &RefundRequest, now: Timestamp) -> Result<RefundFacts, Error> {
    let midnight = midnight_before(now);
    let found = facts::find_for_refund(tx, &request.payment_id, request.by.api_key_id(), midnight).await?;
    found.ok_or(Error::NotFound)
}

async fn find_known(tx: &mut Tx<'_>, number: Option<&RefundNo>) -> Result<Option<(Refund, bool)>, Error> {
    match number {
        Some(number) => Ok(refunds::find_request(tx, number).await?),
        None => Ok(None),
    }
}

/// Accepts a refund inside of a transaction: the caller checks the reason before, and notifies pages and jobs after the
/// commit.
pub(crate) async fn accept(
    services: &Services,
    tx: &mut Tx<'_>,
    request: &RefundRequest,
    number: Option<&RefundNo>,
    idempotency: Option<&Idempotency<Refund>>,
    cause: &str,
) -> Result<(Outcome<Refund>, OrderId), Error> {
    let now = services.clock.now();
    // Of two refunds that are decided at once on PostgreSQL one waits here and counts the other.
    payments::hold(tx, &request.payment_id).await?;
    request.by.hold_key(tx).await?;
    let facts = find_facts(tx, request, now).await?;
    let known = find_known(tx, number).await?;
    match decide_request(services, &facts, request, known, now)? {
        Decision::Known(known) => {
            keep_answer(tx, idempotency, &known, false, now).await?;
            Ok((Outcome::Existing(*known), facts.payment.order_id))
        }
        Decision::Write => write_decided(services, tx, request, number, idempotency, cause, &facts).await,
    }
}

/// Writes a refund that was accepted on these facts. A payment that has changed since is a lost race.
async fn write_decided(
    services: &Services,
    tx: &mut Tx<'_>,
    request: &RefundRequest,
    number: Option<&RefundNo>,
    idempotency: Option<&Idempotency<Refund>>,
    cause: &str,
    facts: &RefundFacts,
) -> Result<(Outcome<Refund>, OrderId), Error> {
    let now = services.clock.now();
    let payment = &facts.payment;
    let draft = Draft {
        payment,
        order: &facts.order,
        amount: amount_of(request, payment)?,
        reason: &request.reason,
        number: number.cloned(),
        takes_rest: request.amount.is_none(),
        replaces: None,
        cause: cause.to_owned(),
        by: &request.by,
        due_at: next_turn(facts, now),
    };
    let touch = payments::record_refund(payment, now);
    let mut refund = write_refund(services, tx, draft, vec![touch]).await?;
    if payment.method().channel().is_none() {
        refund = return_to_balance(services, tx, refund).await?;
    }
    keep_answer(tx, idempotency, &refund, true, now).await?;
    Ok((Outcome::New(refund), payment.order_id.clone()))
}

/// Decision about a request that is not refused.
enum Decision {
    Known(Box<Refund>),
    Write,
}

/// Amount of a request: the one that it names, or all that is left.
fn amount_of(request: &RefundRequest, payment: &Payment) -> Result<Money, Error> {
    match request.amount {
        Some(amount) => Ok(amount),
        None => Ok(left(payment.amount, claimed(payment)?)),
    }
}

/// Refuses or decides, without reading or writing.
fn decide_request(
    services: &Services,
    facts: &RefundFacts,
    request: &RefundRequest,
    known: Option<(Refund, bool)>,
    now: Timestamp,
) -> Result<Decision, Error> {
    if let Some((known, takes_rest)) = known {
        if !is_same(request, &known, takes_rest) {
            return Err(RefundRefusal::NumberReused.into());
        }
        return Ok(Decision::Known(Box::new(known)));
    }
    let payment = &facts.payment;
    let gateway = payment
        .method()
        .channel()
        .and_then(|channel| services.gateways.get(channel));
    if gateway.is_some() && services.gateways.require(payment).is_err() {
        return Err(RefundRefusal::OtherAccount.into());
    }
    let amount = amount_of(request, payment)?;
    authorise_refund(facts, amount, now)?;
    check_limits(facts.limits, facts.given, amount)?;
    Ok(Decision::Write)
}

/// Refunds to a balance at once: there is no gateway to call.
async fn return_to_balance(services: &Services, tx: &mut Tx<'_>, refund: Refund) -> Result<Refund, Error> {
    let report = RefundReport::Succeeded {
        gateway_refund_id: None,
        finished_at: services.clock.now(),
    };
    let returned = apply_refund_report(services, tx, &refund, &report).await?;
    Ok(returned.unwrap_or(refund))
}

/// Whether two requests under one number are the same. One without an amount equals only one without an amount.
fn is_same(request: &RefundRequest, known: &Refund, takes_rest: bool) -> bool {
    known.payment_id == request.payment_id
        && known.reason == request.reason
        && request.amount.map_or(takes_rest, |amount| amount == known.amount)
}

/// Checks the rules, on the sums of a payment that the transaction locks, or compares.
pub(super) fn authorise_refund(facts: &RefundFacts, amount: Money, now: Timestamp) -> Result<(), Error> {
    let payment = &facts.payment;
    let paid = (payment.state == PaymentState::Paid).then_some(payment.amount);
    authorise(paid, claimed(payment)?, amount)?;
    // The limits of time and number are the gateways'; a balance payment has none.
    if let (Some(_), Some(paid_at)) = (payment.method().channel(), payment.paid_at) {
        check_gateway_limits(paid_at, facts.n_taken, now)?;
    }
    require_funds(facts, amount)
}

/// Earliest time at which a new refund of the payment can be sent: for WeChat a minute after the last one, sent or still to
/// be sent.
pub(super) fn next_turn(facts: &RefundFacts, now: Timestamp) -> Timestamp {
    if facts.payment.method().channel() != Some(Channel::Wechat) {
        return now;
    }
    // A later due time than any possible one was set before the clock was set back.
    let latest = now + schedule::LONGEST_REFUND_STEP;
    facts.last_turn.map_or(now, |last| {
        (last.min(latest) + schedule::BETWEEN_REFUNDS).max(now)
    })
}
