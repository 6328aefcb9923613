//! Addresses of the epay protocol (易支付): V1 signed with MD5, V2 signed with RSA. They answer programs that were not written
//! for us, so every status, type and word here is fixed (`payments::epay` has the rules).
//!
//! They stand outside the check of our forms' origin: `submit.php` is meant to be posted by other people's pages. They read no
//! cookie and change nothing of a session.

mod answer;
mod authentic;
pub mod endpoint;
mod reading;
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
use self::endpoint::{ENDPOINTS, Endpoint};
use super::api::to_the_end;
use super::web::Web;

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
