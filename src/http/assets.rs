//! Static files of the pages: stylesheet, logos, and the browser bundle. All of them are in memory, compressed beforehand.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use domain::hex_digits;

use super::compress::{accepts_coding, compress_max};
use super::error::Problem;
use super::web::Web;
use crate::bundle::BundleFile;
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
    for (path, logo) in &site.pictures {
        let content = Bytes::from(logo.content.clone());
        let file = File::new(content, logo.kind.media_type(), FOR_EVER);
        router = router.route(path, file.handler());
    }
    if let Some(bundle) = &site.bundle {
        // A new bundle gets a new address, so the old one may be kept for ever.
        for file in &bundle.files {
            let path = format!("/{}/{}", site.leptos.site_pkg_dir, file.name);
            router = router.route(&path, File::of_bundle(file).handler());
        }
    }
    router.route("/pkg/{*path}", get(no_such_file))
}

async fn no_such_file() -> Problem {
    Problem::not_found()
}

/// One encoding of a file, under its own strong validator.
#[derive(Debug, Clone)]
struct Variant {
    content: Bytes,
    coding: Option<&'static str>,
    etag: HeaderValue,
}

impl Variant {
    fn new(content: Bytes, coding: Option<&'static str>, fingerprint: &str) -> Variant {
        let suffix = coding.map(|coding| format!("-{coding}")).unwrap_or_default();
        Variant {
            etag: HeaderValue::from_str(&format!("\"{fingerprint}{suffix}\""))
                .expect("hex digits and letters make a header"),
            content,
            coding,
        }
    }
}

/// A file of ours with its compressed variants, smallest first.
#[derive(Debug, Clone)]
struct File {
    variants: Vec<Variant>,
    media_type: &'static str,
    kept: HeaderValue,
}

impl File {
    /// A file that is small enough to be compressed at the start.
    fn new(content: Bytes, media_type: &'static str, kept: HeaderValue) -> File {
        let gzip = Some(compress_max(&content));
        File::with_twins(content, None, gzip, media_type, kept)
    }

    fn of_bundle(file: &BundleFile) -> File {
        File::with_twins(
            file.content.clone(),
            file.brotli.clone(),
            file.gzip.clone(),
            media_type_of(&file.name),
            FOR_EVER,
        )
    }

    fn with_twins(
        content: Bytes,
        brotli: Option<Bytes>,
        gzip: Option<Bytes>,
        media_type: &'static str,
        kept: HeaderValue,
    ) -> File {
        let fingerprint = hash_of(&content);
        let n_bytes = content.len();
        let twins = [(brotli, "br"), (gzip, "gzip")];
        let mut variants: Vec<Variant> = twins
            .into_iter()
            .filter_map(|(twin, coding)| Some(Variant::new(twin?, Some(coding), &fingerprint)))
            .filter(|twin| twin.content.len() < n_bytes)
            .collect();
        variants.push(Variant::new(content, None, &fingerprint));
        File {
            variants,
            media_type,
            kept,
        }
    }

    fn handler(self) -> axum::routing::MethodRouter<Web> {
        get(async move |headers: HeaderMap| self.answer(&headers))
    }

    fn answer(&self, asked: &HeaderMap) -> Response {
        let variant = self
            .variants
            .iter()
            .find(|variant| variant.coding.is_none_or(|coding| accepts_coding(asked, coding)))
            .expect("the last variant needs no coding");
        let mut response = if is_known(asked, &variant.etag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            variant.content.clone().into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, variant.etag.clone());
        headers.insert(header::CACHE_CONTROL, self.kept.clone());
        headers.insert(header::VARY, ACCEPT_ENCODING);
        if response.status() == StatusCode::OK {
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media_type));
            if let Some(coding) = variant.coding {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
            }
        }
        response
    }
}

/// First half of SHA-256 in hex: equal validators mean equal bytes.
fn hash_of(content: &[u8]) -> String {
    hex_digits(&digest(&SHA256, content).as_ref()[..16])
}

/// Whether the client holds this very variant.
fn is_known(asked: &HeaderMap, etag: &HeaderValue) -> bool {
    asked.get_all(header::IF_NONE_MATCH).iter().any(|held| {
        let held = held.to_str().unwrap_or_default();
        held.split(',')
            .map(|one| one.trim().trim_start_matches("W/"))
            .any(|one| one == "*" || one.as_bytes() == etag.as_bytes())
    })
}

fn media_type_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => CSS,
        Some("json") => "application/json",
        Some("svg") => SVG,
        _ => "application/octet-stream",
    }
}
