//! Refunds by people: requested by one person, above a threshold approved by another, and executed by the same verb that
//! programs use. The request, the decision, the refund and the audit log entry are one transaction.

use domain::{Money, Order, OrderId, Payment, PaymentId, RefundId, RefundNo, Timestamp};
use futures_util::FutureExt;

use super::approvals::{Approval, approve, reject};
use super::{Act, Action, Actor, ConsoleError, Operator, note_act, perform_and_tell, record};
use crate::calendar::midnight_before;
use crate::refund::{RefundRequest, accept, announce_refund};
use crate::store::approvals::Requests;
use crate::store::refund_approvals::{self, NewApproval, RequestRow};
use crate::store::{StoreError, Tx, orders, parse_rows, payments, refunds, requesters, users};
use crate::validate::is_line;
use crate::{Error, Outcome, Requester, Services};

const MOST_REASON: usize = 256;

/// Data of the refund dialog.
#[derive(Debug, Clone)]
pub struct RefundPlan {
    pub order: Order,
    pub payment: Payment,
    /// Refundable amount, without refunds that succeeded, are in progress or wait for approval.
    pub left: Money,
    pub waiting: Money,
    /// Number of this refund: makes the form idempotent.
    pub refund_no: RefundNo,
}

/// Refund as requested.
#[derive(Debug, Clone)]
pub struct RefundDraft {
    pub payment_id: PaymentId,
    pub amount: Money,
    pub reason: String,
    pub refund_no: RefundNo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The refund was requested.
    Requested,
    /// Another person must approve it.
    Waiting,
}

/// Refund that waits for approval, or was decided.
#[derive(Debug, Clone)]
pub struct RefundApproval {
    pub id: String,
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub order_no: String,
    pub user_id: String,
    pub amount: Money,
    pub reason: String,
    pub refund_no: RefundNo,
    pub approval: Approval,
}

impl TryFrom<RequestRow> for RefundApproval {
    type Error = StoreError;

    fn try_from(row: RequestRow) -> Result<RefundApproval, StoreError> {
        let corrupt = || StoreError::Corrupt("refund_requests");
        Ok(RefundApproval {
            id: row.id,
            payment_id: PaymentId::parse(&row.payment_id).ok_or_else(corrupt)?,
            order_id: OrderId::parse(&row.order_id).ok_or_else(corrupt)?,
            order_no: row.order_no,
            user_id: row.user_id,
            amount: Money::from_fen(row.amount).map_err(|_| corrupt())?,
            reason: row.reason,
            refund_no: RefundNo::parse(&row.refund_no).ok_or_else(corrupt)?,
            approval: row.approval.into(),
        })
    }
}

pub async fn plan_refund(services: &Services, payment_id: &PaymentId) -> Result<RefundPlan, Error> {
    let refund_no = &RefundNo::new(services.clock.now(), services.clock.entropy());
    services
        .db
        .snapshot(|tx| {
            async move {
                let payment = payments::find(tx, payment_id).await?.ok_or(Error::NotFound)?;
                let order = orders::find(tx, &payment.order_id)
                    .await?
                    .ok_or(Error::NotFound)?;
                let waiting = refund_approvals::sum_waiting(tx, payment_id).await?;
                let left = [payment.refunded, payment.refunding, waiting]
                    .into_iter()
                    .try_fold(payment.amount, Money::checked_sub)
                    .unwrap_or_default();
                Ok(RefundPlan {
                    order,
                    payment,
                    left,
                    waiting,
                    refund_no: refund_no.clone(),
                })
            }
            .boxed()
        })
        .await
}

/// Requirements of a refund of this amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// A second person.
    pub approval: bool,
    /// A recently confirmed password.
    pub password: bool,
}

/// Tells before the form is sent what [`ask_for_refund`] will decide.
pub async fn find_refund_needs(
    services: &Services,
    actor: &Actor,
    payment_id: &PaymentId,
    amount: Money,
) -> Result<Needs, Error> {
    services
        .db
        .snapshot(|tx| {
            async move {
                let payment = payments::find(tx, payment_id).await?.ok_or(Error::NotFound)?;
                Ok(needs_of_refund(services, tx, actor, &payment, amount).await?)
            }
            .boxed()
        })
        .await
}

/// Sums count, so that ten refunds below a threshold are treated as one above it: per payment, and per person and day. A
/// payment with a rejected refund always needs approval.
async fn needs_of_refund(
    services: &Services,
    tx: &mut Tx<'_>,
    actor: &Actor,
    payment: &Payment,
    amount: Money,
) -> Result<Needs, StoreError> {
    let since = midnight_before(services.clock.now());
    let of_person = requesters::sum_of_person(tx, &actor.email, since).await?;
    let of_payment = payment.refunded.fen() + payment.refunding.fen();
    let sum = of_person.max(of_payment).saturating_add(amount.fen());
    let is_rejected = refund_approvals::has_rejected(tx, &payment.id).await?;
    Ok(needs_of(services, sum, is_rejected))
}

/// Applies the same two thresholds to all money that a person pays out.
pub(super) fn needs_of(services: &Services, fen: i64, is_rejected: bool) -> Needs {
    let policy = &services.policy;
    Needs {
        approval: policy
            .refund_approval_above
            .is_some_and(|most| is_rejected || fen > most.fen()),
        password: fen > policy.refund_confirm_above.fen(),
    }
}

/// Requests the refund, or its approval; which of them is decided in the transaction.
pub async fn ask_for_refund(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
    draft: &RefundDraft,
) -> Result<Asked, ConsoleError> {
    if !is_line(&draft.reason, MOST_REASON) {
        return Err(ConsoleError::Core(crate::validate::invalid(
            "reason",
            "must be one line",
        )));
    }
    let now = services.clock.now();
    let name = RefundId::new(now, services.clock.entropy());
    let approval_id = &format!("wish_{}", name.as_str().trim_start_matches("ref_"));
    let asking = Asking {
        services,
        operator,
        actor,
        approval_id,
        now,
    };
    let asking = &asking;
    let (asked, made) = services
        .db
        .write(|tx| async move { asking.decide(tx, draft).await }.boxed())
        .await?;
    if let Some((made, order_id)) = made {
        log_refund(services, &made, &order_id);
    }
    Ok(asked)
}

/// Refund request of one person, at one instant.
struct Asking<'a> {
    services: &'a Services,
    operator: &'a Operator,
    actor: &'a Actor,
    approval_id: &'a str,
    now: Timestamp,
}

type Decided = (Asked, Option<(Outcome<domain::Refund>, OrderId)>);

impl Asking<'_> {
    async fn decide(&self, tx: &mut Tx<'_>, draft: &RefundDraft) -> Result<Decided, ConsoleError> {
        // Serializes the person's refunds: a concurrent one waits here and is counted.
        users::hold(tx, &self.actor.email).await?;
        payments::hold(tx, &draft.payment_id).await?;
        // The form was sent twice: return the existing refund or request.
        if refund_approvals::is_number_taken(tx, &draft.refund_no).await? {
            return Ok((Asked::Waiting, None));
        }
        let payment = payments::find(tx, &draft.payment_id)
            .await?
            .ok_or(Error::NotFound)?;
        if refunds::find_request(tx, &draft.refund_no).await?.is_none() {
            let needs = needs_of_refund(self.services, tx, self.actor, &payment, draft.amount).await?;
            if needs.password && !self.operator.is_confirmed {
                return Err(ConsoleError::Unconfirmed);
            }
            if needs.approval {
                self.write_approval(tx, &payment, draft).await?;
                return Ok((Asked::Waiting, None));
            }
        }
        let by = Requester::Person(self.actor.email.clone());
        let (made, order_id) = accept_draft(self.services, tx, draft, by).await?;
        if let Outcome::New(_) = made {
            let action = Action::RequestRefund;
            record_audit_entry(tx, self.services, self.actor, action, &order_id, draft).await?;
        }
        Ok((Asked::Requested, Some((made, order_id))))
    }

    async fn write_approval(
        &self,
        tx: &mut Tx<'_>,
        payment: &Payment,
        draft: &RefundDraft,
    ) -> Result<(), ConsoleError> {
        let waiting = refund_approvals::sum_waiting(tx, &payment.id).await?;
        let left = payment.amount.fen() - payment.refunded.fen() - payment.refunding.fen() - waiting.fen();
        if payment.paid_at.is_none() || left < draft.amount.fen() {
            return Err(ConsoleError::Core(domain::RefundRefusal::ExceedsPayment.into()));
        }
        let new = NewApproval {
            id: self.approval_id,
            payment_id: &payment.id,
            amount: draft.amount,
            reason: &draft.reason,
            refund_no: &draft.refund_no,
            asked_by: &self.actor.email,
        };
        if !refund_approvals::insert(tx, &new, self.now).await? {
            return Err(StoreError::Stale.into());
        }
        let action = Action::RequestRefund;
        record_audit_entry(tx, self.services, self.actor, action, &payment.order_id, draft).await
    }
}

/// Approves a refund and requests it in the same transaction, so that neither exists without the other.
pub async fn approve_approval(services: &Services, actor: &Actor, id: &str) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    let (made, order_id) = services
        .db
        .write(|tx| {
            async move {
                let request = find_of_another(tx, actor, id).await?;
                request.approval.require_waiting()?;
                let draft = RefundDraft {
                    payment_id: request.payment_id,
                    amount: request.amount,
                    reason: request.reason,
                    refund_no: request.refund_no,
                };
                // May refuse, and refuses before it writes, so the decision is recorded after it.
                let by = Requester::Approved(request.approval.asked_by);
                let (made, order_id) = accept_draft(services, tx, &draft, by).await?;
                approve(tx, Requests::Refunds, id, actor, now).await?;
                record_audit_entry(tx, services, actor, Action::ApproveRefund, &order_id, &draft).await?;
                Ok::<_, ConsoleError>((made, order_id))
            }
            .boxed()
        })
        .await?;
    log_refund(services, &made, &order_id);
    Ok(())
}

pub async fn reject_approval(
    services: &Services,
    actor: &Actor,
    id: &str,
    why: &str,
) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    perform_and_tell(services, actor, Action::RejectRefund, &|tx| {
        async move {
            let request = find_of_another(tx, actor, id).await?;
            reject(tx, Requests::Refunds, id, (actor, why), now).await?;
            let detail = format!("{} ¥{}: {why}", request.refund_no, request.amount.to_yuan());
            Ok((request.order_id.to_string(), detail))
        }
        .boxed()
    })
    .await
}

/// Retries a stuck or failed refund. The gateway may be queried in between, so the audit log entry is written first: there
/// is no retry without it.
pub async fn retry(services: &Services, actor: &Actor, id: &RefundId) -> Result<OrderId, ConsoleError> {
    let (refund, payment) = crate::find_refund(services, id).await?;
    let act = Act {
        action: Action::RetryRefund,
        subject: payment.order_id.as_str(),
        detail: refund.refund_no.as_str(),
    };
    note_act(services, actor, act).await?;
    crate::retry_refund(services, id).await?;
    Ok(payment.order_id)
}

pub async fn list_approvals(
    services: &Services,
    limit: u32,
) -> Result<(Vec<RefundApproval>, Vec<RefundApproval>), Error> {
    let limit = i64::from(limit);
    services
        .db
        .snapshot(|tx| {
            async move {
                let waiting = parse_rows(refund_approvals::list_waiting(tx, limit).await?)?;
                let decided = parse_rows(refund_approvals::list_decided(tx, limit).await?)?;
                Ok::<_, StoreError>((waiting, decided))
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

async fn find_of_another(tx: &mut Tx<'_>, actor: &Actor, id: &str) -> Result<RefundApproval, ConsoleError> {
    let row = refund_approvals::find(tx, id).await?.ok_or(Error::NotFound)?;
    let request = RefundApproval::try_from(row)?;
    request.approval.require_another(actor)?;
    Ok(request)
}

async fn accept_draft(
    services: &Services,
    tx: &mut Tx<'_>,
    draft: &RefundDraft,
    by: Requester,
) -> Result<(Outcome<domain::Refund>, OrderId), ConsoleError> {
    let request = RefundRequest {
        payment_id: draft.payment_id.clone(),
        amount: Some(draft.amount),
        reason: draft.reason.clone(),
        refund_no: None,
        by,
    };
    let cause = format!("form {}", draft.refund_no);
    Ok(accept(services, tx, &request, Some(&draft.refund_no), None, &cause).await?)
}

async fn record_audit_entry(
    tx: &mut Tx<'_>,
    services: &Services,
    actor: &Actor,
    action: Action,
    order_id: &OrderId,
    draft: &RefundDraft,
) -> Result<(), ConsoleError> {
    let detail = format!(
        "{} ¥{}: {}",
        draft.refund_no,
        draft.amount.to_yuan(),
        draft.reason
    );
    let act = Act {
        action,
        subject: order_id.as_str(),
        detail: &detail,
    };
    record(tx, actor, act, services.clock.now()).await?;
    Ok(())
}

/// After the commit: notifies open pages and wakes the job that executes refunds.
fn log_refund(services: &Services, made: &Outcome<domain::Refund>, order_id: &OrderId) {
    if let Outcome::New(_) = made {
        announce_refund(services, order_id);
        services.wake.ring();
    }
}
