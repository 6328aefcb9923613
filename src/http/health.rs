//! For those who keep the server running.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::Web;
use crate::telemetry;

#[derive(Debug, Serialize)]
struct Readiness {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<&'static str>,
}

/// The process runs.
pub async fn live() -> Response {
    Json(Readiness {
        status: "ok",
        failing: None,
    })
    .into_response()
}

/// The process can do its work. A gateway that is down is no reason to send payers elsewhere: they would meet it there too.
pub async fn ready(State(web): State<Web>) -> Response {
    match web.services.db.ping().await {
        Ok(()) => Json(Readiness {
            status: "ok",
            failing: None,
        })
        .into_response(),
        Err(error) => {
            tracing::error!(error = telemetry::chain(&error), "the database does not answer");
            let failing = Readiness {
                status: "failing",
                failing: Some("database"),
            };
            (StatusCode::SERVICE_UNAVAILABLE, Json(failing)).into_response()
        }
    }
}
