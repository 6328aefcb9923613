//! Result of a comparison, written in one transaction: figures, differences, the day's close, its incident and its event.
//! The same result again writes nothing.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use domain::{Channel, Timestamp};
use futures_util::FutureExt;

use super::ReconciledDay;
use super::comparison::{Comparison, signed_yuan};
use crate::event;
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::model::reconciliation::{
    DayClose, DayFigures, Difference, DifferenceKind, DifferenceState, Reconciliation, ReconciliationStatus,
};
use crate::model::sentence::Sentence;
use crate::store::{StoreError, Tx, incidents, reconciliation_differences as differences, reconciliations};
use crate::views::ReconciliationView;
use crate::{Error, Services};

/// Differences that an incident names; the page has all.
const MOST_NAMED: usize = 5;

/// Subject of the incidents, the event and the audit entries of a day.
pub(crate) fn subject_of(day: NaiveDate, channel: Channel) -> String {
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
                let changes = merge_differences(&known, &found.differences, vanished);
                for changed in &changes {
                    differences::put(tx, (day, channel), changed, now).await?;
                }
                let all = if changes.is_empty() {
                    known
                } else {
                    differences::list(tx, day, channel).await?
                };
                let next = advance_day(&row, found, &all, now);
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
        .map_err(Error::Internal)
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
        let incident = Incident {
            kind: IncidentKind::ReconciliationDifference,
            subject: &subject,
            payment_id: None,
            detail: &describe_differences(&all),
            recurrence: Recurrence::Opens,
        };
        raise(services, tx, incident).await?;
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

/// Key of a difference within its day.
fn key_of(difference: &Difference) -> (DifferenceKind, &str) {
    (difference.kind, &difference.subject)
}

/// Differences to write: new ones, changed ones, and open ones that are settled now. Two lines of a statement may have one
/// number: the first difference of a key counts, or each look would write one over the other.
fn merge_differences(known: &[Difference], found: &[Difference], vanished: &[Difference]) -> Vec<Difference> {
    let known_by_key: HashMap<_, &Difference> = known.iter().map(|known| (key_of(known), known)).collect();
    let settled = |difference: &Difference| Difference {
        state: DifferenceState::Repaired,
        ..difference.clone()
    };
    let mut seen = HashSet::new();
    let mut changes: Vec<Difference> = Vec::new();
    for difference in found.iter().filter(|found| seen.insert(key_of(found))) {
        let is_unchanged = known_by_key
            .get(&key_of(difference))
            .is_some_and(|known| is_same(known, difference));
        if !is_unchanged {
            changes.push(difference.clone());
        }
    }
    let is_over =
        |known: &&Difference| known.state == DifferenceState::Open && !seen.contains(&key_of(known));
    changes.extend(known.iter().filter(is_over).map(settled));
    for difference in vanished {
        let key = key_of(difference);
        if !known_by_key.contains_key(&key) && seen.insert(key) {
            changes.push(settled(difference));
        }
    }
    changes
}

/// Whether a difference was found as it is known. An explained one stays explained while both amounts are the same.
fn is_same(known: &Difference, found: &Difference) -> bool {
    let amounts = |difference: &Difference| (difference.statement_amount, difference.book_amount);
    if known.state == DifferenceState::Explained {
        amounts(known) == amounts(found)
    } else {
        known == found
    }
}

fn advance_day(
    row: &Reconciliation,
    found: &Comparison,
    all: &[Difference],
    now: Timestamp,
) -> Reconciliation {
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
    // The fund-flow statement may come after the day was closed by the trade statement alone: that changes no sum.
    let known = DayFigures {
        fund_net: row.figures.fund_net.or(found.figures.fund_net),
        ..row.figures
    };
    let is_other = known != found.figures || row.status != status;
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
fn describe_differences(all: &[Difference]) -> String {
    let open: Vec<&Difference> = all
        .iter()
        .filter(|difference| difference.state == DifferenceState::Open)
        .collect();
    let yuan = |fen: Option<i64>| fen.map_or("none".to_owned(), signed_yuan);
    let named: Vec<String> = open
        .iter()
        .take(MOST_NAMED)
        .map(|difference| {
            Sentence::Difference.with(&[
                &difference.kind.as_str(),
                &difference.subject,
                &yuan(difference.statement_amount),
                &yuan(difference.book_amount),
            ])
        })
        .collect();
    Sentence::Differences.with(&[&open.len(), &named.join("; ")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(subject: &str, statement_amount: i64) -> Difference {
        Difference {
            kind: DifferenceKind::Amount,
            subject: subject.to_owned(),
            payment_no: None,
            refund_no: None,
            transaction_id: None,
            statement_amount: Some(statement_amount),
            book_amount: Some(100),
            state: DifferenceState::Open,
            evidence: format!("statement {statement_amount}"),
            explanation: None,
            explained_by: None,
        }
    }

    fn in_state(state: DifferenceState, difference: &Difference) -> Difference {
        Difference {
            state,
            ..difference.clone()
        }
    }

    #[test]
    fn a_second_look_at_two_lines_of_one_number_changes_nothing() {
        let found = [of("a", 1), of("a", 2), of("b", 3)];
        let known = merge_differences(&[], &found, &[]);
        assert_eq!(known, [of("a", 1), of("b", 3)]);
        assert_eq!(merge_differences(&known, &found, &[]), []);
        let explained = [
            in_state(DifferenceState::Explained, &of("a", 1)),
            in_state(DifferenceState::Explained, &of("b", 3)),
        ];
        assert_eq!(merge_differences(&explained, &found, &[]), []);
    }

    #[test]
    fn what_is_not_found_any_more_is_settled_once() {
        use DifferenceState::{Explained, Repaired};
        let known = [of("a", 1), in_state(Explained, &of("b", 2)), of("c", 3)];
        let vanished = [of("c", 3), of("d", 4), of("d", 5), of("e", 6)];
        let changes = merge_differences(&known, &[of("a", 7), of("e", 6)], &vanished);
        assert_eq!(
            changes,
            [
                of("a", 7),
                of("e", 6),
                in_state(Repaired, &of("c", 3)),
                in_state(Repaired, &of("d", 4))
            ]
        );
        let other_amount = of("b", 9);
        assert_eq!(
            merge_differences(&known[1..2], std::slice::from_ref(&other_amount), &[]),
            [other_amount]
        );
        let settled = [in_state(Repaired, &of("a", 1))];
        assert_eq!(merge_differences(&settled, &[of("a", 1)], &[]), [of("a", 1)]);
    }
}
