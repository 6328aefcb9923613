//! A message on its way to one robot: its request, its success, and its end.

use std::time::{Duration, UNIX_EPOCH};

use domain::Timestamp;
use futures_util::FutureExt;
use lettre::message::header::{HeaderName, HeaderValue};
use url::Url;

use super::message::Message;
use super::robot::{Mailer, Robot};
use super::wire;
use crate::delivery::{Failure, NextStep, Prepared};
use crate::outbound::{Letter, OutboundAnswer};
use crate::store::deliveries::DeliveryRow;
use crate::store::{StoreError, alarms};
use crate::{Error, Services};

/// Page of the console that every message leads to.
const PAGE: &str = "/admin/attention";
/// Header that keeps mailboxes from automatic answers (RFC 3834).
const AUTO_SUBMITTED: HeaderName = HeaderName::new_from_ascii_str("Auto-Submitted");

fn robot_of(delivery: &DeliveryRow) -> Result<Robot, StoreError> {
    Robot::of_target(&delivery.target).ok_or(StoreError::Corrupt("deliveries.target"))
}

/// Makes the request of one attempt, signed now.
pub(crate) async fn prepare_alarm(services: &Services, delivery: &DeliveryRow) -> Result<Prepared, Error> {
    let robots = &services.outbox.robots;
    let id = delivery.subject.as_str();
    let alarm = services
        .db
        .read_one(|tx| async move { alarms::find(tx, id).await }.boxed())
        .await?;
    let Some(alarm) = alarm else {
        return Ok(Prepared::Gone);
    };
    let message = (robots.describe)(&alarm);
    let link = format!("{}{PAGE}", services.outbox.public_url);
    let now = services.clock.now();
    let request = match robot_of(delivery)? {
        Robot::Wecom => robots.wecom.as_ref().map(|url| wire::wecom(url, &message, &link)),
        Robot::Dingtalk => {
            let robot = robots.dingtalk.as_ref();
            robot.map(|robot| wire::dingtalk(robot, &message, &link, now))
        }
        Robot::Feishu => {
            let robot = robots.feishu.as_ref();
            robot.map(|robot| wire::feishu(robot, &message, &link, now))
        }
        Robot::Email => {
            let Some(mailer) = &robots.email else {
                return Ok(Prepared::Gone);
            };
            let letter = write_letter(services, mailer, &message, &link, id, alarm.created_at);
            return Ok(letter.map_or(Prepared::Gone, |letter| Prepared::Mail(Box::new(letter))));
        }
    };
    // A robot that is no longer in the settings is told nothing more.
    Ok(match request.flatten() {
        Some(request) => Prepared::Send(Box::new(request)),
        None => Prepared::Gone,
    })
}

/// Writes the mail. It has the same id at each attempt, so that a mailbox shows it once.
fn write_letter(
    services: &Services,
    mailer: &Mailer,
    message: &Message,
    link: &str,
    id: &str,
    created_at: Timestamp,
) -> Option<Letter> {
    let millis = u64::try_from(created_at.millis()).unwrap_or(0);
    let host = Url::parse(&services.outbox.public_url)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "localhost".to_owned());
    let mut builder = lettre::Message::builder()
        .from(mailer.from.clone())
        .subject(message.title.as_str())
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(format!("<{id}@{host}>")));
    for mailbox in &mailer.to {
        builder = builder.to(mailbox.clone());
    }
    let body = format!("{}\n\n{}: {link}\n", message.lines.join("\n"), message.link);
    let mut mail = builder
        .header(lettre::message::header::ContentType::TEXT_PLAIN)
        .body(body)
        .ok()?;
    mail.headers_mut()
        .insert_raw(HeaderValue::new(AUTO_SUBMITTED, "auto-generated".to_owned()));
    Some(Letter {
        server: mailer.server.clone(),
        envelope: mail.envelope().clone(),
        text: mail.formatted(),
        hello: host,
    })
}

pub(crate) fn is_success(delivery: &DeliveryRow, answer: &OutboundAnswer) -> bool {
    robot_of(delivery).is_ok_and(|robot| wire::is_taken(robot, answer))
}

pub(crate) fn describe_failure(delivery: &DeliveryRow, answer: &OutboundAnswer) -> String {
    robot_of(delivery).map_or_else(
        |error| error.to_string(),
        |robot| wire::describe_refusal(robot, answer),
    )
}

/// The address of a robot without its key, which stands in the query or in the last part of the path.
pub(crate) fn masked_url(url: &Url) -> String {
    format!("{}/***", &url[..url::Position::BeforePath])
}

/// Logs a message that is given up. It raises no incident: the robots would be told of it.
pub(crate) fn note_failure(delivery: &DeliveryRow, failure: &Failure<'_>) {
    let (target, error) = (&delivery.target, failure.error);
    if failure.next == NextStep::GiveUp {
        tracing::error!(target, error, "{target} was not told of an alarm: {error}");
    } else {
        tracing::warn!(target, error, "{target} is told of an alarm later: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_robot_is_in_no_log() {
        for url in [
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=secret",
            "https://open.feishu.cn/open-apis/bot/v2/hook/secret",
        ] {
            let masked = masked_url(&Url::parse(url).unwrap());
            assert!(
                masked.ends_with(".cn/***") || masked.ends_with(".com/***"),
                "{masked}"
            );
        }
    }
}
