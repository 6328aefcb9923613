//! Pages and forms of `app`.

use app::context::{parameter, provide_request};
use app::i18n::Language;
use app::pages::LoadedView;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use leptos::nonce::use_nonce;
use leptos::prelude::{expect_context, provide_context, use_context};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list};

use super::api::to_the_end;
use super::body::{self, API_BYTES};
use super::error::Problem;
use super::headers::page_policy;
use super::page_request::{join_cookies, read_page_request};
use super::web::Web;
use super::{assets, checkout_page, compress, origin, storable};

pub fn routes(web: &Web) -> Router<Web> {
    let options = web.site.leptos.clone();
    Router::new()
        .leptos_routes_with_context(web, generate_route_list(app::App), page_context(web), move || {
            app::shell(options.clone())
        })
        .layer((
            from_fn(compress::pages),
            from_fn_with_state(web.clone(), origin::guard),
            from_fn(finish),
            from_fn(remember_language),
            from_fn_with_state(web.clone(), checkout_page::serve),
        ))
        .merge(assets::routes(&web.site))
}

/// Answers 404: with a page for people, with an API error for programs.
pub async fn not_found(State(web): State<Web>, request: Request) -> Response {
    let is_look = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_look || request.uri().path().starts_with("/api/") {
        return Problem::not_found().into_response();
    }
    let options = web.site.leptos.clone();
    let page =
        leptos_axum::render_app_async_with_context(page_context(&web), move || app::shell(options.clone()));
    let mut response = page(request).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Provides the context of `app` to each page and each server function.
fn page_context(web: &Web) -> impl Fn() + Clone + Send + Sync + 'static {
    let web = web.clone();
    move || {
        let parts = expect_context::<Parts>();
        let request = read_page_request(&web, &parts);
        provide_request(web.services.clone(), request, web.site.has_bundle);
        if parts.uri.path() == "/docs" {
            provide_context(web.openapi.reference());
        }
        if let Some(loaded) = parts.extensions.get::<LoadedView>() {
            provide_context(loaded.clone());
        }
        // Server functions write no HTML and have no nonce.
        if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>())
            && let Some(policy) = page_policy(&web.site, &nonce)
        {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// Keeps a language that the payer chooses on a page.
pub async fn remember_language(request: Request, next: Next) -> Response {
    let chosen = parameter(request.uri().query(), "lang").and_then(|word| Language::parse_tag(&word));
    let is_new = chosen != Language::find_kept(&join_cookies(request.headers()));
    let mut response = next.run(request).await;
    if let Some(language) = chosen.filter(|_| is_new)
        && let Ok(cookie) = HeaderValue::from_str(&language.cookie())
    {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Runs a request to its end, because a payer may close the tab while a verb runs.
pub async fn finish(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    // Server functions would read the body without a limit.
    let bytes = match body::read(&head.headers, body, API_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem::from(error).into_response(),
    };
    if let Err(problem) = storable::check_form(&bytes) {
        return problem.into_response();
    }
    let request = Request::from_parts(head, Body::from(bytes));
    to_the_end(next.run(request)).await
}

/// The same for the console. The handler of a form with a file reads its body by itself, after the guard: a file may be large,
/// and is no text.
pub async fn finish_console(request: Request, next: Next) -> Response {
    if is_multipart(request.headers()) {
        return to_the_end(next.run(request)).await;
    }
    finish(request, next).await
}

fn is_multipart(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| {
            kind.trim_start()
                .to_ascii_lowercase()
                .starts_with("multipart/form-data")
        })
}
