//! Balances of users: read, adjusted, topped up, and spent.

mod pay;

use std::time::Duration;

use domain::ledger::{Change, Transfer};
use domain::{Money, Order, Purpose, Refusal, Timestamp, id};
use futures_util::FutureExt;

pub(crate) use self::pay::pay_by_balance;
use crate::idempotency::{Idempotency, Outcome, write_once};
use crate::ledger::post;
use crate::order::{NewOrder, draft, write_order};
use crate::pagination::page;
use crate::store::requesters::{self, ActKind, NewAct};
use crate::store::{StoreError, Tx, ledger, orders};
use crate::validate::{invalid, is_line};
use crate::{Balance, Entry, Error, Page, Requester, Services};

/// Subject of a top-up on the payer's bill.
const TOPUP_SUBJECT: &str = "余额充值";

/// Adjustment of a balance by the operator.
#[derive(Debug, Clone)]
pub struct Adjustment {
    pub user_id: String,
    pub change: Change,
    /// Idempotency key of the adjustment: the same number with the same content is the same adjustment.
    pub number: String,
    pub note: String,
    pub by: Requester,
}

/// Order that tops up a user's balance.
#[derive(Debug, Clone)]
pub struct TopUp {
    pub user_id: String,
    pub amount: Money,
    pub order_no: Option<String>,
    pub return_url: Option<String>,
}

/// Balance of a user; zero for an unknown one.
pub async fn find_balance(services: &Services, user_id: &str) -> Result<Balance, Error> {
    check_user(user_id)?;
    services
        .db
        .read_one(|tx| async move { ledger::find_balance(tx, user_id).await }.boxed())
        .await
        .map_err(Error::Internal)
}

/// A user's entries, newest first; `before` is the [`Page::next_cursor`] of the page before.
pub async fn list_entries(
    services: &Services,
    user_id: &str,
    before: Option<i64>,
    limit: u32,
) -> Result<Page<Entry>, Error> {
    check_user(user_id)?;
    let rows = services
        .db
        .read_one(|tx| async move { ledger::list(tx, user_id, before, i64::from(limit) + 1).await }.boxed())
        .await?;
    Ok(page(rows, limit, |entry: &Entry| entry.seq.to_string()))
}

/// Credits or debits a user; never below zero.
pub async fn adjust_balance(
    services: &Services,
    adjustment: Adjustment,
    idempotency: Option<Idempotency<Entry>>,
) -> Result<Outcome<Entry>, Error> {
    check_adjustment(&adjustment)?;
    let now = services.clock.now();
    let adjustment = &adjustment;
    write_once(services, idempotency.as_ref(), now, &|tx| {
        async move { write_adjustment(tx, adjustment, now).await }.boxed()
    })
    .await
}

/// Writes an adjustment, or finds the existing one with the same number and content.
pub(crate) async fn write_adjustment(
    tx: &mut Tx<'_>,
    adjustment: &Adjustment,
    now: Timestamp,
) -> Result<Outcome<Entry>, Error> {
    let Adjustment { user_id, number, .. } = adjustment;
    let journal = Transfer::adjustment_journal(number);
    if let Some(existing) = ledger::find_entry(tx, &journal).await? {
        if !is_same(&existing, adjustment) {
            return Err(Refusal::AdjustmentNoReused.into());
        }
        return Ok(Outcome::Existing(existing));
    }
    let transfer = Transfer::adjust(user_id, adjustment.change, number, &adjustment.note);
    let given = if adjustment.change.is_credit() {
        adjustment.change.size()
    } else {
        Money::ZERO
    };
    adjustment.by.hold_key(tx).await?;
    adjustment.by.check_key_limits(tx, given, now).await?;
    if let Err(refusal) = post(tx, &transfer, now).await {
        // On PostgreSQL the same adjustment may have been written since the check above, and have used up the balance.
        return match ledger::find_entry(tx, &journal).await? {
            Some(_) => Err(StoreError::Stale.into()),
            None => Err(refusal),
        };
    }
    let act = NewAct {
        kind: ActKind::Adjust,
        subject: number,
        amount: given,
        user_id: Some(user_id),
    };
    let noted = requesters::insert(&adjustment.by, &act, now);
    tx.run_batch(noted).await?;
    let entry = ledger::find_entry(tx, &journal)
        .await?
        .ok_or(StoreError::Corrupt("entries.journal"))?;
    Ok(Outcome::New(entry))
}

fn check_user(user_id: &str) -> Result<(), Error> {
    if is_line(user_id, 64) {
        Ok(())
    } else {
        Err(invalid(
            "userId",
            "must be 1 to 64 characters without control characters",
        ))
    }
}

pub(crate) fn check_adjustment(adjustment: &Adjustment) -> Result<(), Error> {
    check_user(&adjustment.user_id)?;
    if !id::is_name(&adjustment.number) {
        return Err(invalid(
            "adjustmentNo",
            "must be 1 to 64 characters of A-Z a-z 0-9 _ -",
        ));
    }
    if !is_line(&adjustment.note, 256) {
        return Err(invalid(
            "note",
            "must be 1 to 256 characters without control characters",
        ));
    }
    Ok(())
}

fn is_same(entry: &Entry, adjustment: &Adjustment) -> bool {
    entry.user_id == adjustment.user_id
        && entry.amount == adjustment.change
        && entry.note.as_deref() == Some(&adjustment.note)
}

/// Creates an order whose payment fills the user's balance.
pub async fn top_up(
    services: &Services,
    top_up: TopUp,
    idempotency: Option<Idempotency<Order>>,
) -> Result<Outcome<Order>, Error> {
    write_order(services, &new_topup(top_up), Purpose::Topup, idempotency).await
}

fn new_topup(top_up: TopUp) -> NewOrder {
    NewOrder {
        order_no: top_up.order_no,
        user_id: top_up.user_id,
        subject: TOPUP_SUBJECT.to_owned(),
        amount: top_up.amount,
        return_url: top_up.return_url,
        metadata: None,
        allows_balance: false,
        expires_in: None,
    }
}

/// A top-up that expires sooner than this is not reused.
const LEAST_TIME: Duration = Duration::from_mins(2);

/// Returns the top-up order for another order, as its checkout page requests it: the open one of the same user and amount
/// when there is one, so that a holder of the link cannot create orders without limit.
pub async fn top_up_for_order(
    services: &Services,
    order: &Order,
    amount: Money,
    return_url: String,
) -> Result<Order, Error> {
    let new = &draft(
        services,
        &new_topup(TopUp {
            user_id: order.user_id.clone(),
            amount,
            order_no: None,
            return_url: Some(return_url),
        }),
        Purpose::Topup,
    )?;
    let valid_until = services.clock.now() + LEAST_TIME;
    services
        .db
        .write(|tx| {
            async move {
                let source = orders::find(tx, &order.id).await?.ok_or(Error::NotFound)?;
                if let Some(open) = orders::find_open_topup(tx, new, valid_until).await? {
                    return Ok(open);
                }
                // Of two requests that find none, one waits here and then finds the other's.
                let insert = orders::insert(tx, new);
                tx.run_batch([orders::bump_version(&source), insert]).await?;
                Ok(new.clone())
            }
            .boxed()
        })
        .await
}
