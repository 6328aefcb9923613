//! Create calls: at most one of a payment is in progress, and its prompt is kept.

use domain::{Order, Payment, Timestamp};

use super::super::batch::Write;
use super::super::servers::Lease;
use super::super::{StoreError, Tx, execute, on};
use crate::event;

/// Claim on a payment's create call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallClaim {
    /// Another caller has it, or there is a fresh prompt.
    Refused,
    /// The gateway has not been sent these bytes before.
    First,
    /// An earlier call may have reached the gateway, whatever its answer was.
    Repeated,
}

/// Claims the create call: two concurrent calls would get two codes, of which the gateway keeps only one valid.
///
/// The payment must be open, without a prompt or with one made no later than `stale_since`; without that a prompt never
/// becomes stale.
pub async fn claim_call(
    tx: &mut Tx<'_>,
    payment: &Payment,
    lease: Lease<'_>,
    stale_since: Option<Timestamp>,
) -> Result<CallClaim, StoreError> {
    const SQL: &str = "
        update payments set calling_until = $3, calling_by = $5, n_calls = n_calls + 1
        where id = $1 and (calling_until <= $2 or calling_until > $6) and state in ('created', 'pending')
            and (prompt is null or coalesce(prompted_at, created_at) <= cast($4 as bigint))
        returning n_calls";
    let n_calls: Option<(i64,)> = on!(tx, SQL, fetch_optional, |query| query
        .bind(payment.id.as_str())
        .bind(lease.now.millis())
        .bind(lease.until.millis())
        .bind(stale_since.map(Timestamp::millis))
        .bind(lease.holder)
        .bind(lease.latest().millis()))?;
    Ok(match n_calls {
        None => CallClaim::Refused,
        Some((1,)) => CallClaim::First,
        Some(_) => CallClaim::Repeated,
    })
}

/// Releases the claim after a failed create call: the next one may be sent at once.
pub async fn release_call(tx: &mut Tx<'_>, payment: &Payment) -> Result<(), StoreError> {
    const SQL: &str = "update payments set calling_until = 0 where id = $1";
    execute!(tx, SQL, |query| query.bind(payment.id.as_str())).map(drop)
}

/// Compare-and-set from created to `opened`: the gateway has taken the payment and returned its prompt.
pub fn open(tx: &mut Tx<'_>, payment: &Payment, opened: &Payment, order: &Order) -> Write {
    const SQL: &str = "
        update payments
        set state = 'pending', failure_reason = null, prompt = $3, prompted_at = $4, updated_at = $5, calling_until = 0,
            version = version + 1
        where id = $1 and version = $2 and state = 'created'";
    tx.record_events(event::payment_changed(opened, order));
    Write::exactly(1, SQL)
        .bind(payment.id.as_str())
        .bind(payment.version)
        .bind(opened.prompt.as_deref())
        .bind(opened.prompted_at.map(Timestamp::millis))
        .bind(opened.updated_at.millis())
}

/// Whether a new payment is as it was read.
pub async fn is_unchanged(tx: &mut Tx<'_>, payment: &Payment) -> Result<bool, StoreError> {
    const SQL: &str = "select count(*) from payments where id = $1 and version = $2 and state = 'created'";
    let (n_found,): (i64,) = on!(tx, SQL, fetch_one, |query| query
        .bind(payment.id.as_str())
        .bind(payment.version))?;
    Ok(n_found == 1)
}

/// Stores the prompt, replacing an older one.
pub async fn keep_prompt(
    tx: &mut Tx<'_>,
    payment: &Payment,
    prompt: &str,
    prompted_at: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        update payments set prompt = $2, prompted_at = $3, updated_at = $3, calling_until = 0
        where id = $1";
    execute!(tx, SQL, |query| query
        .bind(payment.id.as_str())
        .bind(prompt)
        .bind(prompted_at.millis()))
    .map(drop)
}
