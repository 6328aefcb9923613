//! Job that turns incidents into messages.
//!
//! The incident itself keeps whether it was told. That changes in the transaction that puts the message in its queues, so no
//! message is lost or made twice. An incident that opens and closes before its message is made has none.

use std::time::Duration;

use domain::{AlarmId, Money, OrderId, Timestamp};
use futures_util::FutureExt;

use super::robot::Robots;
use crate::delivery::DeliveryKind;
use crate::model::alarm::{Alarm, Occasion};
use crate::model::incident::IncidentKind;
use crate::store::alarms::{self, RecentRow, ToldRow, UntoldRow};
use crate::store::deliveries::{self, NewDelivery};
use crate::store::{StoreError, Tx};
use crate::{Error, Services};

/// Wait between two messages about one kind: what opens meanwhile is in the next one.
const BETWEEN_URGENT: Duration = Duration::from_mins(1);
const BETWEEN_OTHERS: Duration = Duration::from_mins(10);
/// Limits the messages of a minute: robots take twenty, and their deliveries are repeated.
const MOST_IN_A_MINUTE: usize = 10;
const MINUTE: Duration = Duration::from_mins(1);

/// News that have to be told about the incidents of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct News {
    kind: IncidentKind,
    occasion: Occasion,
}

/// Makes the messages that operators have to be told, and puts them in the queues of all robots. Returns how many.
pub async fn gather_alarms(services: &Services) -> Result<usize, Error> {
    let robots = &services.outbox.robots;
    if robots.is_empty() {
        return Ok(0);
    }
    let now = services.clock.now();
    let (untold, recent): (Vec<UntoldRow>, Vec<RecentRow>) = services
        .db
        .snapshot(|tx| {
            async move {
                let untold = alarms::list_untold(tx).await?;
                let recent = match untold.is_empty() {
                    true => Vec::new(),
                    false => alarms::list_recent(tx, now - BETWEEN_OTHERS).await?,
                };
                Ok::<_, StoreError>((untold, recent))
            }
            .boxed()
        })
        .await?;
    let chosen = &choose_news(robots, &untold, &recent, now);
    if chosen.is_empty() {
        return Ok(0);
    }
    services
        .db
        .write(|tx| {
            async move {
                let mut n_made = 0;
                for news in chosen {
                    n_made += usize::from(make_alarm(services, tx, *news, now).await?);
                }
                Ok(n_made)
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Returns what is told now, the most urgent first. The rest waits for the end of the quiet hours or for its turn.
fn choose_news(robots: &Robots, untold: &[UntoldRow], recent: &[RecentRow], now: Timestamp) -> Vec<News> {
    let is_quiet = robots.quiet_hours.is_some_and(|hours| hours.contain(now));
    let mut chosen: Vec<News> = untold
        .iter()
        .filter_map(|row| {
            Some(News {
                kind: IncidentKind::parse(&row.kind)?,
                occasion: Occasion::parse(&row.occasion)?,
            })
        })
        .filter(|news| news.kind.is_urgent() || !is_quiet)
        .filter(|news| !recent.iter().any(|row| is_too_soon(*news, row, now)))
        .collect();
    chosen.sort_by_key(|news| (!news.kind.is_urgent(), news.occasion == Occasion::Resolved));
    let n_recent = recent.iter().filter(|row| is_within(row, MINUTE, now)).count();
    chosen.truncate(MOST_IN_A_MINUTE.saturating_sub(n_recent));
    chosen
}

fn is_too_soon(news: News, row: &RecentRow, now: Timestamp) -> bool {
    let wait = if news.kind.is_urgent() {
        BETWEEN_URGENT
    } else {
        BETWEEN_OTHERS
    };
    row.kind.as_deref() == Some(news.kind.as_str())
        && row.occasion == news.occasion.as_str()
        && is_within(row, wait, now)
}

/// A message of the future was made before the clock was set back, and holds nothing up.
fn is_within(row: &RecentRow, span: Duration, now: Timestamp) -> bool {
    let at = Timestamp::from_millis(row.created_at);
    at > now - span && at <= now + domain::schedule::CLOCK_SLACK
}

async fn make_alarm(
    services: &Services,
    tx: &mut Tx<'_>,
    news: News,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let told = alarms::mark_told(tx, news.kind, news.occasion).await?;
    let Some(oldest_at) = told.iter().map(|row| row.created_at).min() else {
        return Ok(false);
    };
    let alarm = Alarm {
        occasion: news.occasion,
        kind: Some(news.kind),
        n_incidents: i64::try_from(told.len()).unwrap_or(i64::MAX),
        amount: news.kind.is_about_money().then(|| sum_amounts(&told)).flatten(),
        order_id: only_order(&told),
        oldest_at: Timestamp::from_millis(oldest_at),
        created_at: now,
    };
    queue_alarm(services, tx, &alarm).await?;
    Ok(true)
}

fn sum_amounts(told: &[ToldRow]) -> Option<Money> {
    let amounts: Vec<i64> = told.iter().filter_map(|row| row.amount).collect();
    if amounts.is_empty() {
        return None;
    }
    Money::from_sum(amounts.iter().sum()).ok()
}

fn only_order(told: &[ToldRow]) -> Option<OrderId> {
    match told {
        [only] => only.order_id.as_deref().and_then(OrderId::parse),
        _ => None,
    }
}

async fn queue_alarm(services: &Services, tx: &mut Tx<'_>, alarm: &Alarm) -> Result<AlarmId, StoreError> {
    let id = AlarmId::new(alarm.created_at, services.clock.entropy());
    alarms::insert(tx, &id, alarm).await?;
    for robot in services.outbox.robots.list() {
        let new = NewDelivery {
            target: robot.target(),
            subject: id.as_str(),
            kind: DeliveryKind::Alarm.as_str(),
        };
        deliveries::enqueue(tx, new, alarm.created_at).await?;
    }
    Ok(id)
}

/// Puts a test message in the queues of all robots, in the caller's transaction.
pub(crate) async fn queue_test(services: &Services, tx: &mut Tx<'_>) -> Result<AlarmId, StoreError> {
    let now = services.clock.now();
    let alarm = Alarm {
        occasion: Occasion::Test,
        kind: None,
        n_incidents: 0,
        amount: None,
        order_id: None,
        oldest_at: now,
        created_at: now,
    };
    queue_alarm(services, tx, &alarm).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alarm::QuietHours;
    use crate::calendar::parse_beijing;

    fn untold(kind: IncidentKind, occasion: Occasion) -> UntoldRow {
        UntoldRow {
            kind: kind.as_str().to_owned(),
            occasion: occasion.as_str().to_owned(),
        }
    }

    fn recent(kind: IncidentKind, created_at: Timestamp) -> RecentRow {
        RecentRow {
            occasion: Occasion::Opened.as_str().to_owned(),
            kind: Some(kind.as_str().to_owned()),
            created_at: created_at.millis(),
        }
    }

    #[test]
    fn only_what_is_urgent_is_told_in_quiet_hours() {
        let robots = Robots {
            quiet_hours: QuietHours::parse("22:00-08:00"),
            ..Robots::default()
        };
        let rows = [
            untold(IncidentKind::BackupFailed, Occasion::Opened),
            untold(IncidentKind::GatewaySilent, Occasion::Resolved),
            untold(IncidentKind::WrongAmount, Occasion::Opened),
        ];
        let kinds = |time| {
            let chosen = choose_news(&robots, &rows, &[], parse_beijing(time).unwrap());
            chosen.iter().map(|news| news.kind).collect::<Vec<_>>()
        };
        use IncidentKind::{BackupFailed, GatewaySilent, WrongAmount};
        assert_eq!(kinds("2026-11-28 03:00:00"), [WrongAmount, GatewaySilent]);
        assert_eq!(
            kinds("2026-11-28 08:00:00"),
            [WrongAmount, GatewaySilent, BackupFailed]
        );
    }

    #[test]
    fn a_kind_has_its_next_message_after_a_while() {
        let now = parse_beijing("2026-11-28 12:00:00").unwrap();
        let after = |kind: IncidentKind, seconds| {
            let rows = [untold(kind, Occasion::Opened)];
            let made = [recent(kind, now - Duration::from_secs(seconds))];
            choose_news(&Robots::default(), &rows, &made, now).len()
        };
        assert_eq!(
            (
                after(IncidentKind::WrongAmount, 59),
                after(IncidentKind::WrongAmount, 60)
            ),
            (0, 1)
        );
        assert_eq!(
            (
                after(IncidentKind::Surplus, 599),
                after(IncidentKind::Surplus, 600)
            ),
            (0, 1)
        );
        let rows = [untold(IncidentKind::Surplus, Occasion::Resolved)];
        let made = [recent(IncidentKind::Surplus, now)];
        assert_eq!(choose_news(&Robots::default(), &rows, &made, now).len(), 1);
        let future = [recent(IncidentKind::Surplus, now + Duration::from_hours(1))];
        let rows = [untold(IncidentKind::Surplus, Occasion::Opened)];
        assert_eq!(choose_news(&Robots::default(), &rows, &future, now).len(), 1);
    }

    #[test]
    fn a_minute_has_ten_messages_at_most_and_the_urgent_ones_come_first() {
        let now = parse_beijing("2026-11-28 12:00:00").unwrap();
        let rows: Vec<UntoldRow> = IncidentKind::ALL
            .into_iter()
            .map(|kind| untold(kind, Occasion::Opened))
            .collect();
        let chosen = choose_news(&Robots::default(), &rows, &[], now);
        assert_eq!(chosen.len(), MOST_IN_A_MINUTE);
        assert!(chosen.iter().all(|news| news.kind.is_urgent()));
        let made: Vec<RecentRow> = chosen.iter().map(|news| recent(news.kind, now)).collect();
        assert!(choose_news(&Robots::default(), &rows, &made, now).is_empty());
        let later = now + MINUTE;
        assert_eq!(
            choose_news(&Robots::default(), &rows, &made, later).len(),
            MOST_IN_A_MINUTE
        );
    }
}
