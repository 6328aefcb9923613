//! Audit log queries: filtered for display, complete for an external check, and the chain check itself.

use domain::Timestamp;
use futures_util::FutureExt;

use super::{Action, seal_line};
use crate::store::audit_log::{self, AuditRow, Filter};
use crate::store::{StoreError, Tx};
use crate::{Error, Page, Services};

/// Displayed entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub detail: String,
    pub ip: String,
    pub request_id: String,
    pub previous_hash: String,
    pub hash: String,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> AuditEntry {
        AuditEntry {
            seq: row.seq,
            at: Timestamp::from_millis(row.at),
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            detail: row.detail,
            ip: row.ip,
            request_id: row.request_id,
            previous_hash: row.previous_hash,
            hash: row.hash,
        }
    }
}

/// Filter of the list. `None`: anything.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    pub actor: Option<String>,
    pub action: Option<Action>,
    pub subject: Option<String>,
    pub from: Option<Timestamp>,
    /// First instant after the span.
    pub to: Option<Timestamp>,
    /// Number below which to go on.
    pub below: Option<i64>,
    pub limit: u32,
}

/// Newest first.
pub async fn list_audit_entries(services: &Services, query: &AuditQuery) -> Result<Page<AuditEntry>, Error> {
    let filter = Filter {
        below: query.below.unwrap_or(i64::MAX),
        actor: query.actor.as_deref(),
        action: query.action.map(Action::as_str),
        subject: query.subject.as_deref(),
        from: query.from.map(Timestamp::millis),
        to: query.to.map(Timestamp::millis),
    };
    let rows = services
        .db
        .read_one(|tx| async move { audit_log::list(tx, filter, i64::from(query.limit) + 1).await }.boxed())
        .await?;
    let lines = rows.into_iter().map(AuditEntry::from).collect();
    Ok(crate::pagination::page(
        lines,
        query.limit,
        |line: &AuditEntry| line.seq.to_string(),
    ))
}

/// Oldest first, after a number: with hashes, so that the chain can be checked independently.
pub async fn walk_audit_entries(
    services: &Services,
    above: i64,
    limit: u32,
) -> Result<Vec<AuditEntry>, Error> {
    services
        .db
        .read_one(|tx| async move { audit_log::walk(tx, above, i64::from(limit)).await }.boxed())
        .await
        .map(|rows| rows.into_iter().map(AuditEntry::from).collect())
        .map_err(Error::Internal)
}

/// Part of the chain to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryRange {
    /// The newest entries: a check costs little, however long the log is.
    Newest,
    Whole,
}

/// Result of a check. An empty log is from 1 to 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainCheck {
    pub first: i64,
    pub last: i64,
    pub n_broken: usize,
    pub at: Timestamp,
}

/// Entries per read of the whole chain, and in a check of the newest.
const STRIDE: i64 = 1000;

pub async fn check_audit_chain(services: &Services, stretch: EntryRange) -> Result<ChainCheck, Error> {
    let at = services.clock.now();
    services
        .db
        .snapshot(|tx| {
            async move {
                let (last, _) = audit_log::last(tx).await?.unwrap_or_default();
                let above = match stretch {
                    EntryRange::Newest => (last - STRIDE).max(0),
                    EntryRange::Whole => 0,
                };
                Ok(ChainCheck {
                    first: above + 1,
                    last,
                    n_broken: count_broken_above(tx, above).await?,
                    at,
                })
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Counts the entries that do not follow from the one before.
pub(crate) async fn count_broken_entries(tx: &mut Tx<'_>) -> Result<usize, StoreError> {
    count_broken_above(tx, 0).await
}

/// Entries that were cut off at the end are detected too, because every entry is counted when it is written.
async fn count_broken_above(tx: &mut Tx<'_>, above: i64) -> Result<usize, StoreError> {
    let before = audit_log::walk(tx, above - 1, 1).await?;
    let before = before.into_iter().find(|line| line.seq == above);
    let (mut seq, mut hash) = (above, before.map(|line| line.hash).unwrap_or_default());
    let mut n_broken = 0;
    loop {
        let lines = audit_log::walk(tx, seq, STRIDE).await?;
        if lines.is_empty() {
            let is_cut = audit_log::count_written(tx).await? != seq;
            return Ok(n_broken + usize::from(is_cut));
        }
        for line in lines {
            let follows = line.seq == seq + 1 && line.previous_hash == hash && line.hash == seal_line(&line);
            n_broken += usize::from(!follows);
            (seq, hash) = (line.seq, line.hash);
        }
    }
}
