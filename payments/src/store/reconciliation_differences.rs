//! Differences of reconciliations.

use chrono::NaiveDate;
use domain::{Channel, Timestamp};

use super::{StoreError, Tx, execute, on, parse_rows};
use crate::model::reconciliation::{Difference, DifferenceKind, DifferenceState};

#[derive(sqlx::FromRow)]
struct DifferenceRow {
    kind: String,
    subject: String,
    payment_no: Option<String>,
    refund_no: Option<String>,
    transaction_id: Option<String>,
    statement_amount: Option<i64>,
    book_amount: Option<i64>,
    state: String,
    evidence: String,
    explanation: Option<String>,
    explained_by: Option<String>,
}

impl TryFrom<DifferenceRow> for Difference {
    type Error = StoreError;

    fn try_from(row: DifferenceRow) -> Result<Difference, StoreError> {
        Ok(Difference {
            kind: DifferenceKind::parse(&row.kind)
                .ok_or(StoreError::Corrupt("reconciliation_differences.kind"))?,
            subject: row.subject,
            payment_no: row.payment_no,
            refund_no: row.refund_no,
            transaction_id: row.transaction_id,
            statement_amount: row.statement_amount,
            book_amount: row.book_amount,
            state: DifferenceState::parse(&row.state)
                .ok_or(StoreError::Corrupt("reconciliation_differences.state"))?,
            evidence: row.evidence,
            explanation: row.explanation,
            explained_by: row.explained_by,
        })
    }
}

/// All differences of a day, open ones first.
pub async fn list(tx: &mut Tx<'_>, day: NaiveDate, channel: Channel) -> Result<Vec<Difference>, StoreError> {
    const SQL: &str = "
        select kind, subject, payment_no, refund_no, transaction_id, statement_amount, book_amount, state, evidence,
            explanation, explained_by
        from reconciliation_differences
        where day = $1 and channel = $2
        order by case state when 'open' then 0 else 1 end, kind, subject";
    let rows: Vec<DifferenceRow> = on!(tx, SQL, fetch_all, |query| query
        .bind(day.to_string())
        .bind(channel.as_str()))?;
    parse_rows(rows)
}

/// Writes a difference, new or changed.
pub async fn put(
    tx: &mut Tx<'_>,
    (day, channel): (NaiveDate, Channel),
    difference: &Difference,
    now: Timestamp,
) -> Result<(), StoreError> {
    const SQL: &str = "
        insert into reconciliation_differences (day, channel, kind, subject, payment_no, refund_no, transaction_id,
            statement_amount, book_amount, state, evidence, explanation, explained_by, found_at, settled_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        on conflict (day, channel, kind, subject) do update
        set payment_no = excluded.payment_no, refund_no = excluded.refund_no,
            transaction_id = excluded.transaction_id, statement_amount = excluded.statement_amount,
            book_amount = excluded.book_amount, state = excluded.state, evidence = excluded.evidence,
            explanation = excluded.explanation, explained_by = excluded.explained_by,
            settled_at = excluded.settled_at";
    let settled_at = (difference.state != DifferenceState::Open).then_some(now.millis());
    execute!(tx, SQL, |query| query
        .bind(day.to_string())
        .bind(channel.as_str())
        .bind(difference.kind.as_str())
        .bind(difference.subject.as_str())
        .bind(difference.payment_no.as_deref())
        .bind(difference.refund_no.as_deref())
        .bind(difference.transaction_id.as_deref())
        .bind(difference.statement_amount)
        .bind(difference.book_amount)
        .bind(difference.state.as_str())
        .bind(difference.evidence.as_str())
        .bind(difference.explanation.as_deref())
        .bind(difference.explained_by.as_deref())
        .bind(now.millis())
        .bind(settled_at))
    .map(drop)
}
