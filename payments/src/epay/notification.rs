//! Notifications to epay merchants: a kind of delivery with a request, a sign of success and times of its own.

use domain::{OrderId, Timestamp};
use futures_util::FutureExt;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method};
use url::{Position, Url};

use super::Attempt;
use super::merchants::find_any_merchant;
use super::paid_fields::{append_fields, sign_paid};
use super::received::is_received;
use crate::audit_log::{Act, Action, Actor, record};
use crate::delivery::{DeliveryKind, Failure, NextStep, Prepared};
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
use crate::outbound::{OutboundAnswer, OutboundRequest};
use crate::store::deliveries::{self, DeliveryRow, NewDelivery};
use crate::store::epay_attempts::{self, NotificationRow};
use crate::store::{StoreError, Tx, payments};
use crate::{Error, Services};

/// Web firewalls of shops let it through.
const AGENT: HeaderValue = HeaderValue::from_static(concat!(
    "Mozilla/5.0 (compatible; Tongqian/",
    env!("CARGO_PKG_VERSION"),
    ")"
));
/// Rows of the console's list.
const MAX_ROWS: i64 = 100;

/// Puts the notification of a paid order in its queue, in the caller's transaction. One that is there is started anew.
pub(super) async fn enqueue_notification(
    tx: &mut Tx<'_>,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(), StoreError> {
    let new = NewDelivery {
        target: &lane_of(attempt),
        subject: attempt.order_id.as_str(),
        kind: DeliveryKind::Epay.as_str(),
    };
    deliveries::enqueue(tx, new, now).await
}

/// Lane of a notification: one for each merchant and host, so that a slow site delays no other.
fn lane_of(attempt: &Attempt) -> String {
    let host = Url::parse(&attempt.notify_url)
        .map(|url| url[Position::BeforeHost..Position::AfterPort].to_owned())
        .unwrap_or_default();
    format!("epay:{}:{host}", attempt.pid)
}

/// Makes the request of one attempt, signed now: V2 clients refuse an old time.
pub(crate) async fn prepare_notification(
    services: &Services,
    delivery: &DeliveryRow,
) -> Result<Prepared, Error> {
    let id = OrderId::parse(&delivery.subject).ok_or(StoreError::Corrupt("deliveries.subject"))?;
    let id = &id;
    let attempt = services
        .db
        .read_one(|tx| async move { epay_attempts::find_by_order(tx, id).await }.boxed())
        .await?;
    // After all of the money went back nothing says that it was paid.
    let Some(attempt) = attempt.filter(Attempt::may_tell_paid) else {
        return Ok(Prepared::Gone);
    };
    let merchant = find_any_merchant(services, attempt.pid).await?;
    let fields = sign_paid(&merchant, &attempt, services.clock.now())?;
    let address = attempt.notify_url.split('#').next().unwrap_or_default();
    let url = Url::parse(&append_fields(address, &fields))
        .map_err(|_| StoreError::Corrupt("epay_attempts.notify_url"))?;
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, AGENT);
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    Ok(Prepared::Send(Box::new(OutboundRequest {
        method: Method::GET,
        url,
        headers,
        body: Vec::new(),
    })))
}

/// Whether the merchant says that it has received the notification.
pub(crate) fn is_success(answer: &OutboundAnswer) -> bool {
    answer.status.is_success() && is_received(&answer.body)
}

/// The address of a request without its signature, which opens more than a log may.
pub(crate) fn masked_url(url: &Url) -> String {
    let masked = |pair: &str| match pair.split_once('=') {
        Some(("sign", _)) => "sign=***".to_owned(),
        _ => pair.to_owned(),
    };
    let query: Vec<String> = url.query().unwrap_or_default().split('&').map(masked).collect();
    format!("{}?{}", &url[..Position::AfterPath], query.join("&"))
}

/// Raises an incident once nothing more is sent by itself.
pub(crate) async fn note_failure(
    services: &Services,
    tx: &mut Tx<'_>,
    delivery: &DeliveryRow,
    failure: &Failure<'_>,
) -> Result<(), Error> {
    if failure.next != NextStep::GiveUp {
        return Ok(());
    }
    let order_id = OrderId::parse(&delivery.subject).ok_or(StoreError::Corrupt("deliveries.subject"))?;
    let paid = payments::of_order(tx, &order_id).await?;
    let payment_id = paid
        .iter()
        .find(|payment| payment.settles)
        .map(|payment| &payment.id);
    let incident = Incident {
        kind: IncidentKind::EpayNotificationFailed,
        subject: &delivery.subject,
        payment_id,
        detail: &Sentence::EpayNotTold.with(&[&failure.error]),
        recurrence: Recurrence::Opens,
    };
    Ok(raise(services, tx, incident).await?)
}

/// Sends the notification of a paid order again, from its first attempt on.
pub async fn send_notification_again(services: &Services, actor: &Actor, id: &OrderId) -> Result<(), Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let attempt = epay_attempts::find_by_order(tx, id)
                    .await?
                    .ok_or(Error::NotFound)?;
                if !attempt.may_tell_paid() {
                    return Err(domain::Refusal::OrderNotPayable.into());
                }
                enqueue_notification(tx, &attempt, now).await?;
                let act = Act {
                    action: Action::SendEpayNotification,
                    subject: id.as_str(),
                    detail: "",
                };
                Ok::<_, Error>(record(tx, actor, act, now).await?)
            }
            .boxed()
        })
        .await
}

/// The newest notifications of all merchants.
pub async fn list_notifications(services: &Services) -> Result<Vec<NotificationRow>, Error> {
    services
        .db
        .read_one(|tx| async move { epay_attempts::list_notifications(tx, MAX_ROWS).await }.boxed())
        .await
        .map_err(Error::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_in_no_log() {
        let url = Url::parse("https://shop.example/n?shop=1&name=a%20b&sign=0123abc&sign_type=MD5").unwrap();
        assert_eq!(
            masked_url(&url),
            "https://shop.example/n?shop=1&name=a%20b&sign=***&sign_type=MD5"
        );
    }
}
