//! Result of a comparison, written in one transaction: figures, differences, the day's close, its incident and its event.
//! The same result again writes nothing.

use chrono::NaiveDate;
use domain::{Channel, IncidentId, Timestamp};
use futures_util::FutureExt;

use super::ReconciledDay;
use super::comparison::{Comparison, signed_yuan};
use crate::event;
use crate::model::incident::IncidentKind;
use crate::model::reconciliation::{
    DayClose, Difference, DifferenceKind, DifferenceState, Reconciliation, ReconciliationStatus,
};
use crate::store::{StoreError, Tx, incidents, reconciliation_differences as differences, reconciliations};
use crate::views::ReconciliationView;
use crate::{Error, Services};

/// Differences that an incident names; the page has all.
const MOST_NAMED: usize = 5;

/// Subject of the incidents of a day.
pub(super) fn subject_of(day: NaiveDate, channel: Channel) -> String {
    format!("{day} {channel}")
}

/// Writes what the last look found. `vanished` was found by a look before, and is settled by the gateway's answers.
pub(super) async fn record(
    services: &Services,
    (day, channel): (NaiveDate, Channel),
    found: &Comparison,
    vanished: &[Difference],
) -> Result<ReconciledDay, Error> {
    services
        .db
        .write(|tx| {
            async move {
                let now = services.clock.now();
                let row = reconciliations::find(tx, day, channel)
                    .await?
                    .ok_or(StoreError::Stale)?;
                let known = differences::list(tx, day, channel).await?;
                let changes = merge(&known, &found.differences, vanished);
                for changed in &changes {
                    differences::put(tx, (day, channel), changed, now).await?;
                }
                let all = if changes.is_empty() {
                    known
                } else {
                    differences::list(tx, day, channel).await?
                };
                let next = advanced(&row, found, &all, now);
                // Only a note or a time to ask again may be over.
                let unchanged = Reconciliation {
                    note: row.note.clone(),
                    due_at: row.due_at,
                    finished_at: row.finished_at,
                    ..next.clone()
                };
                if changes.is_empty() && unchanged == row && row.finished_at.is_some() {
                    reconciliations::end_turn(tx, day, channel).await?;
                    let row = Reconciliation {
                        note: None,
                        due_at: None,
                        ..row
                    };
                    return Ok(ReconciledDay {
                        row,
                        differences: all,
                    });
                }
                finish(services, tx, next, all, now).await
            }
            .boxed()
        })
        .await
        .map_err(|error: StoreError| Error::Internal(error))
}

/// Writes a finished day with its incident and its event.
pub(super) async fn finish(
    services: &Services,
    tx: &mut Tx<'_>,
    next: Reconciliation,
    all: Vec<Difference>,
    now: Timestamp,
) -> Result<ReconciledDay, StoreError> {
    reconciliations::record(tx, &next, now).await?;
    let subject = subject_of(next.day, next.channel);
    incidents::settle(tx, IncidentKind::StatementMissing, &subject, now).await?;
    if next.status == ReconciliationStatus::Differences {
        let detail = describe(&all);
        let id = IncidentId::new(now, services.clock.entropy());
        let kind = IncidentKind::ReconciliationDifference;
        incidents::raise(tx, &id, kind, &subject, None, &detail, now).await?;
        incidents::reopen(tx, kind, &subject, &detail, now).await?;
    } else {
        incidents::settle(tx, IncidentKind::ReconciliationDifference, &subject, now).await?;
    }
    let view = ReconciliationView::new(&next, &all);
    let change = next.version.to_string();
    tx.record_event(event::reconciliation_finished(&subject, &view, &change, now));
    Ok(ReconciledDay {
        row: Reconciliation {
            version: next.version + 1,
            ..next
        },
        differences: all,
    })
}

/// Differences to write: new ones, changed ones, and open ones that are settled now.
fn merge(known: &[Difference], found: &[Difference], vanished: &[Difference]) -> Vec<Difference> {
    let is_same = |a: &Difference, b: &Difference| a.kind == b.kind && a.subject == b.subject;
    let mut changes: Vec<Difference> = Vec::new();
    for difference in found {
        if changes.iter().any(|other| is_same(other, difference)) {
            continue;
        }
        match known.iter().find(|known| is_same(known, difference)) {
            Some(known) if known.state == DifferenceState::Explained => {
                let is_as_explained = (known.statement_amount, known.book_amount)
                    == (difference.statement_amount, difference.book_amount);
                if !is_as_explained {
                    changes.push(difference.clone());
                }
            }
            Some(known) if known == difference => {}
            _ => changes.push(difference.clone()),
        }
    }
    let settled = |difference: &Difference| Difference {
        state: DifferenceState::Repaired,
        ..difference.clone()
    };
    let is_found = |difference: &Difference| found.iter().any(|other| is_same(other, difference));
    let over = known
        .iter()
        .filter(|difference| difference.state == DifferenceState::Open && !is_found(difference));
    changes.extend(over.map(settled));
    for difference in vanished.iter().filter(|difference| !is_found(difference)) {
        if !known.iter().any(|other| is_same(other, difference))
            && !changes.iter().any(|other| is_same(other, difference))
        {
            changes.push(settled(difference));
        }
    }
    changes
}

fn advanced(row: &Reconciliation, found: &Comparison, all: &[Difference], now: Timestamp) -> Reconciliation {
    let is_open = all
        .iter()
        .any(|difference| difference.state == DifferenceState::Open);
    let status = if is_open {
        ReconciliationStatus::Differences
    } else {
        ReconciliationStatus::Matched
    };
    let by_itself = (!is_open).then_some(DayClose {
        at: now,
        by: None,
        reason: None,
    });
    let is_other = row.figures != found.figures || row.status != status;
    Reconciliation {
        status,
        note: None,
        figures: found.figures,
        due_at: None,
        finished_at: Some(now),
        close: row.close.clone().or(by_itself),
        changed_at: match &row.close {
            Some(_) if is_other && row.finished_at.is_some() => Some(now),
            _ => row.changed_at,
        },
        ..row.clone()
    }
}

/// Open differences in words, for the incident: it must be readable without the page.
fn describe(all: &[Difference]) -> String {
    let open: Vec<&Difference> = all
        .iter()
        .filter(|difference| difference.state == DifferenceState::Open)
        .collect();
    let yuan = |fen: Option<i64>| fen.map_or("none".to_owned(), signed_yuan);
    let named: Vec<String> = open
        .iter()
        .take(MOST_NAMED)
        .map(|difference| {
            format!(
                "{} {}: statement {}, books {}",
                difference.kind.as_str(),
                difference.subject,
                yuan(difference.statement_amount),
                yuan(difference.book_amount)
            )
        })
        .collect();
    format!("{} open differences; {}", open.len(), named.join("; "))
}

/// Explains open differences for a person: one of them, or all.
pub(super) fn explained(
    all: &[Difference],
    which: Option<(DifferenceKind, &str)>,
    by: &str,
    why: &str,
) -> Vec<Difference> {
    all.iter()
        .filter(|difference| difference.state == DifferenceState::Open)
        .filter(|difference| {
            which.is_none_or(|(kind, subject)| difference.kind == kind && difference.subject == subject)
        })
        .map(|difference| Difference {
            state: DifferenceState::Explained,
            explanation: Some(why.to_owned()),
            explained_by: Some(by.to_owned()),
            ..difference.clone()
        })
        .collect()
}
