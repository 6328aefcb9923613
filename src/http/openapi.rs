//! The OpenAPI document, generated from the handlers.

pub mod document;
mod fields;
mod reference;
mod refine;

use std::sync::Arc;

use app::reference::Reference;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};

use self::document::Document;
use super::error::{ErrorBody, ErrorDetail};
use super::web::Web;
use super::{balance, feed, notify, orders, payments, reconciliations, refunds, webhook_endpoints};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tongqian",
        description = "Money is an integer in fen: `9990` is ¥99.90. Times are RFC 3339 in UTC. Unknown fields are refused. \
            Identifiers are opaque. A POST with an `Idempotency-Key` may be repeated: its first answer is given again.",
    ),
    tags(
        (name = "orders", description = "What is bought, by whom, for how much, until when."),
        (name = "payments", description = "Attempts to pay an order."),
        (name = "refunds", description = "Money on its way back. They need a key with the scope `refund`."),
        (name = "reconciliations", description = "Each day's statements of the gateways, compared with the books."),
        (name = "balance", description = "Balances of users, and every change of them."),
        (name = "events", description = "What happened, oldest first, so that a program can catch up."),
        (name = "webhooks", description = "Addresses that events are sent to. They need a key with the scope `pay`."),
        (name = "notifications", description = "Where the gateways report; not for merchants' programs."),
    ),
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

impl Document {
    fn value(&self) -> Value {
        let mut document = serde_json::to_value(Description::openapi())
            .expect("the description has string keys and no failing parts");
        refine::refine(&mut document, &self.place);
        document
    }

    /// The same for people.
    pub fn reference(&self) -> Arc<Reference> {
        let made = self
            .reference
            .get_or_init(|| Arc::new(reference::read_reference(&self.value())));
        Arc::clone(made)
    }

    fn text(&self) -> &str {
        self.text.get_or_init(|| self.value().to_string())
    }
}

const GUIDE: &str = include_str!("../../PAYMENT_INTEGRATION.md");
const CHINESE_GUIDE: &str = include_str!("../../PAYMENT_INTEGRATION.zh-CN.md");

/// Shows the integration guide as text, so that it is there without another host.
pub async fn show_guide() -> Response {
    as_text(GUIDE)
}

pub async fn show_chinese_guide() -> Response {
    as_text(CHINESE_GUIDE)
}

fn as_text(text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

pub async fn show(State(web): State<Web>) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, web.openapi.text().to_owned()).into_response()
}

#[cfg(test)]
mod tests {
    use super::document::Place;
    use super::fields::WebhookHosts;
    use super::*;

    fn describe() -> Value {
        let place = Place {
            public_url: "https://pay.example.cn".to_owned(),
            hosts: WebhookHosts::Public,
        };
        serde_json::from_str(Document::new(place).text()).unwrap()
    }

    #[test]
    fn every_parameter_is_described_and_bounded() {
        let description = describe();
        assert_eq!(description["servers"][0]["url"], "https://pay.example.cn");
        let paths = description["paths"].as_object().unwrap().values();
        for call in paths.flat_map(|path| path.as_object().unwrap().values()) {
            assert!(call["summary"].is_string(), "{}", call["operationId"]);
            for parameter in call["parameters"].as_array().into_iter().flatten() {
                let schema = &parameter["schema"];
                let is_bounded = ["maxLength", "maximum", "enum", "$ref", "format"]
                    .iter()
                    .any(|keyword| schema.get(keyword).is_some());
                let is_described = parameter["description"].is_string();
                assert!(is_bounded && is_described, "{} {parameter}", call["operationId"]);
            }
        }
    }

    #[test]
    fn the_reference_for_people_has_every_call_and_every_object() {
        let description = describe();
        let reference = reference::read_reference(&description);
        let calls = reference.groups.iter().flat_map(|group| &group.calls);
        let paths = description["paths"].as_object().unwrap().values();
        let n_calls: usize = paths.map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(calls.clone().count(), n_calls);
        let schemas = description["components"]["schemas"].as_object().unwrap();
        assert_eq!(reference.objects.len(), schemas.len());
        let start = calls.clone().find(|call| call.id == "start_payment").unwrap();
        assert_eq!(
            start.body.as_ref().unwrap().object.as_deref(),
            Some("StartPayment")
        );
        let limit = calls.clone().find(|call| call.id == "list_orders").unwrap();
        let limit = limit
            .parameters
            .iter()
            .find(|member| member.name == "limit")
            .unwrap();
        assert_eq!(limit.bounds, "1 to 100; 20 by default");
        let product = reference
            .objects
            .iter()
            .find(|object| object.name == "StartPayment")
            .unwrap();
        let product = product
            .members
            .iter()
            .find(|member| member.name == "product")
            .unwrap();
        assert_eq!(product.kind.object.as_deref(), Some("PaymentProduct"));
        assert_eq!(product.kind.after, " or null");
    }

    #[test]
    fn pages_and_enums_have_names_and_metadata_is_free() {
        let description = describe();
        let schemas = &description["components"]["schemas"];
        assert_eq!(
            schemas["OrderPage"]["properties"]["data"]["items"]["$ref"],
            "#/components/schemas/Order"
        );
        assert!(!description.to_string().contains("PageBody"));
        let order = &schemas["Order"]["properties"];
        assert_eq!(order["status"]["$ref"], "#/components/schemas/OrderStatus");
        assert_eq!(order["metadata"]["additionalProperties"], true);
        let code = &schemas["ErrorDetail"]["properties"]["code"];
        assert_eq!(code["$ref"], "#/components/schemas/ErrorCode");
        let product = &schemas["StartPayment"]["properties"]["product"]["oneOf"];
        assert_eq!(product[1]["$ref"], "#/components/schemas/PaymentProduct");
    }

    #[test]
    fn it_describes_every_call_and_every_field() {
        let description = describe();
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
