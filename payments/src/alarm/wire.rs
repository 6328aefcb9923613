//! Requests to robots in their own formats, and what their answers mean.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::message::Message;
use super::robot::{Robot, SignedRobot};
use crate::outbound::{OutboundAnswer, OutboundRequest};

/// Characters of a robot's own words in the log.
const MAX_WORDS: usize = 200;

/// A message for WeCom: markdown of at most 4096 bytes.
pub(super) fn wecom(url: &SecretString, message: &Message, link: &str) -> Option<OutboundRequest> {
    let body = json!({
        "msgtype": "markdown",
        "markdown": { "content": format_markdown(message, link) },
    });
    post_json(Url::parse(url.expose_secret()).ok()?, &body)
}

/// A message for DingTalk, signed in the address over the time in milliseconds.
pub(super) fn dingtalk(
    robot: &SignedRobot,
    message: &Message,
    link: &str,
    now: Timestamp,
) -> Option<OutboundRequest> {
    let mut url = Url::parse(robot.url.expose_secret()).ok()?;
    let secret = robot.secret.expose_secret();
    let timestamp = now.millis();
    let signature = sign_text(secret.as_bytes(), format!("{timestamp}\n{secret}").as_bytes());
    url.query_pairs_mut()
        .append_pair("timestamp", &timestamp.to_string())
        .append_pair("sign", &signature);
    let body = json!({
        "msgtype": "markdown",
        "markdown": { "title": message.title, "text": format_markdown(message, link) },
    });
    post_json(url, &body)
}

/// A message for Feishu, signed in the body over the time in seconds: the key is what others sign, and the text is empty.
pub(super) fn feishu(
    robot: &SignedRobot,
    message: &Message,
    link: &str,
    now: Timestamp,
) -> Option<OutboundRequest> {
    let timestamp = now.seconds();
    let key = format!("{timestamp}\n{}", robot.secret.expose_secret());
    let mut lines: Vec<Value> = message
        .lines
        .iter()
        .map(|line| json!([{ "tag": "text", "text": line }]))
        .collect();
    lines.push(json!([{ "tag": "a", "text": message.link, "href": link }]));
    let body = json!({
        "timestamp": timestamp.to_string(),
        "sign": sign_text(key.as_bytes(), b""),
        "msg_type": "post",
        "content": { "post": { "zh_cn": { "title": message.title, "content": lines } } },
    });
    post_json(Url::parse(robot.url.expose_secret()).ok()?, &body)
}

/// Base64 of HMAC-SHA256.
fn sign_text(key: &[u8], text: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    STANDARD.encode(hmac::sign(&key, text))
}

/// An empty line between two lines: DingTalk joins others.
fn format_markdown(message: &Message, link: &str) -> String {
    let title = format!("**{}**", message.title);
    let link = format!("[{}]({link})", message.link);
    let lines = message.lines.iter().map(String::as_str);
    std::iter::once(title.as_str())
        .chain(lines)
        .chain([link.as_str()])
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn post_json(url: Url, body: &Value) -> Option<OutboundRequest> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(OutboundRequest {
        method: Method::POST,
        url,
        headers,
        body: serde_json::to_vec(body).ok()?,
    })
}

/// Answer of a robot. HTTP 200 says only that it was read.
#[derive(Debug, Default, Deserialize)]
struct RobotAnswer {
    /// WeCom and DingTalk.
    errcode: Option<i64>,
    errmsg: Option<String>,
    /// Feishu.
    code: Option<i64>,
    msg: Option<String>,
}

impl RobotAnswer {
    fn read(answer: &OutboundAnswer) -> RobotAnswer {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }
}

/// Whether the robot has taken the message. A mail server has said so with its code.
pub(super) fn is_taken(robot: Robot, answer: &OutboundAnswer) -> bool {
    let said = RobotAnswer::read(answer);
    answer.status.is_success()
        && match robot {
            Robot::Wecom | Robot::Dingtalk => said.errcode == Some(0),
            Robot::Feishu => said.code == Some(0),
            Robot::Email => true,
        }
}

/// Tells in a line why a message was not taken.
pub(super) fn describe_refusal(robot: Robot, answer: &OutboundAnswer) -> String {
    let said = RobotAnswer::read(answer);
    let (code, words) = match robot {
        Robot::Wecom | Robot::Dingtalk => (said.errcode, said.errmsg),
        Robot::Feishu => (said.code, said.msg),
        Robot::Email => (None, Some(String::from_utf8_lossy(&answer.body).into_owned())),
    };
    let code = code.map(|code| format!(", code {code}")).unwrap_or_default();
    let words: String = words.unwrap_or_default().chars().take(MAX_WORDS).collect();
    let colon = if words.is_empty() { "" } else { ": " };
    format!("the answer was {}{code}{colon}{words}", answer.status.as_u16())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn message() -> Message {
        Message {
            title: "标题".to_owned(),
            lines: vec!["line".to_owned()],
            link: "console".to_owned(),
        }
    }

    fn robot() -> SignedRobot {
        SignedRobot {
            url: "https://robot.example/send?access_token=t".into(),
            secret: "SEC+/=".into(),
        }
    }

    fn answer(status: u16, body: &str) -> OutboundAnswer {
        OutboundAnswer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    /// Values of Python's `hmac` and `urllib.parse`.
    #[test]
    fn signatures_are_those_of_another_implementation() {
        let now = Timestamp::from_millis(1_700_000_000_123);
        let sent = dingtalk(&robot(), &message(), "https://x.example/", now).unwrap();
        assert_eq!(
            sent.url.as_str(),
            "https://robot.example/send?access_token=t&timestamp=1700000000123&sign=awDAvwcDV2mJplf0IzWrWKcrqf9%2BqbaZbZlwvaiXWPI%3D"
        );
        let sent = feishu(&robot(), &message(), "https://x.example/", now).unwrap();
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(body["timestamp"], "1700000000");
        assert_eq!(body["sign"], "VwGtJnxq1fXLIZifq6gNZPiunQUlp4hdn6WOtoLagco=");
    }

    #[test]
    fn only_the_code_of_an_answer_says_that_a_message_was_taken() {
        let cases = [
            (Robot::Wecom, 200, r#"{"errcode":0,"errmsg":"ok"}"#, true),
            (
                Robot::Wecom,
                200,
                r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#,
                false,
            ),
            (
                Robot::Dingtalk,
                200,
                r#"{"errcode":310000,"errmsg":"sign not match"}"#,
                false,
            ),
            (Robot::Dingtalk, 500, r#"{"errcode":0}"#, false),
            (Robot::Feishu, 200, r#"{"code":0,"msg":"success"}"#, true),
            (
                Robot::Feishu,
                200,
                r#"{"code":19021,"msg":"sign match fail"}"#,
                false,
            ),
            (Robot::Feishu, 200, r#"{"errcode":0}"#, false),
            (Robot::Wecom, 200, "<html>", false),
            (Robot::Email, 250, "2.0.0 queued", true),
            (Robot::Email, 535, "5.7.8 no", false),
        ];
        for (robot, status, body, is_success) in cases {
            assert_eq!(is_taken(robot, &answer(status, body)), is_success, "{body}");
        }
        assert_eq!(
            describe_refusal(Robot::Wecom, &answer(200, cases[1].2)),
            "the answer was 200, code 45009: api freq out of limit"
        );
        assert_eq!(
            describe_refusal(Robot::Feishu, &answer(502, "")),
            "the answer was 502"
        );
    }
}
