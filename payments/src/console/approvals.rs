//! Approval by a second person: one requests, another decides. Refunds and balance credits above the thresholds need it.

use domain::Timestamp;

use super::{Actor, ConsoleError};
use crate::store::approvals::{ApprovalRow, Decision, Requests, decide};
use crate::store::{StoreError, Tx};

/// The people of a request, and their decision.
#[derive(Debug, Clone)]
pub struct Approval {
    pub asked_by: String,
    pub asked_at: Timestamp,
    /// `None`: it waits.
    pub is_approved: Option<bool>,
    pub decided_by: Option<String>,
    pub decided_at: Option<Timestamp>,
    pub note: Option<String>,
}

impl From<ApprovalRow> for Approval {
    fn from(row: ApprovalRow) -> Approval {
        Approval {
            asked_by: row.asked_by,
            asked_at: Timestamp::from_millis(row.asked_at),
            is_approved: match row.state.as_str() {
                "approved" => Some(true),
                "rejected" => Some(false),
                _ => None,
            },
            decided_by: row.decided_by,
            decided_at: row.decided_at.map(Timestamp::from_millis),
            note: row.decision_note,
        }
    }
}

impl Approval {
    /// Refuses a decision by the person who requested it.
    pub(super) fn require_another(&self, actor: &Actor) -> Result<(), ConsoleError> {
        if self.asked_by == actor.email {
            return Err(ConsoleError::OwnRequest);
        }
        Ok(())
    }

    pub(super) fn require_waiting(&self) -> Result<(), ConsoleError> {
        if self.is_approved.is_some() {
            return Err(ConsoleError::DecidedAlready);
        }
        Ok(())
    }
}

/// Records an approval in the transaction of its effect.
pub(super) async fn approve(
    tx: &mut Tx<'_>,
    requests: Requests,
    id: &str,
    actor: &Actor,
    at: Timestamp,
) -> Result<(), ConsoleError> {
    let decision = Decision {
        is_approval: true,
        by: &actor.email,
        note: "",
        at,
    };
    if !decide(tx, requests, id, &decision).await? {
        return Err(StoreError::Stale.into());
    }
    Ok(())
}

pub(super) async fn reject(
    tx: &mut Tx<'_>,
    requests: Requests,
    id: &str,
    (actor, note): (&Actor, &str),
    at: Timestamp,
) -> Result<(), ConsoleError> {
    let decision = Decision {
        is_approval: false,
        by: &actor.email,
        note,
        at,
    };
    if !decide(tx, requests, id, &decision).await? {
        return Err(ConsoleError::DecidedAlready);
    }
    Ok(())
}
