//! A message that was kept does its work once more, as if it came again: for a person who doubts that it had its effect.

use domain::Channel;
use futures_util::FutureExt;

use super::kept::{bytes_of, header_map};
use super::{act, classify, look_up, tell};
use crate::console::{Act, Action, Actor, ConsoleError, find_notification, record};
use crate::gateway::NotificationContent;
use crate::{Error, Services};

/// Nothing is taken on trust: the signature is checked again over the bytes that came, against the clock of the day they
/// came. What follows is what follows from any message that comes late and for the second time, so doing it again is safe.
pub async fn replay_notification(
    services: &Services,
    actor: &Actor,
    channel: Channel,
    id: &str,
) -> Result<(), ConsoleError> {
    let kept = find_notification(services, channel, id).await?;
    let gateway = services.gateways.get(channel).ok_or(Error::NotFound)?;
    let (headers, body) = (header_map(&kept.headers), bytes_of(&kept.body));
    let notification = gateway
        .reread_notification(&headers, &body, kept.received_at)
        .await
        .ok()
        // One that was kept under its own id before it was known to be ambiguous may still lead to a question.
        .filter(|notification| {
            notification.id == kept.id || matches!(notification.content, NotificationContent::Ambiguous)
        })
        .ok_or(ConsoleError::Unverifiable)?;
    let notification = &notification;
    let now = services.clock.now();
    let news = services
        .db
        .write(|tx| {
            async move {
                let known = look_up(services, tx, channel, notification).await?;
                let about = classify(notification, &known);
                let detail = &format!("{channel} {}: {}", notification.id, about.verdict());
                let payment = known.payment.as_ref();
                let subject = payment.map_or(notification.id.as_str(), |payment| payment.order_id.as_str());
                let line = Act {
                    action: Action::ReplayNotification,
                    subject,
                    detail,
                };
                let news = act(services, tx, channel, notification, payment, about).await?;
                record(tx, actor, line, now).await?;
                Ok::<_, ConsoleError>(known.payment.map(|payment| (payment, news)))
            }
            .boxed()
        })
        .await?;
    if let Some((payment, news)) = news {
        tell(services, &payment, news);
    }
    Ok(())
}
