//! Replay of a stored notification, as if it came again: for a person who doubts that it took effect.

use domain::{Channel, PaymentNo};
use futures_util::FutureExt;

use super::kept::{bytes_of, header_map};
use super::{act_on_notification, classify_notification, log_news, look_up, trade_of_content};
use crate::console::{Act, Action, Actor, ConsoleError, find_notification, record};
use crate::gateway::NotificationContent;
use crate::store::payments::facts;
use crate::{Error, Services};

/// Verifies the signature again over the received bytes, at the time they were received, and applies the notification. The
/// effect is that of any late duplicate, so a replay is safe.
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
        // One that was stored under its own id before it was known to be ambiguous may still cause a query.
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
                let trade = trade_of_content(&notification.content);
                let facts = match PaymentNo::parse(&notification.payment_no) {
                    Some(number) => facts::find(tx, &number, trade, None).await?,
                    None => None,
                };
                let known = look_up(services, tx, channel, notification, facts).await?;
                let about = classify_notification(notification, &known);
                let detail = &format!("{channel} {}: {}", notification.id, about.verdict());
                let payment = known.payment();
                let subject = payment.map_or(notification.id.as_str(), |payment| payment.order_id.as_str());
                let line = Act {
                    action: Action::ReplayNotification,
                    subject,
                    detail,
                };
                let news =
                    act_on_notification(services, tx, channel, notification, payment, about, Vec::new())
                        .await?;
                record(tx, actor, line, now).await?;
                Ok::<_, ConsoleError>(known.facts.map(|facts| (facts.payment, news)))
            }
            .boxed()
        })
        .await?;
    if let Some((payment, news)) = news {
        log_news(services, &payment, news);
    }
    Ok(())
}
