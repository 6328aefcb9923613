//! Reconciliation: queries the gateways about due payments, so that a lost notification does no harm.

use std::future::ready;
use std::time::Duration;

use domain::{Channel, Payment, PaymentNo, PaymentState, Report, Settlement, Timestamp, schedule};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tracing::Instrument as _;

use crate::drain::{Batch, drain};
use crate::error::logged;
use crate::gateway::GatewayError;
use crate::idempotency::{Claim, Idempotency, Keyed, Outcome, claim, keep_answer, write_under_key};
use crate::payment::find_by_number;
use crate::payment::settle::{PaymentNews, Rule, announce, apply_news, trade_of};
use crate::store::payments::Asking;
use crate::store::payments::facts::{self, PaymentFacts};
use crate::store::{FirstRun, payments};
use crate::{Error, Services, gateway_health, traces};

/// Longer than a call with all its retries can take, so that no other server queries meanwhile.
const LEASE: Duration = Duration::from_mins(1);
/// Rate limit of queries, so that an impatient payer does not load the gateway.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(1);

/// Queries the gateway now when the payment is not final, at most once a second; otherwise answers from our record.
pub async fn query_payment(
    services: &Services,
    payment_no: &PaymentNo,
    idempotency: Option<Idempotency<Payment>>,
) -> Result<Outcome<Payment>, Error> {
    let idempotency = idempotency.as_ref();
    traces::name_payment(payment_no.as_str());
    let payment = find_by_number(services, payment_no).await?;
    let asks = match idempotency {
        // A final payment needs no query and no write.
        None if payment.state == PaymentState::Paid => return Ok(Outcome::Existing(payment)),
        None => claim_question(services, &payment).await?,
        Some(_) => match claim_question_under_key(services, &payment, idempotency).await? {
            Keyed::Ran(asks) => asks,
            Keyed::Replayed(answer) => return Ok(Outcome::Replayed(answer)),
        },
    };
    if asks {
        ask_for_caller(services, payment_no).await?;
    }
    if idempotency.is_none() {
        return find_by_number(services, payment_no).await.map(Outcome::Existing);
    }
    let (id, now) = (&payment.id, services.clock.now());
    let keyed = write_under_key(services, idempotency, &|tx, _| {
        async move {
            let payment = payments::find(tx, id).await?.ok_or(Error::NotFound)?;
            keep_answer(tx, idempotency, &payment, false, now).await?;
            Ok(payment)
        }
        .boxed()
    })
    .await?;
    Ok(match keyed {
        Keyed::Ran(payment) => Outcome::Existing(payment),
        Keyed::Replayed(answer) => Outcome::Replayed(answer),
    })
}

/// Claims a query of an unpaid payment, unless it was queried a moment ago.
async fn claim_question(services: &Services, payment: &Payment) -> Result<bool, Error> {
    let now = services.clock.now();
    let not_since = now - BETWEEN_QUESTIONS;
    let db = &services.db;
    let is_free = db
        .read_one(|tx| async move { payments::may_be_asked(tx, payment, not_since, now).await }.boxed())
        .await?;
    if !is_free {
        return Ok(false);
    }
    db.write_one(|tx| async move { payments::claim_question(tx, payment, not_since, now).await }.boxed())
        .await
        .map_err(Error::Internal)
}

async fn claim_question_under_key(
    services: &Services,
    payment: &Payment,
    idempotency: Option<&Idempotency<Payment>>,
) -> Result<Keyed<bool>, Error> {
    let now = services.clock.now();
    write_under_key(services, idempotency, &|tx, claimed| {
        async move {
            claim(tx, idempotency, claimed.as_ref(), &Claim::MAKING_ROOM, now).await?;
            let asks = payment.state != PaymentState::Paid
                && payments::claim_question(tx, payment, now - BETWEEN_QUESTIONS, now).await?;
            Ok(asks)
        }
        .boxed()
    })
    .await
}

/// Queue of payments to query. Each gateway has one for watched pages and one for the others, so that none waits for
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    pub channel: Channel,
    pub is_watched: bool,
}

impl Lane {
    pub const ALL: [Lane; 4] = [
        Lane::of(Channel::Wechat, true),
        Lane::of(Channel::Wechat, false),
        Lane::of(Channel::Alipay, true),
        Lane::of(Channel::Alipay, false),
    ];

    const fn of(channel: Channel, is_watched: bool) -> Lane {
        Lane { channel, is_watched }
    }

    pub(crate) const fn index(self) -> usize {
        match (self.channel, self.is_watched) {
            (Channel::Wechat, true) => 0,
            (Channel::Wechat, false) => 1,
            (Channel::Alipay, true) => 2,
            (Channel::Alipay, false) => 3,
        }
    }
}

/// Queries every due payment, in all lanes. Returns how many.
pub async fn reconcile_payments(services: &Services) -> Result<usize, Error> {
    let runs = Lane::ALL.map(|lane| reconcile_lane(services, lane));
    let mut n_asked = 0;
    for outcome in join_all(runs).await {
        n_asked += outcome?;
    }
    gateway_health::look(services).await?;
    Ok(n_asked)
}

/// Like [`reconcile_payments`] for one lane; each lane has a job of its own.
pub async fn reconcile_lane(services: &Services, lane: Lane) -> Result<usize, Error> {
    let Lane { channel, is_watched } = lane;
    let claim = |limit| async move {
        let lease = services.lease(lease!(LEASE));
        let due: Vec<PaymentNo> = services
            .db
            .write_one(|tx| {
                async move { payments::claims::claim_due(tx, lease, channel, is_watched, limit).await }
                    .boxed()
            })
            .await?;
        crash_point!("reconcile.after_claim");
        Ok(due)
    };
    let work = |number: PaymentNo| async move {
        let span = traces::job_span("reconcile payment", &number);
        if let Err(error) = ask_by_number(services, &number).instrument(span).await {
            tracing::warn!(payment.no = %number, error = logged(&error), "no answer about {number}");
        }
    };
    drain(usize::MAX, || ready(Batch::admit(services, channel)), claim, work).await
}

/// Queries for a caller that waits: a gateway that is known not to answer is not called.
async fn ask_for_caller(services: &Services, number: &PaymentNo) -> Result<(), Error> {
    let facts = find_facts(services, number).await?;
    if let Some(channel) = facts.payment.method().channel() {
        let answering = services.gateways.require_answering(&facts.payment);
        answering.map_err(|source| Error::Unreachable { channel, source })?;
    }
    ask_about_payment(services, facts).await
}

async fn ask_by_number(services: &Services, number: &PaymentNo) -> Result<(), Error> {
    ask_about_payment(services, find_facts(services, number).await?).await
}

async fn find_facts(services: &Services, number: &PaymentNo) -> Result<PaymentFacts, Error> {
    services
        .db
        .read_one(|tx| async move { facts::find(tx, number, None, None).await }.boxed())
        .await?
        .ok_or(Error::NotFound)
}

/// Queries one payment and applies the report. An unusable answer only sets the next query.
async fn ask_about_payment(services: &Services, facts: PaymentFacts) -> Result<(), Error> {
    let payment = &facts.payment;
    let Some(channel) = payment.method().channel() else {
        return Ok(());
    };
    let unreachable = |source| Error::Unreachable { channel, source };
    let answer = query_gateway(services, payment).await;
    let settlement = note_answer(services, &facts, answer.as_ref().ok()).await?;
    announce(services, payment, settlement);
    // A create call that arrived after we had given up, or a code scanned after that: the money is not needed any more.
    let is_over = matches!(payment.state, PaymentState::Closed | PaymentState::Declined);
    if is_over && matches!(answer, Ok(Report::Unpaid)) {
        let gateway = services.gateways.require(payment).map_err(unreachable)?;
        gateway
            .ensure_closed(&payment.payment_no)
            .await
            .map_err(unreachable)?;
    }
    answer.map(drop).map_err(unreachable)
}

async fn query_gateway(services: &Services, payment: &Payment) -> Result<Report, GatewayError> {
    services
        .gateways
        .require(payment)?
        .query(&payment.payment_no)
        .await
}

/// Records the gateway's answer, and the time of the next query. The facts are those from before the query.
async fn note_answer(
    services: &Services,
    facts: &PaymentFacts,
    report: Option<&Report>,
) -> Result<Settlement, Error> {
    let number = &facts.payment.payment_no;
    let rule = Rule::Settle;
    let news = report.map(|report| PaymentNews { facts, report, rule });
    // Most answers change nothing: then only the time of the next query is written.
    let is_known = news.is_none_or(|news| news.decide(services, false) == (Settlement::Unchanged, false));
    if is_known && postpone_question(services, facts, report.is_some()).await? {
        return Ok(Settlement::Unchanged);
    }
    let ahead = &FirstRun::new((!is_known).then(|| facts.clone()));
    services
        .db
        .write(|tx| {
            async move {
                let facts = match ahead.take() {
                    Some(facts) => facts,
                    None => facts::find(tx, number, report.and_then(trade_of), None)
                        .await?
                        .ok_or(Error::NotFound)?,
                };
                let settlement = match report {
                    Some(report) => {
                        let facts = &facts;
                        apply_news(services, tx, PaymentNews { facts, report, rule }, Vec::new()).await?
                    }
                    None => Settlement::Unchanged,
                };
                let now = services.clock.now();
                let (payment, asking) = settled_payment(facts, settlement, now);
                if payment.state != PaymentState::Paid {
                    let due_at = next_due(&payment, asking, now);
                    payments::set_due(tx, number, due_at, report.is_some(), now).await?;
                }
                Ok(settlement)
            }
            .boxed()
        })
        .await
}

/// Sets the next query of a payment; `false`: the payment has changed since its facts were read.
async fn postpone_question(
    services: &Services,
    facts: &PaymentFacts,
    is_answered: bool,
) -> Result<bool, Error> {
    let now = services.clock.now();
    let due_at = next_due(&facts.payment, facts.asking, now);
    services
        .db
        .write_one(|tx| {
            async move { payments::postpone(tx, &facts.payment, due_at, is_answered, now).await }.boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Payment after a settlement.
fn settled_payment(facts: PaymentFacts, settlement: Settlement, now: Timestamp) -> (Payment, Asking) {
    let PaymentFacts {
        payment, mut asking, ..
    } = facts;
    let state = match settlement {
        Settlement::Unchanged | Settlement::WrongAmount => return (payment, asking),
        Settlement::Acknowledged => PaymentState::Pending,
        Settlement::Paid | Settlement::Surplus => PaymentState::Paid,
        Settlement::Closed => PaymentState::Closed,
        Settlement::Declined => PaymentState::Declined,
    };
    asking.ended_at = matches!(state, PaymentState::Closed | PaymentState::Declined).then_some(now);
    let payment = Payment {
        state,
        updated_at: now,
        ..payment
    };
    (payment, asking)
}

fn next_due(payment: &Payment, asking: Asking, now: Timestamp) -> Option<Timestamp> {
    match payment.state {
        PaymentState::Paid => None,
        PaymentState::Created | PaymentState::Pending => Some(schedule::next_question(
            now,
            asking.n_asked,
            schedule::is_watched(now, asking.watched_until),
        )),
        PaymentState::Closed | PaymentState::Declined => {
            let ended_at = asking.ended_at.unwrap_or(payment.updated_at);
            schedule::next_after_end(now, asking.n_asked, ended_at, payment.expires_at)
        }
    }
}
