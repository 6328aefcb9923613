//! Checkout pages, drawn by Leptos once for each shape and written from its document afterwards.
//!
//! Only the plain address of a page goes this way: what is said once (an error, *I have paid*) is drawn by Leptos itself.

use app::page_template::Template;
use app::pages::{LoadedView, load_checkout};
use app::view::PageRequest;
use app::view::hollow::{Hollow, slot};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use leptos::nonce::Nonce;

use super::body::API_BYTES;
use super::error::Problem;
use super::headers::page_policy;
use super::page_request::read_page_request;
use super::web::Web;

/// Stands around the pages of payers.
pub async fn serve(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    let Some(token) = token_of(&head) else {
        return next.run(Request::from_parts(head, body)).await;
    };
    let visitor = read_page_request(&web, &head);
    let loaded = load_checkout(&web.services, &visitor, &token, PageRequest::default()).await;
    // Leptos draws what went wrong.
    let Ok(view) = loaded else {
        return next.run(Request::from_parts(head, body)).await;
    };
    let page = Hollow::of(view);
    let known = web.templates.find(&page.shape);
    if let Some(Some(template)) = &known {
        let nonce = Nonce::new().to_string();
        return page_document(&web, template.fill(&page, &nonce), &nonce);
    }
    head.extensions.insert(LoadedView(Box::new(page.whole())));
    let again = known
        .is_none()
        .then(|| hollow_request(&head, &token, page.view.clone()))
        .flatten();
    let response = next.clone().run(Request::from_parts(head, body)).await;
    let Some(again) = again else { return response };
    let (head, drawn) = match read_document(response).await {
        Ok(read) => read,
        Err(response) => return *response,
    };
    let template = draw_template(&page, &head.headers, &drawn, next.run(again).await).await;
    if template.is_none() {
        tracing::debug!("a checkout page of this shape is drawn anew each time");
    }
    web.templates.keep(page.shape, template);
    Response::from_parts(head, Body::from(drawn))
}

/// The token of a page that is asked for by its plain address.
fn token_of(head: &Parts) -> Option<String> {
    let token = head.uri.path().strip_prefix("/checkout/")?;
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut parameters = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
    let is_plain = parameters.all(|(name, _)| name == "lang" || name == "device");
    (head.method == Method::GET && is_token && is_plain).then(|| token.to_owned())
}

/// The same visit to a page without texts, whose address carries the slot of its token.
fn hollow_request(head: &Parts, token: &str, view: app::view::CheckoutView) -> Option<Request> {
    let address = head.uri.to_string().replacen(token, &slot(0), 1);
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = address.parse::<Uri>().ok()?;
    *request.headers_mut() = head.headers.clone();
    *request.extensions_mut() = head.extensions.clone();
    request.extensions_mut().insert(LoadedView(Box::new(view)));
    Some(request)
}

/// A document whole; whatever is none is given back.
async fn read_document(response: Response) -> Result<(axum::http::response::Parts, String), Box<Response>> {
    if response.status() != StatusCode::OK {
        return Err(Box::new(response));
    }
    let (head, body) = response.into_parts();
    let bytes = to_bytes(body, API_BYTES).await.ok();
    match bytes.and_then(|bytes| String::from_utf8(bytes.into()).ok()) {
        Some(document) => Ok((head, document)),
        None => Err(Box::new(Problem::internal().into_response())),
    }
}

/// The document of a shape, if it gives back what Leptos has drawn for a page of it.
async fn draw_template(
    page: &Hollow,
    headers: &HeaderMap,
    drawn: &str,
    hollow: Response,
) -> Option<Template> {
    let (hollow_head, document) = read_document(hollow).await.ok()?;
    let template = Template::parse(&document, nonce_of(&hollow_head.headers)?, page.texts.len());
    let is_whole = template.fill(page, nonce_of(headers)?) == drawn;
    is_whole.then_some(template)
}

fn nonce_of(headers: &HeaderMap) -> Option<&str> {
    let policy = headers.get(header::CONTENT_SECURITY_POLICY)?.to_str().ok()?;
    let (_, after) = policy.split_once("'nonce-")?;
    after.split_once('\'').map(|(nonce, _)| nonce)
}

fn page_document(web: &Web, text: String, nonce: &str) -> Response {
    let Some(policy) = page_policy(&web.site, nonce) else {
        return Problem::internal().into_response();
    };
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, text).into_response()
}
