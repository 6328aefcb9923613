//! Requesters of payouts, and the limits of an API key.

use domain::{Money, Timestamp};

use crate::Error;
use crate::calendar::midnight_before;
use crate::model::api_key::KeyLimits;
use crate::model::requester::Requester;
use crate::store::batch::Write;
use crate::store::requesters::{self, ActKind, NewAct};
use crate::store::{StoreError, Tx, api_keys};

impl Requester {
    /// Locks an API key until the commit, so that of two concurrent refunds one counts the other.
    pub(crate) async fn hold_key(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        match self {
            Requester::ApiKey(id) => api_keys::hold_api_key(tx, id).await,
            Requester::Rule | Requester::Person(_) | Requester::Approved(_) => Ok(()),
        }
    }

    /// Refuses amounts above the limits of an API key. Only reads: [`Requester::hold_key`] must come first where it
    /// decides.
    pub(crate) async fn check_key_limits(
        &self,
        tx: &mut Tx<'_>,
        amount: Money,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Requester::ApiKey(id) = self else {
            return Ok(());
        };
        let limits = api_keys::find_key_limits(tx, id).await?.unwrap_or_default();
        let given = match limits.per_day {
            Some(_) => requesters::sum_of_key(tx, id, midnight_before(now)).await?,
            None => 0,
        };
        check_limits(limits, given, amount)
    }

    /// Id of the API key that asks.
    pub(crate) fn api_key_id(&self) -> Option<&str> {
        match self {
            Requester::ApiKey(id) => Some(id),
            Requester::Rule | Requester::Person(_) | Requester::Approved(_) => None,
        }
    }

    /// Records a refund, as a write of its batch.
    pub(crate) fn note_refund(&self, refund: &domain::Refund, now: Timestamp) -> Option<Write> {
        let act = NewAct {
            kind: ActKind::Refund,
            subject: refund.id.as_str(),
            amount: refund.amount,
            user_id: None,
        };
        requesters::insert(self, &act, now)
    }

    /// Records a cancellation.
    pub(crate) async fn record_cancellation(
        &self,
        tx: &mut Tx<'_>,
        order_id: &domain::OrderId,
        now: Timestamp,
    ) -> Result<(), Error> {
        let act = NewAct {
            kind: ActKind::Cancel,
            subject: order_id.as_str(),
            amount: Money::ZERO,
            user_id: None,
        };
        let noted = requesters::insert(self, &act, now);
        Ok(tx.run_batch(noted).await?)
    }
}

/// Refuses what is above the limits of an API key that has given out a sum today.
pub(crate) fn check_limits(limits: KeyLimits, given: i64, amount: Money) -> Result<(), Error> {
    if limits.per_refund.is_some_and(|most| amount > most) {
        return Err(Error::AboveKeyLimit(
            "this sum is above the limit of this API key",
        ));
    }
    let is_above = |most: Money| given.saturating_add(amount.fen()) > most.fen();
    if limits.per_day.is_some_and(is_above) {
        return Err(Error::AboveKeyLimit(
            "this API key has reached its limit of today",
        ));
    }
    Ok(())
}
