//! Health checks: liveness and readiness.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::web::Web;
use crate::readiness::Unready;

#[derive(Debug, Serialize)]
struct Health {
    status: &'static str,
    /// The part that does not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

const OK: Health = Health {
    status: "ok",
    failing: None,
    reason: None,
};

/// The process runs.
pub async fn live() -> Response {
    Json(OK).into_response()
}

/// Readiness. A gateway that is down does not count: sending payers to another server would not help.
pub async fn ready(State(web): State<Web>) -> Response {
    let reason = match web.readiness.check().await {
        Ok(()) => return Json(OK).into_response(),
        Err(Unready::Silent) => "it does not answer",
        Err(Unready::Unwritable) => {
            "it answers but cannot be written: is the disk full, or the file read-only?"
        }
    };
    let failing = Health {
        status: "failing",
        failing: Some("database"),
        reason: Some(reason),
    };
    (StatusCode::SERVICE_UNAVAILABLE, Json(failing)).into_response()
}
