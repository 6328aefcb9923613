//! Inbox: every authentic notification of a gateway, as received.

use domain::{Channel, Timestamp};
use futures_util::FutureExt;

use super::KeptNotification;
use crate::gateway::masked::{masked_form, masked_header, masked_json};
pub use crate::model::notification::NotificationOutcome;
use crate::notification::kept::bytes_of;
use crate::pagination::page;
use crate::store::{notifications, parse_rows};
use crate::{Error, Page, Services};

/// All notifications, newest first, after the one that the cursor names. An unknown cursor is the beginning.
pub async fn list_notifications(
    services: &Services,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<KeptNotification>, Error> {
    list_notifications_of(services, None, cursor, limit).await
}

/// Like [`list_notifications`], narrowed to what became of them.
pub async fn list_notifications_of(
    services: &Services,
    only: Option<NotificationOutcome>,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<KeptNotification>, Error> {
    const BEGINNING: (Timestamp, &str, &str) = (Timestamp::from_millis(i64::MAX), "", "");
    let after = cursor.and_then(parse_cursor).unwrap_or(BEGINNING);
    let rows = services
        .db
        .read_one(|tx| {
            async move { notifications::list(tx, only, after, i64::from(limit) + 1).await }.boxed()
        })
        .await?;
    Ok(page(parse_rows(rows)?, limit, |last: &KeptNotification| {
        let (at, channel) = (last.received_at.millis(), last.channel.as_str());
        format!("{at}.{channel}.{}", last.id)
    }))
}

fn parse_cursor(text: &str) -> Option<(Timestamp, &str, &str)> {
    let (at, rest) = text.split_once('.')?;
    let (channel, id) = rest.split_once('.')?;
    let is_text = !text.contains('\0');
    is_text.then_some((Timestamp::from_millis(at.parse().ok()?), channel, id))
}

pub async fn find_notification(
    services: &Services,
    channel: Channel,
    id: &str,
) -> Result<KeptNotification, Error> {
    let row = services
        .db
        .read_one(|tx| async move { notifications::find(tx, channel, id).await }.boxed())
        .await?;
    Ok(KeptNotification::try_from(row.ok_or(Error::NotFound)?)?)
}

/// Decrypts a notification for display, without personal data. The text is not stored.
pub fn read_inside(services: &Services, notification: &KeptNotification) -> Option<String> {
    let gateway = services.gateways.get(notification.channel)?;
    let plain = gateway.unsealed(&bytes_of(&notification.body))?;
    Some(masked_json(&plain))
}

impl KeptNotification {
    /// Headers and body without signatures, encrypted text and payer data.
    pub fn masked(&self) -> String {
        let headers: Vec<String> = self.headers.lines().map(masked_header).collect();
        let body = bytes_of(&self.body);
        let body = match self.channel {
            Channel::Wechat => masked_json(&body),
            Channel::Alipay => masked_form(&body, self.content_type()),
        };
        format!("{}\n\n{body}", headers.join("\n"))
    }

    fn content_type(&self) -> Option<&str> {
        self.headers
            .lines()
            .find_map(|line| line.strip_prefix("content-type: "))
    }
}
