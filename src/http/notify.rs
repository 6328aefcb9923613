//! Notifications of the gateways. Nothing is parsed here: the signature covers the bytes as received.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use domain::Channel;
use payments::gateway::{Reception, Reply, reply};
use payments::{NotificationVerdict, accept_notification};

use super::api::to_the_end;
use super::body::{self, BodyError, NOTIFICATION_BYTES};
use super::web::Web;

#[utoipa::path(
    post, path = "/api/billing/payments/notify/wechat", tag = "notifications",
    operation_id = "notification_of_wechat", summary = "Receive a notification of WeChat Pay",
    security(()),
    request_body(content = Object, content_type = "application/json", description = "As the gateway signed it"),
    responses(
        (status = 200, description = "Its effect is durable"),
        (status = "4XX", description = "Not believed; nothing was stored"),
        (status = "5XX", description = "Our fault: send it again"),
    ),
)]
pub async fn wechat(State(web): State<Web>, request: Request) -> Response {
    receive_notification(web, Channel::Wechat, request).await
}

#[utoipa::path(
    post, path = "/api/billing/payments/notify/alipay", tag = "notifications",
    operation_id = "notification_of_alipay", summary = "Receive a notification of Alipay",
    security(()),
    request_body(
        content = BTreeMap<String, String>, content_type = "application/x-www-form-urlencoded",
        description = "As the gateway signed it",
    ),
    responses(
        (status = 200, description = "Its effect is durable"),
        (status = "4XX", description = "Not believed; nothing was stored"),
        (status = "5XX", description = "Our fault: send it again"),
    ),
)]
pub async fn alipay(State(web): State<Web>, request: Request) -> Response {
    receive_notification(web, Channel::Alipay, request).await
}

/// Receives a notification. Gateways understand only their own error format, so refusals for size or time use it too.
async fn receive_notification(web: Web, channel: Channel, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let answer = match body::read(&head.headers, body, NOTIFICATION_BYTES).await {
        Ok(bytes) => {
            to_the_end(
                async move { accept_notification(&web.services, channel, &head.headers, &bytes).await },
            )
            .await
        }
        Err(error) => {
            let metrics = &web.services.metrics;
            metrics.count_notification(channel, NotificationVerdict::Malformed);
            match error {
                BodyError::TooLarge => reply(channel, Reception::TooLarge),
                BodyError::TooSlow | BodyError::Broken | BodyError::Encoded => {
                    reply(channel, Reception::Malformed)
                }
            }
        }
    };
    into_response(answer)
}

fn into_response(answer: Reply) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let content_type = HeaderValue::from_static(answer.content_type);
    (status, [(header::CONTENT_TYPE, content_type)], answer.body).into_response()
}
