//! The inbox: every authentic message of a gateway, as it came.

use domain::{Channel, Timestamp};
use futures_util::FutureExt;

use super::KeptNotice;
use crate::gateway::masked::{masked_form, masked_header, masked_json};
use crate::notice::kept::bytes_of;
use crate::store::{StoreError, notices};
use crate::{Error, Page, Services};

/// Newest first. The cursor is the instant before which to go on, in milliseconds.
pub async fn list_notices(
    services: &Services,
    before: Option<Timestamp>,
    limit: u32,
) -> Result<Page<KeptNotice>, Error> {
    let before = before.unwrap_or(Timestamp::from_millis(i64::MAX));
    let rows = services
        .db
        .snapshot(|tx| async move { notices::list(tx, before, i64::from(limit) + 1).await }.boxed())
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    let kept: Result<Vec<KeptNotice>, StoreError> =
        rows.into_iter().take(limit).map(KeptNotice::try_from).collect();
    let data = kept?;
    let next_cursor = data
        .last()
        .filter(|_| has_more)
        .map(|last| last.received_at.millis().to_string());
    Ok(Page { data, next_cursor })
}

pub async fn find_notice(services: &Services, channel: Channel, id: &str) -> Result<KeptNotice, Error> {
    let row = services
        .db
        .snapshot(|tx| async move { notices::find(tx, channel, id).await }.boxed())
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    Ok(KeptNotice::try_from(row.ok_or(Error::NotFound)?)?)
}

/// What the gateway had encrypted, without whom it names. It is opened for the reader and kept nowhere.
pub fn read_inside(services: &Services, notice: &KeptNotice) -> Option<String> {
    let gateway = services.gateways.get(notice.channel)?;
    let plain = gateway.unsealed(&bytes_of(&notice.body))?;
    Some(masked_json(&plain))
}

impl KeptNotice {
    /// Its headers and body without what proves or names anybody: signatures, sealed text and payers.
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
