//! Executes refunds: record, call, record. Whatever the gateway answers, the number stays the same.

use std::future::ready;
use std::time::Duration;

use domain::{Channel, Payment, Refund, RefundId, RefundReport, RefundState, Timestamp, schedule};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tracing::Instrument as _;

use super::{announce_refund, apply_refund_report, find_refund, incident_of_refund};
use crate::drain::{Batch, drain};
use crate::error::logged;
use crate::gateway::{Gateway, GatewayError, RefundAsk};
use crate::incident::raise;
use crate::model::incident::IncidentKind;
use crate::store::refunds::{Progress, claims};
use crate::store::{StoreError, Tx, payments, refunds};
use crate::{Error, Services, traces};

/// Longer than the three calls that one refund may take at a slow gateway, so that no other server claims it meanwhile.
const LEASE: Duration = Duration::from_mins(1);
/// Bounds a run when a gateway is slow and much is due; the next run goes on.
const MAX_BATCHES: usize = 32;

/// Sends and queries the due refunds, at both gateways. Returns how many it processed.
pub async fn reconcile_refunds(services: &Services) -> Result<usize, Error> {
    let runs = Channel::ALL.map(|channel| reconcile_refunds_of(services, channel));
    let mut n_done = 0;
    for outcome in join_all(runs).await {
        n_done += outcome?;
    }
    Ok(n_done)
}

/// Like [`reconcile_refunds`] for one gateway. Each has a job of its own, so that a silent gateway does not delay the
/// refunds of the other.
pub async fn reconcile_refunds_of(services: &Services, channel: Channel) -> Result<usize, Error> {
    let claim = |limit| async move {
        let lease = services.lease(lease!(LEASE));
        let due: Vec<RefundId> = services
            .db
            .write_one(|tx| async move { claims::claim_due(tx, lease, channel, limit).await }.boxed())
            .await?;
        crash_point!("refunds.after_claim");
        Ok(due)
    };
    let work = |id: RefundId| async move {
        if let Err(error) = take_turn(services, &id).await {
            tracing::warn!(refund.id = %id, error = logged(&error), "no answer about refund {id}");
        }
    };
    drain(
        MAX_BATCHES,
        || ready(Batch::admit(services, channel)),
        claim,
        work,
    )
    .await
}

/// One refund with all data of its calls.
#[derive(Debug)]
pub(super) struct RefundTask<'a> {
    channel: Channel,
    refund: &'a Refund,
    payment: &'a Payment,
    transaction_id: &'a str,
}

impl<'a> RefundTask<'a> {
    /// `None`: the payment has no gateway.
    pub(super) fn new(refund: &'a Refund, payment: &'a Payment) -> Result<Option<RefundTask<'a>>, Error> {
        let Some(channel) = payment.method().channel() else {
            return Ok(None);
        };
        let transaction_id = payment
            .transaction_id
            .as_deref()
            .ok_or(StoreError::Corrupt("payments.transaction_id"))?;
        Ok(Some(RefundTask {
            channel,
            refund,
            payment,
            transaction_id,
        }))
    }

    fn ask(&self) -> RefundAsk<'_> {
        RefundAsk {
            refund_no: &self.refund.refund_no,
            payment_no: &self.payment.payment_no,
            transaction_id: self.transaction_id,
            amount: self.refund.amount,
            total: self.payment.amount,
            reason: &self.refund.reason,
        }
    }

    fn gateway<'s>(&self, services: &'s Services) -> Result<&'s Gateway, Error> {
        let gateway = services.gateways.require(self.payment);
        gateway.map_err(|source| self.unreachable(source))
    }

    /// Refuses when a person would wait for a gateway that is known not to answer.
    pub(super) fn require_answering(&self, services: &Services) -> Result<(), Error> {
        let gateway = services.gateways.require_answering(self.payment);
        gateway.map(drop).map_err(|source| self.unreachable(source))
    }

    fn unreachable(&self, source: GatewayError) -> Error {
        Error::Unreachable {
            channel: self.channel,
            source,
        }
    }
}

pub(super) async fn query(services: &Services, task: &RefundTask<'_>) -> Result<RefundReport, Error> {
    let answer = task.gateway(services)?.query_refund(&task.ask()).await;
    answer.map_err(|source| task.unreachable(source))
}

/// Sends or queries one refund and records the result. Without an answer only its next due time is set.
async fn take_turn(services: &Services, id: &RefundId) -> Result<(), Error> {
    let (refund, payment) = find_refund(services, id).await?;
    let Some(task) = RefundTask::new(&refund, &payment)? else {
        // A balance has no gateway: its refund is done in the transaction that requests it.
        return Ok(());
    };
    let span = traces::job_span("execute refund", &payment.payment_no);
    execute(services, &task).instrument(span).await
}

async fn execute(services: &Services, task: &RefundTask<'_>) -> Result<(), Error> {
    // Before it is recorded as sent: a refund of another merchant account is never sent from here.
    let answer = match task.gateway(services) {
        Err(error) => Err(error),
        Ok(_) => match begin_turn(services, task).await? {
            Turn::NotNow => return Ok(()),
            Turn::Send => send_refund(services, task).await,
            Turn::Ask => ask_about_refund(services, task).await,
        },
    };
    end_turn(services, task, answer.as_ref().ok()).await?;
    answer.map(drop)
}

/// Queries one refund, whatever its state, and applies the answer: a statement may know better than we do. Returns whether it
/// changed anything.
pub(crate) async fn question_refund(services: &Services, id: &RefundId) -> Result<bool, Error> {
    let (refund, payment) = find_refund(services, id).await?;
    let Some(task) = RefundTask::new(&refund, &payment)? else {
        return Ok(false);
    };
    let report = query(services, &task).await?;
    end_turn(services, &task, Some(&report)).await
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    NotNow,
    Send,
    Ask,
}

async fn begin_turn(services: &Services, task: &RefundTask<'_>) -> Result<Turn, Error> {
    services
        .db
        .write(|tx| {
            async move {
                let found = refunds::find(tx, &task.refund.id).await?;
                let (refund, progress) = found.ok_or(Error::NotFound)?;
                match refund.state {
                    RefundState::Succeeded | RefundState::Failed => Ok(Turn::NotNow),
                    _ if progress.to_send => begin_send(services, tx, task, &refund).await,
                    _ => Ok(Turn::Ask),
                }
            }
            .boxed()
        })
        .await
}

/// Records the refund as sent before the call: after a crash it is queried first.
async fn begin_send(
    services: &Services,
    tx: &mut Tx<'_>,
    task: &RefundTask<'_>,
    refund: &Refund,
) -> Result<Turn, Error> {
    let now = services.clock.now();
    if task.channel == Channel::Wechat {
        // Of two servers that send two refunds of one payment, one waits here and sees that the other was first.
        payments::hold(tx, &refund.payment_id).await?;
        let last = claims::last_sent(tx, &refund.payment_id, &refund.id).await?;
        // Sent in the future: the clock has been set back since, and a minute from now is enough.
        let earliest = last.map_or(now, |last| last.min(now) + schedule::BETWEEN_REFUNDS);
        if now < earliest {
            claims::postpone(tx, refund, earliest).await?;
            return Ok(Turn::NotNow);
        }
    }
    claims::begin_send(tx, refund, now).await?;
    Ok(Turn::Send)
}

/// Queries the refund, and sends it again under the same number when the gateway does not know it. A stuck refund is only
/// queried: it would be refused again.
async fn ask_about_refund(services: &Services, task: &RefundTask<'_>) -> Result<RefundReport, Error> {
    let report = query(services, task).await?;
    if report != RefundReport::Absent || task.refund.state == RefundState::Stuck {
        return Ok(report);
    }
    let turn = services
        .db
        .write(|tx| {
            async move {
                let found = refunds::find(tx, &task.refund.id).await?;
                let (refund, _) = found.ok_or(Error::NotFound)?;
                if refund.state.is_final() {
                    return Ok(Turn::NotNow);
                }
                begin_send(services, tx, task, &refund).await
            }
            .boxed()
        })
        .await?;
    match turn {
        Turn::Send => send_refund(services, task).await,
        Turn::NotNow | Turn::Ask => Ok(report),
    }
}

async fn send_refund(services: &Services, task: &RefundTask<'_>) -> Result<RefundReport, Error> {
    match task.gateway(services)?.refund(&task.ask()).await {
        Ok(report) => Ok(report),
        Err(GatewayError::Declined {
            code,
            message,
            is_authentic: true,
        }) => confirm_refusal(services, task, format!("{code}: {message}")).await,
        Err(source @ GatewayError::Declined { .. }) => {
            note_refusal(services, task.refund, &source).await?;
            Err(task.unreachable(source))
        }
        Err(source) => Err(task.unreachable(source)),
    }
}

/// Confirms a refusal, which may be about a retry while an earlier try of the same number succeeded: it counts when a query
/// finds nothing under this number. A refused surplus refund needs a person, because it must be paid back all the same.
async fn confirm_refusal(
    services: &Services,
    task: &RefundTask<'_>,
    words: String,
) -> Result<RefundReport, Error> {
    match query(services, task).await? {
        RefundReport::Absent if task.payment.settles => Ok(RefundReport::Failed(words)),
        RefundReport::Absent => Ok(RefundReport::Stuck(words)),
        report => Ok(report),
    }
}

/// Raises an incident for a refusal that cannot be verified; it changes no state.
async fn note_refusal(services: &Services, refund: &Refund, refusal: &GatewayError) -> Result<(), Error> {
    let words = &refusal.to_string();
    services
        .db
        .write(|tx| {
            let incident = incident_of_refund(IncidentKind::Refused, refund, words);
            async move { raise(services, tx, incident).await }.boxed()
        })
        .await
        .map_err(Error::Internal)
}

async fn end_turn(
    services: &Services,
    task: &RefundTask<'_>,
    report: Option<&RefundReport>,
) -> Result<bool, Error> {
    let changed = services
        .db
        .write(|tx| {
            async move {
                let now = services.clock.now();
                let found = refunds::find(tx, &task.refund.id).await?;
                let (refund, progress) = found.ok_or(Error::NotFound)?;
                let changed = match report {
                    Some(report) => apply_refund_report(services, tx, &refund, report).await?,
                    None => None,
                };
                let is_changed = changed.is_some();
                let has_turns = !matches!(refund.state, RefundState::Succeeded | RefundState::Failed);
                let refund = changed.unwrap_or(refund);
                // A refund that had ended before is asked about by a reconciliation only, which takes no turn.
                if is_changed || has_turns {
                    let due_at = next_turn(&refund, progress, report.is_some(), now);
                    claims::end_turn(tx, &refund, due_at, report.is_some()).await?;
                }
                Ok::<_, Error>(is_changed)
            }
            .boxed()
        })
        .await?;
    if changed {
        announce_refund(services, &task.payment.order_id);
    }
    Ok(changed)
}

fn next_turn(refund: &Refund, progress: Progress, is_answered: bool, now: Timestamp) -> Option<Timestamp> {
    match refund.state {
        RefundState::Succeeded | RefundState::Failed => None,
        // A resend was requested since it was sent.
        _ if progress.to_send => Some(now),
        _ if !is_answered => Some(schedule::next_refund_try(now, progress.n_unanswered)),
        RefundState::Stuck => Some(schedule::next_stuck_question(now)),
        RefundState::Requested | RefundState::Pending => {
            Some(schedule::next_refund_question(now, progress.n_answers))
        }
    }
}
