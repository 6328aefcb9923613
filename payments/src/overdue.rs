//! Overdue rows: one rule by age over all rows that are open, whatever the cause.

use std::time::Duration;

use domain::{Channel, PaymentId, PaymentNo, Timestamp};
use futures_util::FutureExt;

use crate::calendar::beijing;
use crate::gateway::Operation;
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
use crate::store::incidents;
use crate::store::overdue::{self, Bounds, OverdueRow};
use crate::store::{StoreError, Tx, gateway_calls};
use crate::{Error, Services, gateway_health};

/// Orders created within this time are compared with their payments on every run; `tongqian audit` compares all.
const RECENT: Duration = Duration::from_hours(1);
/// Limits incidents about single payments while their gateway is silent, which has an incident of its own.
const MOST_WHILE_SILENT: usize = 10;
/// Maximum characters of a gateway's answer in an incident.
const MOST_WORDS: usize = 300;

/// Ages from which an open row needs a person.
#[derive(Debug, Clone, Copy)]
pub struct OverdueAfter {
    /// After the expiry of a payment or order that is still open; and after the first of a payment's queries without a
    /// usable answer.
    pub payment: Duration,
    pub wechat_refund: Duration,
    pub alipay_refund: Duration,
}

impl Default for OverdueAfter {
    fn default() -> OverdueAfter {
        OverdueAfter {
            payment: Duration::from_mins(30),
            wechat_refund: Duration::from_hours(24),
            alipay_refund: Duration::from_hours(1),
        }
    }
}

/// A job of this server that has not succeeded for longer than its schedule explains.
#[derive(Debug, Clone)]
pub struct LateJob {
    pub name: &'static str,
    pub age: Duration,
}

/// Raises incidents for overdue rows and settles those that are over.
pub async fn look_after(services: &Services, late_jobs: &[LateJob]) -> Result<(), Error> {
    gateway_health::look(services).await?;
    raise_overdue(services, late_jobs).await.map_err(Error::Internal)
}

fn age_bounds(services: &Services, now: Timestamp) -> Bounds {
    let after = services.policy.overdue_after;
    Bounds {
        ended: now - after.payment,
        unanswered: now - after.payment,
        wechat_refund: now - after.wechat_refund,
        alipay_refund: now - after.alipay_refund,
        recent: now - RECENT,
    }
}

/// Incident to raise, or to reopen after it had settled itself.
struct Finding {
    kind: IncidentKind,
    subject: String,
    payment_id: Option<PaymentId>,
    detail: String,
}

impl Finding {
    fn to_incident(&self) -> Incident<'_> {
        Incident {
            kind: self.kind,
            subject: &self.subject,
            payment_id: self.payment_id.as_ref(),
            detail: &self.detail,
            recurrence: Recurrence::OpensUnlessResolved,
        }
    }
}

async fn raise_overdue(services: &Services, late_jobs: &[LateJob]) -> Result<(), StoreError> {
    let now = services.clock.now();
    let bounds = age_bounds(services, now);
    let (findings, ended) = services
        .db
        .snapshot(|tx| {
            async move {
                let findings = find_overdue(services, tx, bounds).await?;
                Ok::<_, StoreError>((findings, overdue::find_ended(tx, bounds).await?))
            }
            .boxed()
        })
        .await?;
    let jobs = late_jobs.iter().map(|job| Finding {
        kind: IncidentKind::JobOverdue,
        subject: services.process.sign(job.name),
        payment_id: None,
        detail: Sentence::JobOverdue.with(&[&job.name, &format_span(job.age)]),
    });
    let jobs = new_of_this_server(services, IncidentKind::JobOverdue, jobs.collect()).await?;
    let findings: &Vec<Finding> = &findings.into_iter().chain(jobs.new).collect();
    let (ended, jobs_over) = (&ended, &jobs.over);
    if findings.is_empty() && ended.is_empty() && jobs_over.is_empty() {
        return Ok(());
    }
    services
        .db
        .write(|tx| {
            async move {
                for finding in findings {
                    raise(services, tx, finding.to_incident()).await?;
                }
                for row in ended {
                    if let Some(kind) = IncidentKind::parse(&row.kind) {
                        incidents::settle(tx, kind, &row.subject, now).await?;
                    }
                }
                for subject in jobs_over {
                    incidents::settle(tx, IncidentKind::JobOverdue, subject, now).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
}

/// New findings of this server, and its open incidents that are over.
struct Compared {
    new: Vec<Finding>,
    over: Vec<String>,
}

async fn new_of_this_server(
    services: &Services,
    kind: IncidentKind,
    findings: Vec<Finding>,
) -> Result<Compared, StoreError> {
    let written = services
        .db
        .read_one(|tx| async move { incidents::open_subjects(tx, kind).await }.boxed())
        .await?;
    let over = written
        .iter()
        .filter(|subject| services.process.has_signed(subject))
        .filter(|subject| !findings.iter().any(|finding| finding.subject == **subject))
        .cloned()
        .collect();
    let new = findings
        .into_iter()
        .filter(|finding| !written.contains(&finding.subject))
        .collect();
    Ok(Compared { new, over })
}

async fn find_overdue(
    services: &Services,
    tx: &mut Tx<'_>,
    bounds: Bounds,
) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for row in overdue::find_payments(tx, bounds).await? {
        let story = Sentence::PaymentOverdue.with(&[&beijing(overdue_since(&row))]);
        findings.push(describe_finding(tx, IncidentKind::PaymentOverdue, row, &story).await?);
    }
    for channel in Channel::ALL {
        let is_silent = services
            .gateways
            .get(channel)
            .is_some_and(|gateway| gateway.health().silent_since().is_some());
        let rows = overdue::find_unanswered(tx, channel, bounds).await?;
        if is_silent && rows.len() > MOST_WHILE_SILENT {
            continue;
        }
        for row in rows {
            let story = Sentence::PaymentUnanswered.with(&[&beijing(overdue_since(&row))]);
            findings.push(describe_finding(tx, IncidentKind::PaymentUnanswered, row, &story).await?);
        }
    }
    for row in overdue::find_refunds(tx, bounds).await? {
        let story = Sentence::RefundOverdue.with(&[&beijing(overdue_since(&row))]);
        findings.push(describe_finding(tx, IncidentKind::RefundOverdue, row, &story).await?);
    }
    for row in overdue::find_orders(tx, bounds).await? {
        let story = Sentence::OrderOverdue.with(&[&beijing(overdue_since(&row))]);
        findings.push(describe_finding(tx, IncidentKind::OrderOverdue, row, &story).await?);
    }
    Ok(findings)
}

fn overdue_since(row: &OverdueRow) -> Timestamp {
    Timestamp::from_millis(row.since)
}

async fn describe_finding(
    tx: &mut Tx<'_>,
    kind: IncidentKind,
    row: OverdueRow,
    story: &str,
) -> Result<Finding, StoreError> {
    let number = row.payment_no.as_deref().and_then(PaymentNo::parse);
    let words = match number {
        Some(number) => last_words(tx, &number, kind).await?,
        None => None,
    };
    let words = words.unwrap_or_else(|| Sentence::NoWords.as_str().to_owned());
    let detail = format!("{story}. {words}");
    Ok(Finding {
        kind,
        subject: row.subject,
        payment_id: row.payment_id.as_deref().and_then(PaymentId::parse),
        detail,
    })
}

/// Says the last answer of the gateway, or the reason why it was rejected.
async fn last_words(
    tx: &mut Tx<'_>,
    number: &PaymentNo,
    kind: IncidentKind,
) -> Result<Option<String>, StoreError> {
    let is_refund = kind == IncidentKind::RefundOverdue;
    // The incident needs the answer that explains why the row stays open, not those of other operations.
    let operation = match kind {
        IncidentKind::RefundOverdue => Operation::Refund,
        IncidentKind::PaymentUnanswered => Operation::Query,
        _ => Operation::Close,
    };
    let Some(call) = gateway_calls::last_of(tx, number, is_refund, operation.as_str()).await? else {
        return Ok(None);
    };
    let at = beijing(Timestamp::from_millis(call.last_at));
    let status = call.status.map(|status| format!(" {status}")).unwrap_or_default();
    let reason = call
        .reason
        .map(|reason| format!(" ({reason})"))
        .unwrap_or_default();
    let answer: String = call.answer.chars().take(MOST_WORDS).collect();
    let answer = format!("{status}{reason} {answer}");
    Ok(Some(Sentence::LastWords.with(&[
        &call.operation,
        &at,
        &call.n,
        &answer,
    ])))
}

/// Formats a duration in its largest whole unit.
fn format_span(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
