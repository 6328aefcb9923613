//! The OpenAPI document, generated from the handlers.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use super::error::{ErrorBody, ErrorDetail};
use super::{balance, feed, notify, orders, payments, reconciliations, refunds, webhook_endpoints};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tongqian", description = "Money is an integer in fen; times are RFC 3339 in UTC."),
    paths(
        orders::create,
        orders::list,
        orders::show,
        orders::cancel,
        payments::start,
        payments::list,
        payments::show,
        payments::query,
        refunds::request,
        refunds::list,
        refunds::show,
        refunds::list_all,
        reconciliations::list,
        reconciliations::show,
        balance::show,
        balance::entries,
        balance::adjust,
        balance::fill,
        feed::list,
        feed::show,
        feed::redeliver,
        webhook_endpoints::create,
        webhook_endpoints::list,
        webhook_endpoints::show,
        webhook_endpoints::update,
        webhook_endpoints::remove,
        webhook_endpoints::rotate,
        webhook_endpoints::test,
        webhook_endpoints::replay,
        webhook_endpoints::deliveries,
        notify::wechat,
        notify::alipay,
    ),
    components(schemas(ErrorBody, ErrorDetail)),
    security(("apiKey" = [])),
    modifiers(&ApiKeyScheme),
)]
struct Description;

struct ApiKeyScheme;

impl utoipa::Modify for ApiKeyScheme {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key"))
            .build();
        description
            .components
            .get_or_insert_default()
            .add_security_scheme("apiKey", SecurityScheme::Http(bearer));
    }
}

/// Serialised once: it does not change while the server runs.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    Description::openapi()
        .to_json()
        .expect("the description has string keys and no failing parts")
});

pub async fn show() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_describes_every_call_and_every_field() {
        let description: serde_json::Value = serde_json::from_str(&TEXT).unwrap();
        assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
        for (path, methods) in [
            ("/api/billing/orders", &["get", "post"][..]),
            ("/api/billing/orders/{id}", &["get"]),
            ("/api/billing/orders/{id}/cancel", &["post"]),
            ("/api/billing/payments", &["get", "post"]),
            ("/api/billing/payments/{id}", &["get"]),
            ("/api/billing/payments/query", &["post"]),
            ("/api/billing/payments/{id}/refund", &["post"]),
            ("/api/billing/payments/{id}/refunds", &["get"]),
            ("/api/billing/refunds", &["get"]),
            ("/api/billing/refunds/{id}", &["get"]),
            ("/api/billing/reconciliations", &["get"]),
            ("/api/billing/reconciliations/{day}/{gateway}", &["get"]),
            ("/api/billing/balance/{userId}", &["get"]),
            ("/api/billing/balance/{userId}/entries", &["get"]),
            ("/api/billing/balance/{userId}/adjust", &["post"]),
            ("/api/billing/balance/{userId}/topup", &["post"]),
            ("/api/billing/events", &["get"]),
            ("/api/billing/events/{id}", &["get"]),
            ("/api/billing/events/{id}/redeliver", &["post"]),
            ("/api/billing/webhook-endpoints", &["get", "post"]),
            ("/api/billing/webhook-endpoints/{id}", &["get", "patch", "delete"]),
            ("/api/billing/webhook-endpoints/{id}/rotate-secret", &["post"]),
            ("/api/billing/webhook-endpoints/{id}/test", &["post"]),
            ("/api/billing/webhook-endpoints/{id}/replay", &["post"]),
            ("/api/billing/webhook-endpoints/{id}/deliveries", &["get"]),
            ("/api/billing/payments/notify/wechat", &["post"]),
            ("/api/billing/payments/notify/alipay", &["post"]),
        ] {
            for method in methods {
                assert!(description["paths"][path][method].is_object(), "{method} {path}");
            }
        }
        let calls = description["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|path| path.as_object().unwrap().values());
        let mut names = std::collections::BTreeSet::new();
        for call in calls {
            assert!(
                names.insert(call["operationId"].as_str().unwrap()),
                "{}",
                call["operationId"]
            );
            for answer in call["responses"].as_object().unwrap().values() {
                assert!(answer["description"].is_string(), "{call}");
            }
        }
        let order = &description["components"]["schemas"]["Order"];
        assert_eq!(
            order["required"].as_array().unwrap().len(),
            order["properties"].as_object().unwrap().len()
        );
        assert_eq!(order["properties"]["amount"]["type"], "integer");
        assert_eq!(
            order["properties"]["checkoutUrl"]["type"],
            serde_json::json!(["string", "null"])
        );
    }
}
