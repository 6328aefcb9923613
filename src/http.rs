//! Every address of the server in one list, and the layers every answer passes through.

mod admin;
mod api;
mod assets;
mod auth;
mod balance;
pub mod body;
mod checkout_page;
mod compress;
mod envelope;
mod epay;
mod error;
mod event_streams;
mod events;
mod feed;
mod handover;
mod headers;
mod health;
mod notify;
mod openapi;
mod orders;
mod origin;
mod page_request;
mod pages;
mod parameters;
mod payments;
mod reconciliations;
mod refunds;
mod request;
mod return_link;
mod storable;
mod traces;
mod web;
mod webhook_endpoints;
mod wechat_return;

pub use admin::console_table;
pub use event_streams::EventStreams;
pub use web::Web;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

/// Returns whether a path is served even when all connections are taken: notifications and health checks must not wait for
/// payers.
pub fn has_reserved_seat(path: &str) -> bool {
    path.starts_with("/api/billing/payments/notify/") || path.starts_with("/health/")
}

pub fn router(web: Web) -> Router {
    let merchants = Router::new()
        .route("/orders", get(orders::list).post(orders::create))
        .route("/orders/{id}", get(orders::show))
        .route("/orders/{id}/cancel", post(orders::cancel))
        .route("/payments", get(payments::list).post(payments::start))
        .route("/payments/{id}", get(payments::show))
        .route("/payments/query", post(payments::query))
        .route("/payments/{id}/refunds", get(refunds::list))
        .route("/refunds", get(refunds::list_all))
        .route("/refunds/{id}", get(refunds::show))
        .route("/reconciliations", get(reconciliations::list))
        .route("/reconciliations/{day}/{gateway}", get(reconciliations::show))
        .route("/events", get(feed::list))
        .route("/events/{id}", get(feed::show))
        .route("/balance/{userId}", get(balance::show))
        .route("/balance/{userId}/entries", get(balance::entries))
        .route("/balance/{userId}/topup", post(balance::fill))
        .route_layer(from_fn_with_state(web.clone(), auth::guard));
    let refunders = Router::new()
        .route("/payments/{id}/refund", post(refunds::request))
        .route("/balance/{userId}/adjust", post(balance::adjust))
        .route_layer(from_fn_with_state(web.clone(), auth::guard_refunds));
    let receivers = Router::new()
        .route("/events/{id}/redeliver", post(feed::redeliver))
        .route(
            "/webhook-endpoints",
            get(webhook_endpoints::list).post(webhook_endpoints::create),
        )
        .route(
            "/webhook-endpoints/{id}",
            get(webhook_endpoints::show)
                .patch(webhook_endpoints::update)
                .delete(webhook_endpoints::remove),
        )
        .route(
            "/webhook-endpoints/{id}/rotate-secret",
            post(webhook_endpoints::rotate),
        )
        .route("/webhook-endpoints/{id}/test", post(webhook_endpoints::test))
        .route("/webhook-endpoints/{id}/replay", post(webhook_endpoints::replay))
        .route(
            "/webhook-endpoints/{id}/deliveries",
            get(webhook_endpoints::deliveries),
        )
        .route_layer(from_fn_with_state(web.clone(), auth::guard_receivers));
    // No API key: a gateway proves itself by its signature, and the OpenAPI document is public.
    let open = Router::new()
        .route("/payments/notify/wechat", post(notify::wechat))
        .route("/payments/notify/alipay", post(notify::alipay))
        .route("/openapi.json", get(openapi::show));
    // Without it every address of the protocol is 404.
    let epay_endpoints = if web.site.epay.is_on {
        epay::routes()
    } else {
        Router::new()
    };
    let payers = pages::routes(&web)
        .route("/checkout/{token}/status", get(events::status))
        .route("/checkout/{token}/events", get(events::stream))
        .route("/checkout/{token}/pay", get(handover::leave))
        .route("/checkout/{token}/invocation", get(handover::invoke))
        .route("/checkout/{token}/wechat", get(wechat_return::finish))
        .route("/checkout/{token}/return", get(return_link::show));
    Router::new()
        .nest(
            "/api/billing",
            merchants.merge(refunders).merge(receivers).merge(open),
        )
        .merge(epay_endpoints)
        .merge(payers)
        .merge(admin::routes(&web))
        .route("/docs/PAYMENT_INTEGRATION.md", get(openapi::show_guide))
        .route(
            "/docs/PAYMENT_INTEGRATION.zh-CN.md",
            get(openapi::show_chinese_guide),
        )
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .fallback(pages::not_found)
        .method_not_allowed_fallback(envelope::method_not_allowed)
        .with_state(web.clone())
        // A tuple, outermost first: the router boxes every layer that is added alone, and clones all below it for each request.
        .layer((
            from_fn_with_state(web.clone(), envelope::wrap_envelope),
            envelope::catch_panics(),
            from_fn_with_state(web, request::admit),
        ))
}
