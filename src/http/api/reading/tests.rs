use domain::Money;
use serde::Deserialize;

use super::*;
use crate::http::error::ErrorCode;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters here")]
struct Sample {
    amount: Money,
    user_id: String,
    note: Option<String>,
    inner: Option<Inner>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read matters here")]
struct Inner {
    n: u8,
}

fn refusal(text: &str) -> (u16, Option<String>) {
    let problem = parse::<Sample>(text.as_bytes()).expect_err(text);
    (
        problem.status.as_u16(),
        problem.field.map(std::borrow::Cow::into_owned),
    )
}

#[test]
fn invalid_json_is_malformed_wherever_it_breaks() {
    for text in [
        "",
        "{",
        "nonsense",
        "\u{FEFF}{\"amount\":1,\"userId\":\"u\"}",
        "{\"amount\":1,\"userId\":\"u\"} trailing",
        "{\"amount\":\"x\",",
        "{\"amount\":NaN,\"userId\":\"u\"}",
        "{\"amount\":1,\"userId\":\"\\ud800\"}",
        &"[".repeat(10_000),
        &format!("{{\"amount\":{}", "[".repeat(10_000)),
    ] {
        assert_eq!(
            refusal(text),
            (400, None),
            "{}",
            text.chars().take(60).collect::<String>()
        );
    }
    assert_eq!(
        parse::<Sample>(b"{\"amount\":1,\"userId\":\"\xff\"}")
            .unwrap_err()
            .code,
        ErrorCode::Malformed
    );
}

#[test]
fn a_wrong_value_is_invalid_and_its_field_is_named() {
    for (text, field) in [
        ("[]", "body"),
        ("null", "body"),
        ("\"text\"", "body"),
        ("{}", "amount"),
        ("{\"amount\":1}", "userId"),
        ("{\"amount\":1.0,\"userId\":\"u\"}", "amount"),
        ("{\"amount\":1e2,\"userId\":\"u\"}", "amount"),
        ("{\"amount\":\"1\",\"userId\":\"u\"}", "amount"),
        ("{\"amount\":0,\"userId\":\"u\"}", "amount"),
        ("{\"amount\":-1,\"userId\":\"u\"}", "amount"),
        ("{\"amount\":10000000001,\"userId\":\"u\"}", "amount"),
        ("{\"amount\":9223372036854775808,\"userId\":\"u\"}", "amount"),
        ("{\"amount\":null,\"userId\":\"u\"}", "amount"),
        ("{\"amount\":true,\"userId\":\"u\"}", "amount"),
        ("{\"amount\":1,\"userId\":7}", "userId"),
        ("{\"amount\":1,\"userId\":\"u\",\"role\":\"admin\"}", "role"),
        ("{\"amount\":1,\"amount\":2,\"userId\":\"u\"}", "amount"),
        ("{\"amount\":1,\"userId\":\"u\",\"inner\":{}}", "inner.n"),
        (
            "{\"amount\":1,\"userId\":\"u\",\"inner\":{\"n\":1,\"m\":2}}",
            "inner.m",
        ),
        ("{\"amount\":1,\"userId\":\"u\",\"inner\":{\"n\":256}}", "inner.n"),
        ("{\"amount\":1,\"userId\":\"u\",\"note\":[]}", "note"),
    ] {
        assert_eq!(refusal(text), (422, Some(field.to_owned())), "{text}");
    }
    assert!(parse::<Sample>(b"{\"amount\":1,\"userId\":\"u\",\"note\":null}").is_ok());
}

#[test]
fn json_is_announced_as_json() {
    for (value, is_taken) in [
        ("application/json", true),
        ("Application/JSON; charset=UTF-8", true),
        ("application/json; charset=gbk", false),
        ("text/plain", false),
        ("application/x-www-form-urlencoded", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
        assert_eq!(is_json(&headers), is_taken, "{value}");
    }
    assert!(!is_json(&HeaderMap::new()));
}

#[test]
fn a_body_is_an_object_and_numbers_are_in_range() {
    for (text, field) in [
        ("[1,\"u\",null,null]", "body"),
        ("null", "body"),
        ("\"text\"", "body"),
        ("{\"amount\":1e999,\"userId\":\"u\"}", "amount"),
    ] {
        assert_eq!(refusal(text), (422, Some(field.to_owned())), "{text}");
    }
}
