//! Balance adjustments by people: a credit above the thresholds needs a second person's approval. The entry, or the request
//! for it, and its audit log entry are one transaction.

use domain::{Money, OrderId, Timestamp};
use futures_util::FutureExt;

use super::approvals::{Approval, approve, reject};
use super::refunds::{Needs, needs_of};
use super::{Act, Action, Actor, Asked, ConsoleError, Operator, perform_and_tell, record};
use crate::balance::{Adjustment, check_adjustment, write_adjustment};
use crate::calendar::midnight_before;
use crate::store::approvals::Requests;
use crate::store::credit_requests::{self, NewRequest, RequestRow};
use crate::store::{StoreError, Tx, ledger, parse_rows, requesters, users};
use crate::{Error, Outcome, Requester, Services};

/// Credit that waits for approval, or was decided.
#[derive(Debug, Clone)]
pub struct CreditRequest {
    pub id: String,
    pub user_id: String,
    pub amount: Money,
    pub note: String,
    pub adjustment_no: String,
    pub approval: Approval,
}

impl TryFrom<RequestRow> for CreditRequest {
    type Error = StoreError;

    fn try_from(row: RequestRow) -> Result<CreditRequest, StoreError> {
        Ok(CreditRequest {
            id: row.id,
            user_id: row.user_id,
            amount: Money::from_fen(row.amount).map_err(|_| StoreError::Corrupt("credit_requests.amount"))?,
            note: row.note,
            adjustment_no: row.adjustment_no,
            approval: row.approval.into(),
        })
    }
}

/// Adjusts a balance, or requests approval. The number makes it idempotent: sent twice, it is one adjustment and one audit
/// log entry.
pub async fn adjust_balance(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
    adjustment: &Adjustment,
) -> Result<Asked, ConsoleError> {
    check_adjustment(adjustment)?;
    let now = services.clock.now();
    let name = OrderId::new(now, services.clock.entropy());
    let id = &format!("credit_{}", name.as_str().trim_start_matches("ord_"));
    let by_person = &Adjustment {
        by: Requester::Person(actor.email.clone()),
        ..adjustment.clone()
    };
    services
        .db
        .write(|tx| {
            async move {
                users::hold(tx, &actor.email).await?;
                if credit_requests::has_number(tx, &adjustment.number).await? {
                    return Ok(Asked::Waiting);
                }
                let needs = needs_of_credit(services, tx, actor, adjustment).await?;
                if needs.password && !operator.is_confirmed {
                    return Err(ConsoleError::Unconfirmed);
                }
                if needs.approval {
                    write_request(tx, actor, id, adjustment, now).await?;
                    return Ok(Asked::Waiting);
                }
                if let Outcome::New(_) = write_adjustment(tx, by_person, now).await? {
                    record_audit_entry(tx, actor, Action::AdjustBalance, by_person, now).await?;
                }
                Ok(Asked::Requested)
            }
            .boxed()
        })
        .await
}

/// The sum of a day counts, per person and per user; a debit needs nothing, and neither does an existing adjustment.
async fn needs_of_credit(
    services: &Services,
    tx: &mut Tx<'_>,
    actor: &Actor,
    adjustment: &Adjustment,
) -> Result<Needs, StoreError> {
    let journal = domain::ledger::Transfer::adjustment_journal(&adjustment.number);
    if !adjustment.change.is_credit() || ledger::find_entry(tx, &journal).await?.is_some() {
        return Ok(needs_of(services, 0, false));
    }
    let since = midnight_before(services.clock.now());
    let of_person = requesters::sum_of_person(tx, &actor.email, since).await?;
    let of_user = requesters::sum_credited(tx, &adjustment.user_id, since).await?;
    let sum = of_person.max(of_user).saturating_add(adjustment.change.fen());
    let is_rejected = credit_requests::has_rejected(tx, &adjustment.user_id).await?;
    Ok(needs_of(services, sum, is_rejected))
}

async fn write_request(
    tx: &mut Tx<'_>,
    actor: &Actor,
    id: &str,
    adjustment: &Adjustment,
    now: Timestamp,
) -> Result<(), ConsoleError> {
    let new = NewRequest {
        id,
        user_id: &adjustment.user_id,
        amount: adjustment.change.size(),
        note: &adjustment.note,
        adjustment_no: &adjustment.number,
        asked_by: &actor.email,
    };
    if !credit_requests::insert(tx, &new, now).await? {
        return Err(StoreError::Stale.into());
    }
    record_audit_entry(tx, actor, Action::RequestCredit, adjustment, now).await
}

/// Approves a credit and makes the adjustment in the same transaction, so that neither exists without the other.
pub async fn approve_credit(services: &Services, actor: &Actor, id: &str) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let request = find_of_another(tx, actor, id).await?;
                request.approval.require_waiting()?;
                let change = domain::ledger::Change::from_fen(request.amount.fen())
                    .map_err(|_| StoreError::Corrupt("credit_requests.amount"))?;
                let adjustment = Adjustment {
                    user_id: request.user_id,
                    change,
                    number: request.adjustment_no,
                    note: request.note,
                    by: Requester::Approved(request.approval.asked_by),
                };
                // May refuse, and refuses before it writes, so the decision is recorded after it.
                write_adjustment(tx, &adjustment, now).await?;
                approve(tx, Requests::Credits, id, actor, now).await?;
                record_audit_entry(tx, actor, Action::ApproveCredit, &adjustment, now).await
            }
            .boxed()
        })
        .await
}

pub async fn reject_credit(
    services: &Services,
    actor: &Actor,
    id: &str,
    why: &str,
) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    perform_and_tell(services, actor, Action::RejectCredit, &|tx| {
        async move {
            let request = find_of_another(tx, actor, id).await?;
            reject(tx, Requests::Credits, id, (actor, why), now).await?;
            let detail = format!("{} ¥{}: {why}", request.adjustment_no, request.amount.to_yuan());
            Ok((request.user_id, detail))
        }
        .boxed()
    })
    .await
}

/// Waiting requests oldest first, and decided ones newest first.
pub async fn list_credit_requests(
    services: &Services,
    limit: u32,
) -> Result<(Vec<CreditRequest>, Vec<CreditRequest>), Error> {
    let limit = i64::from(limit);
    services
        .db
        .snapshot(|tx| {
            async move {
                let waiting = parse_rows(credit_requests::list_waiting(tx, limit).await?)?;
                let decided = parse_rows(credit_requests::list_decided(tx, limit).await?)?;
                Ok::<_, StoreError>((waiting, decided))
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

async fn find_of_another(tx: &mut Tx<'_>, actor: &Actor, id: &str) -> Result<CreditRequest, ConsoleError> {
    let row = credit_requests::find(tx, id).await?.ok_or(Error::NotFound)?;
    let request = CreditRequest::try_from(row)?;
    request.approval.require_another(actor)?;
    Ok(request)
}

async fn record_audit_entry(
    tx: &mut Tx<'_>,
    actor: &Actor,
    action: Action,
    adjustment: &Adjustment,
    now: Timestamp,
) -> Result<(), ConsoleError> {
    let act = Act {
        action,
        subject: &adjustment.user_id,
        detail: &detail_of(adjustment),
    };
    record(tx, actor, act, now).await?;
    Ok(())
}

fn detail_of(adjustment: &Adjustment) -> String {
    let sign = if adjustment.change.is_credit() { "+" } else { "-" };
    let amount = adjustment.change.size().to_yuan();
    format!("{} {sign}¥{amount}: {}", adjustment.number, adjustment.note)
}
