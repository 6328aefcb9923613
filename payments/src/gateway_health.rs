//! Incidents about a gateway as a whole: raised for a person and settled when they no longer apply.

use std::time::Duration;

use domain::{Channel, Timestamp};
use futures_util::FutureExt;

use crate::calendar::beijing;
use crate::gateway::Gateway;
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
use crate::store::incidents::{self, RaisedRow};
use crate::store::{StoreError, Tx, forged_notifications};
use crate::{Error, Services};

/// Threshold of an hour: single forged notifications are probing, and a lost key causes a few; this many are neither.
const MOST_FORGED: i64 = 20;
const HOUR: Duration = Duration::from_hours(1);
/// Length of a window in which forged notifications are counted.
const SPAN: Duration = Duration::from_mins(10);
const DAY: Duration = Duration::from_hours(24);
/// Maximum clock drift against a gateway: both sides refuse signatures that are five minutes off.
const MOST_DRIFT: Duration = Duration::from_secs(30);

struct Alarm {
    kind: IncidentKind,
    /// Starts with the channel. The same problem has the same subject: one row, however often it is checked.
    subject: String,
    detail: String,
}

/// Compares the current problems with the stored incidents, and writes only differences.
pub(crate) async fn look(services: &Services) -> Result<(), Error> {
    let now = services.clock.now();
    write_forged(services, now).await?;
    let (written, n_forged) = services
        .db
        .snapshot(|tx| {
            async move {
                let written = incidents::subjects_of(tx, IncidentKind::OF_GATEWAYS).await?;
                let mut n_forged = Vec::new();
                for channel in Channel::ALL {
                    n_forged.push((
                        channel,
                        forged_notifications::count(tx, channel, now - HOUR).await?,
                    ));
                }
                Ok::<_, StoreError>((written, n_forged))
            }
            .boxed()
        })
        .await?;
    let mut alarms = Vec::new();
    for (channel, n_forged) in n_forged {
        if let Some(gateway) = services.gateways.get(channel) {
            alarms.extend(alarms_of(channel, gateway, n_forged, now));
            alarms.extend(clock_alarm(services, channel, gateway));
        }
    }
    let alarms = &alarms;
    let is_new = |alarm: &&Alarm| {
        // Repeated clock drift is reported again, unless a person has resolved it.
        let stands = |row: &&RaisedRow| {
            alarm.kind != IncidentKind::ClockOff || row.resolved_at.is_none() || row.resolved_by.is_some()
        };
        !written
            .iter()
            .filter(stands)
            .any(|row| row.kind == alarm.kind.as_str() && row.subject == alarm.subject)
    };
    let new: Vec<&Alarm> = alarms.iter().filter(is_new).collect();
    let over: Vec<(IncidentKind, &str)> = written
        .iter()
        .filter(|row| row.resolved_at.is_none())
        .filter_map(|row| Some((IncidentKind::parse(&row.kind)?, row.subject.as_str())))
        .filter(|(kind, subject)| {
            let is_known = |alarm: &Alarm| alarm.kind == *kind && alarm.subject == *subject;
            !alarms.iter().any(is_known) && is_over(services, *kind, subject)
        })
        .collect();
    if new.is_empty() && over.is_empty() {
        return Ok(());
    }
    let (new, over) = (&new, &over);
    services
        .db
        .write(|tx| async move { write_alarms(services, tx, new, over, now).await }.boxed())
        .await
        .map_err(Error::Internal)
}

/// Adds this server's count of forged notifications to the shared count.
async fn write_forged(services: &Services, now: Timestamp) -> Result<(), Error> {
    let span = i64::try_from(SPAN.as_millis()).expect("a span is short");
    let since = Timestamp::from_millis(now.millis().div_euclid(span) * span);
    for channel in Channel::ALL {
        let Some(gateway) = services.gateways.get(channel) else {
            continue;
        };
        let n = gateway.health().take_forged();
        if n == 0 {
            continue;
        }
        let add = services.db.write(|tx| {
            async move {
                forged_notifications::add(tx, channel, since, i64::from(n)).await?;
                forged_notifications::forget(tx, now - DAY).await
            }
            .boxed()
        });
        if let Err(error) = add.await {
            gateway.health().give_back_forged(n);
            return Err(Error::Internal(error));
        }
    }
    Ok(())
}

async fn write_alarms(
    services: &Services,
    tx: &mut Tx<'_>,
    new: &[&Alarm],
    over: &[(IncidentKind, &str)],
    now: Timestamp,
) -> Result<(), StoreError> {
    for alarm in new {
        let recurrence = match alarm.kind {
            IncidentKind::ClockOff => Recurrence::OpensUnlessResolved,
            _ => Recurrence::Ignored,
        };
        let incident = Incident {
            kind: alarm.kind,
            subject: &alarm.subject,
            payment_id: None,
            detail: &alarm.detail,
            recurrence,
        };
        raise(services, tx, incident).await?;
    }
    for (kind, subject) in over {
        incidents::settle(tx, *kind, subject, now).await?;
    }
    Ok(())
}

/// Whether an incident that this server does not see is over for all: a server that has sent no query has had no answer
/// either.
fn is_over(services: &Services, kind: IncidentKind, subject: &str) -> bool {
    match kind {
        IncidentKind::GatewaySilent => Channel::ALL
            .into_iter()
            .filter(|channel| subject.starts_with(channel.as_str()))
            .filter_map(|channel| services.gateways.get(channel))
            .any(|gateway| gateway.health().is_answering()),
        // Replaced, or reported with less time left.
        IncidentKind::KeyExpiring => true,
        // Only the server itself can judge its clock.
        IncidentKind::ClockOff => services.process.has_signed(subject),
        _ => false,
    }
}

fn alarms_of(channel: Channel, gateway: &Gateway, n_forged: i64, now: Timestamp) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    if let Some(since) = gateway.health().silent_since() {
        let since = beijing(since);
        alarms.push(Alarm {
            kind: IncidentKind::GatewaySilent,
            subject: format!("{channel} {since}"),
            detail: Sentence::GatewaySilent.with(&[&channel, &since]),
        });
    }
    if n_forged > MOST_FORGED {
        // One incident a day: a flood must not bury others.
        let day: String = beijing(now).chars().take(10).collect();
        alarms.push(Alarm {
            kind: IncidentKind::ForgedNotifications,
            subject: format!("{channel} {day}"),
            detail: Sentence::ForgedNotifications.with(&[&MOST_FORGED, &channel]),
        });
    }
    for (name, ends_at) in gateway.ends() {
        let Some(left) = remaining_time(ends_at, now) else {
            continue;
        };
        alarms.push(Alarm {
            kind: IncidentKind::KeyExpiring,
            subject: format!("{channel} {name} {left}"),
            detail: Sentence::KeyExpiring.with(&[&name, &beijing(ends_at)]),
        });
    }
    alarms
}

/// Clock drift of this server: the gateway rejects valid signatures as too old or too new, and we reject its answers.
fn clock_alarm(services: &Services, channel: Channel, gateway: &Gateway) -> Option<Alarm> {
    let drift = gateway.drift();
    if drift.amount <= MOST_DRIFT {
        return None;
    }
    let sentence = if drift.is_ahead {
        Sentence::ClockAhead
    } else {
        Sentence::ClockBehind
    };
    Some(Alarm {
        kind: IncidentKind::ClockOff,
        subject: services.process.sign(channel.as_str()),
        detail: sentence.with(&[&drift.amount.as_secs(), &channel]),
    })
}

/// Step of the remaining time, so that each step is reported once.
fn remaining_time(ends_at: Timestamp, now: Timestamp) -> Option<&'static str> {
    const STEPS: [(u32, &str); 4] = [(0, "0d"), (1, "1d"), (7, "7d"), (30, "30d")];
    STEPS
        .into_iter()
        .find(|(days, _)| ends_at <= now + DAY * *days)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_reported_thirty_seven_and_one_days_before_and_when_reached() {
        let now = Timestamp::from_millis(1_795_485_600_000);
        for (days, expected) in [
            (31, None),
            (30, Some("30d")),
            (8, Some("30d")),
            (7, Some("7d")),
            (2, Some("7d")),
            (1, Some("1d")),
            (0, Some("0d")),
        ] {
            assert_eq!(remaining_time(now + DAY * days, now), expected, "{days}");
        }
        assert_eq!(remaining_time(now - DAY, now), Some("0d"));
    }
}
