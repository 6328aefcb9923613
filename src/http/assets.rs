//! Static files of the pages: stylesheet, logos, and the browser bundle.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, get_service};
use bytes::Bytes;
use tower_http::services::ServeDir;

use super::Web;
use super::compress::{accepts_gzip, compress_max, mark};
use super::error::Problem;
use crate::site::SiteConfig;

const SVG: &str = "image/svg+xml";
const CSS: &str = "text/css; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// Cached for ever: the address contains a hash of the content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_A_DAY: HeaderValue = HeaderValue::from_static("public, max-age=86400");
const ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("accept-encoding");

pub fn routes(site: &SiteConfig) -> Router<Web> {
    let stylesheet = File::new(site.stylesheet.text.clone().into(), CSS, FOR_EVER);
    let console = File::new(
        Bytes::from_static(app::CONSOLE_STYLESHEET.text.as_bytes()),
        CSS,
        FOR_EVER,
    );
    let mut router = Router::new()
        .route(&site.stylesheet.path, stylesheet.handler())
        .route(&app::CONSOLE_STYLESHEET.path, console.handler())
        .route(
            "/favicon.svg",
            File::new(Bytes::from_static(app::FAVICON.as_bytes()), SVG, FOR_A_DAY).handler(),
        )
        .route(
            "/robots.txt",
            File::new(Bytes::from_static(app::ROBOTS.as_bytes()), TEXT, FOR_A_DAY).handler(),
        );
    if let Some((path, logo)) = &site.logo {
        let content = Bytes::from(logo.content.clone());
        let file = File::new(content, logo.kind.media_type(), FOR_EVER);
        router = router.route(path, file.handler());
    }
    if site.has_bundle.0 {
        // As a service: the fallback of a nested router would come after the route below.
        router = router.nest_service(&format!("/{}", site.leptos.site_pkg_dir), bundle(site));
    }
    router.route("/pkg/{*path}", get(no_such_file))
}

/// Serves the bundle and its precompressed files. A new bundle has a new address, so the old one may be cached for ever.
fn bundle(site: &SiteConfig) -> Router {
    let files = ServeDir::new(&site.pkg)
        .append_index_html_on_directories(false)
        .precompressed_br()
        .precompressed_gzip()
        .fallback(get(no_such_file));
    Router::new()
        .fallback_service(get_service(files))
        .layer(from_fn(keep_what_is_there))
}

async fn keep_what_is_there(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status().is_success() {
        response.headers_mut().insert(header::CACHE_CONTROL, FOR_EVER);
    }
    response
}

async fn no_such_file() -> Problem {
    Problem::not_found()
}

/// A static file, compressed once.
#[derive(Debug, Clone)]
struct File {
    content: Bytes,
    compressed: Bytes,
    media_type: &'static str,
    kept: HeaderValue,
}

impl File {
    fn new(content: Bytes, media_type: &'static str, kept: HeaderValue) -> File {
        File {
            compressed: compress_max(&content),
            content,
            media_type,
            kept,
        }
    }

    fn handler(self) -> axum::routing::MethodRouter<Web> {
        get(async move |headers: HeaderMap| self.answer(&headers))
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let is_small = accepts_gzip(asked) && self.compressed.len() < self.content.len();
        let content = if is_small { &self.compressed } else { &self.content };
        let headers: [(HeaderName, HeaderValue); 3] = [
            (header::CONTENT_TYPE, HeaderValue::from_static(self.media_type)),
            (header::CACHE_CONTROL, self.kept.clone()),
            (header::VARY, ACCEPT_ENCODING),
        ];
        let mut response = (headers, content.clone()).into_response();
        if is_small {
            mark(response.headers_mut());
        }
        response
    }
}
