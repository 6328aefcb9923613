//! Requests refunds: decided and written at once, executed by the job.

use domain::refund::{authorise, check_limits, left};
use domain::{
    Channel, Money, OrderId, Payment, PaymentId, PaymentState, Refund, RefundNo, RefundRefusal, RefundReport,
    Timestamp, schedule,
};
use futures_util::FutureExt;

use super::{Draft, announce_refund, apply_refund_report, claimed, write_refund};
use crate::idempotency::{Idempotency, Keyed, Outcome, keep_answer, read_under_key, write_under_key};
use crate::ledger::require_funds;
use crate::store::refunds::claims;
use crate::store::{Tx, payments, refunds};
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
    where_planted!("refund checked apart from its insert", {
        crate::faults::mistakes::check_apart(services, request).await?;
    });
    // Decided on a read connection: a refusal must not cost the writer a turn.
    let decided = read_under_key(services, idempotency, &|tx| {
        async move {
            decide(services, tx, request, number, services.clock.now())
                .await
                .map(drop)
        }
        .boxed()
    })
    .await?;
    if let Keyed::Replayed(answer) = decided {
        return Ok(Outcome::Replayed(answer));
    }
    // Drawn before the write, so that a second refund of this call would be found.
    let cause = &format!("call {}", services.clock.nonce());
    let keyed = write_under_key(services, idempotency, &|tx, _| {
        async move { accept(services, tx, request, number, idempotency, cause).await }.boxed()
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
    let (decision, payment) = decide(services, tx, request, number, now).await?;
    let amount = match decision {
        Decision::Known(known) => {
            keep_answer(tx, idempotency, &known, false, now).await?;
            return Ok((Outcome::Existing(*known), payment.order_id));
        }
        Decision::Write(amount) => amount,
    };
    let draft = Draft {
        payment: &payment,
        amount,
        reason: &request.reason,
        number: number.cloned(),
        takes_rest: request.amount.is_none(),
        replaces: None,
        cause: cause.to_owned(),
        due_at: next_turn(tx, &payment, now).await?,
    };
    let mut refund = write_refund(services, tx, draft).await?;
    request.by.record_refund(tx, &refund, now).await?;
    if payment.method().channel().is_none() {
        refund = return_to_balance(services, tx, refund).await?;
    }
    keep_answer(tx, idempotency, &refund, true, now).await?;
    Ok((Outcome::New(refund), payment.order_id))
}

/// Decision about a request that is not refused.
enum Decision {
    Known(Box<Refund>),
    Write(Money),
}

/// Refuses or decides, without writing, so that a refusal leaves nothing to undo.
async fn decide(
    services: &Services,
    tx: &mut Tx<'_>,
    request: &RefundRequest,
    number: Option<&RefundNo>,
    now: Timestamp,
) -> Result<(Decision, Payment), Error> {
    let payment = payments::find(tx, &request.payment_id)
        .await?
        .ok_or(Error::NotFound)?;
    if let Some(number) = number
        && let Some((known, takes_rest)) = refunds::find_request(tx, number).await?
    {
        if !is_same(request, &known, takes_rest) {
            return Err(RefundRefusal::NumberReused.into());
        }
        return Ok((Decision::Known(Box::new(known)), payment));
    }
    let gateway = payment
        .method()
        .channel()
        .and_then(|channel| services.gateways.get(channel));
    if gateway.is_some() && services.gateways.require(&payment).is_err() {
        return Err(RefundRefusal::OtherAccount.into());
    }
    let amount = match request.amount {
        Some(amount) => amount,
        None => left(payment.amount, claimed(&payment)?),
    };
    if !planted!("refund checked apart from its insert") || amount.is_zero() {
        authorise_refund(tx, &payment, amount, now).await?;
    }
    request.by.check_key_limits(tx, amount, now).await?;
    Ok((Decision::Write(amount), payment))
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

/// Checks the rules, on the sums of a locked payment.
pub(crate) async fn authorise_refund(
    tx: &mut Tx<'_>,
    payment: &Payment,
    amount: Money,
    now: Timestamp,
) -> Result<(), Error> {
    let paid = (payment.state == PaymentState::Paid).then_some(payment.amount);
    authorise(paid, claimed(payment)?, amount)?;
    // The limits of time and number are the gateways'; a balance payment has none.
    if let (Some(_), Some(paid_at)) = (payment.method().channel(), payment.paid_at) {
        let (n_taken, _) = claims::counts(tx, &payment.id).await?;
        check_limits(paid_at, n_taken, now)?;
    }
    require_funds(tx, &payment.id, amount).await
}

/// Earliest time at which a new refund of the payment can be sent: for WeChat a minute after the last one, sent or still to
/// be sent.
pub(super) async fn next_turn(
    tx: &mut Tx<'_>,
    payment: &Payment,
    now: Timestamp,
) -> Result<Timestamp, Error> {
    if payment.method().channel() != Some(Channel::Wechat) {
        return Ok(now);
    }
    // A later due time than any possible one was set before the clock was set back.
    let latest = now + schedule::LONGEST_REFUND_STEP;
    let last = claims::last_turn(tx, &payment.id).await?;
    Ok(last.map_or(now, |last| {
        (last.min(latest) + schedule::BETWEEN_REFUNDS).max(now)
    }))
}
