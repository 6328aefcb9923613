//! What people see: the pages and forms of `app`, and the few files they need.

use app::context::{Request as PageRequest, provide_request};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, get_service};
use leptos::nonce::use_nonce;
use leptos::prelude::{expect_context, use_context};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use super::Web;
use super::api::to_the_end;
use super::body::{self, API_BYTES};
use super::envelope::RequestId;
use super::error::Problem;
use super::headers::page_policy;
use super::origin;
use crate::listen::Peer;

const SVG: &str = "image/svg+xml";
const CSS: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// The address names the content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_A_DAY: &str = "public, max-age=86400";
/// The bundle keeps its names from version to version, and script and wasm must be of the same one.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("public, no-cache");

pub fn routes(web: &Web) -> Router<Web> {
    let options = web.site.leptos.clone();
    let bundle = ServeDir::new(&web.site.pkg)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
        .fallback(get(no_such_file));
    let bundle =
        Router::new()
            .fallback_service(get_service(bundle))
            .layer(SetResponseHeaderLayer::overriding(
                header::CACHE_CONTROL,
                ASK_FIRST,
            ));
    Router::new()
        .leptos_routes_with_context(web, generate_route_list(app::App), context(web), move || {
            app::shell(options.clone())
        })
        .layer(from_fn(finish))
        .layer(from_fn_with_state(web.clone(), origin::guard))
        .route(
            app::STYLESHEET_PATH.as_str(),
            get(async || file(app::STYLESHEET, CSS, FOR_EVER)),
        )
        .route(
            app::CONSOLE_STYLESHEET_PATH.as_str(),
            get(async || file(app::CONSOLE_STYLESHEET, CSS, FOR_EVER)),
        )
        .route("/favicon.svg", get(async || file(app::FAVICON, SVG, FOR_A_DAY)))
        .route("/robots.txt", get(async || file(app::ROBOTS, TEXT, FOR_A_DAY)))
        .nest("/pkg", bundle)
}

/// Every other address: a page that says so, and for programs the words of the API.
pub async fn not_found(State(web): State<Web>, request: Request) -> Response {
    let is_look = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_look || request.uri().path().starts_with("/api/") {
        return Problem::not_found().into_response();
    }
    let options = web.site.leptos.clone();
    let page = leptos_axum::render_app_async_with_context(context(&web), move || app::shell(options.clone()));
    let mut response = page(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Provides what `app` asks for, before each page and each server function.
fn context(web: &Web) -> impl Fn() + Clone + Send + Sync + 'static {
    let web = web.clone();
    move || {
        let parts = expect_context::<Parts>();
        let accept_language = parts
            .headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        let request_id = parts
            .extensions
            .get::<RequestId>()
            .map(|id| id.0.clone())
            .unwrap_or_default();
        let payer_ip = parts.extensions.get::<Peer>().map(|peer| peer.0);
        let site = web.site.shown.clone();
        let request = PageRequest::new(site, parts.uri.query(), accept_language, request_id, payer_ip);
        provide_request(web.services.clone(), request, web.site.has_bundle);
        // Server functions write no HTML and have no nonce.
        if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
            && let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce, web.site.has_bundle.0))
        {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// Pages and forms call verbs, and a payer may close the tab at any moment: what began goes on to its end.
pub async fn finish(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    // Server functions would read without a limit.
    let bytes = match body::read(&head.headers, body, API_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem::from(error).into_response(),
    };
    let request = Request::from_parts(head, Body::from(bytes));
    to_the_end(next.run(request)).await
}

async fn no_such_file() -> Problem {
    Problem::not_found()
}

fn file(text: &'static str, kind: &'static str, kept: &'static str) -> Response {
    let headers: [(HeaderName, &str); 2] = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)];
    (headers, text).into_response()
}
