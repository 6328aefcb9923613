//! The request of a webhook: the event as JSON, with the headers of Standard Webhooks.

use domain::{EventType, Timestamp};
use futures_util::FutureExt;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::WebhookSecret;
use super::endpoint::{EndpointStatus, open_secret};
use crate::delivery::Prepared;
use crate::model::event::KeptEvent;
use crate::outbound::{OutboundAnswer, OutboundRequest};
use crate::secrets::Place;
use crate::store::StoreError;
use crate::store::deliveries::DeliveryRow;
use crate::store::events;
use crate::store::webhook_endpoints::{self, EndpointRow};
use crate::views::EventView;
use crate::{Error, Services};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Makes the request of one attempt: signed now, with the secret before too while the secrets overlap.
pub(crate) async fn prepare_request(services: &Services, delivery: &DeliveryRow) -> Result<Prepared, Error> {
    let (endpoint, event): (Option<EndpointRow>, Option<KeptEvent>) = services
        .db
        .snapshot(|tx| {
            async move {
                let endpoint = webhook_endpoints::find(tx, &delivery.target).await?;
                Ok::<_, StoreError>((endpoint, events::find(tx, &delivery.subject).await?))
            }
            .boxed()
        })
        .await?;
    let (Some(endpoint), Some(event)) = (endpoint, event) else {
        return Ok(Prepared::Gone);
    };
    // A ping asks whether an endpoint works, which is wanted to be known before it is enabled.
    let is_enabled = endpoint.status == EndpointStatus::Enabled.as_str();
    if !is_enabled && event.kind != EventType::Ping.as_str() {
        return Ok(Prepared::Park);
    }
    let url = url::Url::parse(&endpoint.url).map_err(|_| StoreError::Corrupt("webhook_endpoints.url"))?;
    let now = services.clock.now();
    let secrets = valid_secrets(services, &endpoint, now)?;
    let body = event_body(services, &event)?;
    Ok(Prepared::Send(Box::new(OutboundRequest {
        method: Method::POST,
        url,
        headers: signed_headers(&secrets, &event.id, now.seconds(), &body)?,
        body,
    })))
}

/// The secrets that sign at a moment, the present one first.
pub(crate) fn valid_secrets(
    services: &Services,
    endpoint: &EndpointRow,
    now: Timestamp,
) -> Result<Vec<WebhookSecret>, Error> {
    let mut secrets = vec![open_secret(
        services,
        &Place::webhook_secret(&endpoint.id),
        &endpoint.secret,
    )?];
    if let (Some(sealed), Some(until)) = (&endpoint.previous_secret, endpoint.previous_until)
        && now.millis() < until
    {
        secrets.push(open_secret(
            services,
            &Place::previous_webhook_secret(&endpoint.id),
            sealed,
        )?);
    }
    Ok(secrets)
}

/// The event as the feed shows it.
pub(super) fn event_body(services: &Services, event: &KeptEvent) -> Result<Vec<u8>, Error> {
    let corrupt = || StoreError::Corrupt("events.data");
    let view = EventView::new(event, &services.outbox.public_url).ok_or_else(corrupt)?;
    Ok(serde_json::to_vec(&view).map_err(|_| corrupt())?)
}

/// Headers of a signed request.
pub fn signed_headers(
    secrets: &[WebhookSecret],
    id: &str,
    seconds: i64,
    body: &[u8],
) -> Result<HeaderMap, Error> {
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| secret.sign(id, seconds, body))
        .collect();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, text) in [
        (ID, id.to_owned()),
        (TIMESTAMP, seconds.to_string()),
        (SIGNATURE, signatures.join(" ")),
    ] {
        let value = HeaderValue::try_from(text).map_err(|_| StoreError::Corrupt("events.id"))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// Whether the receiver says that it wants nothing more.
pub(crate) fn is_gone(answer: &OutboundAnswer) -> bool {
    answer.status == StatusCode::GONE
}
