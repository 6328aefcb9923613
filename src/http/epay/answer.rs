//! Answers: JSON with status 200 also for a refusal, and a page in two languages for a browser.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use payments::epay::{Code, Members, Refusal, Value};

use super::reading::Unreadable;
use crate::telemetry;

/// Writes the members, or the refusal with its code. Many clients read no body unless the status is 200.
pub fn json(outcome: Result<Members, Refusal>) -> Response {
    match outcome {
        Ok(members) => with_status(StatusCode::OK, &members),
        Err(refusal) => {
            let (status, code, message) = describe_refusal(refusal, StatusCode::OK);
            with_status(status, &told_members(code, message))
        }
    }
}

pub fn unreadable(error: Unreadable) -> Response {
    match error {
        Unreadable::Refused(refusal) => json(Err(refusal)),
        other => {
            let (status, message) = describe_unreadable(&other);
            with_status(status, &told_members(Code::Refused, message.to_owned()))
        }
    }
}

/// The body of a refusal, for errors that were found before the handler.
pub fn body_of(message: &str) -> String {
    to_json(&told_members(Code::Refused, message.to_owned())).to_string()
}

fn told_members(code: Code, message: String) -> Members {
    vec![("code", code.number().into()), ("msg", message.into())]
}

fn describe_unreadable(error: &Unreadable) -> (StatusCode, &'static str) {
    match error {
        Unreadable::TooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "请求体没有按时到达 (the body did not arrive in time)",
        ),
        Unreadable::TooLarge | Unreadable::Refused(_) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "请求过大：最多 64 KiB、100 个参数 (at most 64 KiB and 100 parameters)",
        ),
    }
}

/// Status, code and words of a refusal; what broke on our side is logged, and told without a detail.
fn describe_refusal(refusal: Refusal, usual: StatusCode) -> (StatusCode, Code, String) {
    match refusal {
        Refusal::Told { code, message } => (usual, code, message.into_owned()),
        Refusal::Broken(error) => {
            tracing::error!(error = telemetry::chain(&error), "an epay call broke");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            (
                status,
                Code::Refused,
                "系统繁忙，请稍后再试 (something broke on our side)".to_owned(),
            )
        }
    }
}

fn with_status(status: StatusCode, members: &Members) -> Response {
    let kind = HeaderValue::from_static("application/json; charset=utf-8");
    (
        status,
        [(header::CONTENT_TYPE, kind)],
        to_json(members).to_string(),
    )
        .into_response()
}

fn to_json(members: &Members) -> serde_json::Value {
    let pairs = members.iter().map(|(name, value)| {
        let value = match value {
            Value::Text(text) => text.as_str().into(),
            Value::Number(number) => (*number).into(),
            Value::List(rows) => rows.iter().map(to_json).collect(),
        };
        ((*name).to_owned(), value)
    });
    serde_json::Value::Object(pairs.collect())
}

/// A page with the reason. Nothing of the request stands in it.
pub fn page(refusal: Refusal) -> Response {
    let (status, code, message) = describe_refusal(refusal, StatusCode::BAD_REQUEST);
    let status = if code == Code::NotAuthentic {
        StatusCode::FORBIDDEN
    } else {
        status
    };
    page_with(status, &message)
}

pub fn unreadable_page(error: Unreadable) -> Response {
    match error {
        Unreadable::Refused(refusal) => page(refusal),
        other => {
            let (status, message) = describe_unreadable(&other);
            page_with(status, message)
        }
    }
}

fn page_with(status: StatusCode, message: &str) -> Response {
    let html = format!(
        "<!DOCTYPE html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"robots\" content=\"noindex\"><title>无法支付 · Payment not possible</title></head>\
         <body><main><h1>无法支付</h1><h2 lang=\"en\">Payment not possible</h2><p>{}</p></main></body></html>",
        escape_html(message)
    );
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(header::CONTENT_TYPE, kind)], html).into_response()
}

/// A refusal may name a gateway's words, which are not ours.
fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
