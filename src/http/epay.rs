//! Addresses of the epay protocol (易支付): V1 signed with MD5, V2 signed with RSA. They answer programs that were not written
//! for us, so every status, type and word here is fixed (`payments::epay` has the rules).
//!
//! They stand outside the check of our forms' origin: `submit.php` is meant to be posted by other people's pages. They read no
//! cookie and change nothing of a session.

mod answer;
mod authentic;
mod reading;
mod return_link;
mod submit;
mod v1;
mod v2;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::Response;
use axum::routing::any;
use payments::epay::{Code, Refusal};
use tracing::Instrument as _;

pub use self::answer::body_of;
pub use self::return_link::show as return_to_merchant;
use super::api::to_the_end;
use super::web::Web;

/// One address of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    SubmitV1,
    SubmitV2,
    Mapi,
    Api,
    Create,
    Query,
    Refund,
    RefundQuery,
    Close,
    Info,
    Orders,
    /// `/api/transfer/*`, which is not offered.
    Transfer,
}

const ENDPOINTS: [(&str, Endpoint); 12] = [
    ("/submit.php", Endpoint::SubmitV1),
    ("/mapi.php", Endpoint::Mapi),
    ("/api.php", Endpoint::Api),
    ("/api/pay/submit", Endpoint::SubmitV2),
    ("/api/pay/create", Endpoint::Create),
    ("/api/pay/query", Endpoint::Query),
    ("/api/pay/refund", Endpoint::Refund),
    ("/api/pay/refundquery", Endpoint::RefundQuery),
    ("/api/pay/close", Endpoint::Close),
    ("/api/merchant/info", Endpoint::Info),
    ("/api/merchant/orders", Endpoint::Orders),
    ("/api/transfer/{*call}", Endpoint::Transfer),
];

/// Routes of every endpoint. Clients append a path to whatever an operator typed, so two slashes at the beginning are one.
pub fn routes() -> Router<Web> {
    let mut router = Router::new();
    for (path, endpoint) in ENDPOINTS {
        let handler = move |State(web): State<Web>, request: Request| serve_call(web, endpoint, request);
        router = router
            .route(path, any(handler))
            .route(&format!("/{path}"), any(handler));
    }
    router
}

/// Whether an address belongs to the protocol, which reads and answers by rules of its own.
pub fn is_endpoint(path: &str) -> bool {
    find_endpoint(path).is_some()
}

/// Whether an address answers in JSON, also when something breaks before its handler.
pub fn is_json_endpoint(path: &str) -> bool {
    find_endpoint(path).is_some_and(|endpoint| !endpoint.is_for_browsers())
}

fn find_endpoint(path: &str) -> Option<Endpoint> {
    let path = path.strip_prefix("//").map_or(path, |_| &path[1..]);
    let is_known = |known: &str| match known.strip_suffix("{*call}") {
        Some(beginning) => path.starts_with(beginning),
        None => path == known,
    };
    let mut endpoints = ENDPOINTS.iter();
    let found = endpoints.find(|(known, _)| is_known(known));
    found.map(|(_, endpoint)| *endpoint)
}

impl Endpoint {
    /// A payer's browser is sent to a page; everything else is a program that reads JSON.
    const fn is_for_browsers(self) -> bool {
        matches!(self, Endpoint::SubmitV1 | Endpoint::SubmitV2)
    }
}

/// A client that hangs up leaves no half-made order: what began goes on to its end.
async fn serve_call(web: Web, endpoint: Endpoint, request: Request) -> Response {
    to_the_end(Box::pin(answer_call(web, endpoint, request)).in_current_span()).await
}

async fn answer_call(web: Web, endpoint: Endpoint, request: Request) -> Response {
    if endpoint.is_for_browsers() {
        return submit::serve_browser(&web, endpoint, request).await;
    }
    let is_post = *request.method() == Method::POST;
    let call = match reading::read(request).await {
        Ok(call) => call,
        Err(unreadable) => return answer::unreadable(unreadable),
    };
    let members = match endpoint {
        Endpoint::Api => v1::api(&web, &call, is_post).await,
        Endpoint::Transfer => Err(Refusal::new(Code::UnknownCall, "接口不存在 (no such call)")),
        _ if !is_post => Err(Refusal::incomplete("请使用 POST 提交 (send it by POST)")),
        Endpoint::Mapi => v1::mapi(&web, &call).await,
        _ => v2::answer_signed(&web, endpoint, &call).await,
    };
    answer::json(members)
}
