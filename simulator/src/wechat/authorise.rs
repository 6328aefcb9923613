//! Authentication of a call: the headers and the signature of docs/gateway-facts.md 1.1 and 1.2.

use serde_json::json;

use super::Refusal;
use crate::keys::{Keys, MCH_ID};
use crate::wire::Request;

const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";
const TOLERANCE_S: i64 = 300;
/// Characters of the body in the diagnosis.
const SHOWN_BODY_CHARS: usize = 8;

pub(super) fn check_headers(request: &Request) -> Result<(), Refusal> {
    let bad_request = |status, message| Refusal::edge(status, "PARAM_ERROR", message, 268_435_461);
    let (Some(accept), Some(_)) = (request.header("accept"), request.header("user-agent")) else {
        return Err(bad_request(400, "Http头缺少Accept或User-Agent"));
    };
    let mut ranges = accept
        .split(',')
        .map(|range| range.split(';').next().unwrap_or_default().trim());
    if !ranges.any(|range| range == "application/json" || range == "*/*") {
        return Err(bad_request(406, "Http头Accept值不支持，请使用application/json"));
    }
    if !request.body.is_empty() && request.media_type().as_deref() != Some("application/json") {
        return Err(bad_request(
            415,
            "Http头Content-Type值不支持，请使用application/json",
        ));
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Authorization<'a> {
    mchid: Option<&'a str>,
    nonce_str: Option<&'a str>,
    timestamp: Option<&'a str>,
    serial_no: Option<&'a str>,
    signature: Option<&'a str>,
}

pub(super) fn authorise(keys: &Keys, now_ms: i64, request: &Request) -> Result<(), Refusal> {
    let refuse = |message: &str| Refusal::edge(401, "SIGN_ERROR", message, 268_443_699);
    let malformed = || refuse("Http头Authorization值格式错误");
    let value = request.header("authorization").ok_or_else(malformed)?;
    let (scheme, members) = value.split_once(' ').ok_or_else(malformed)?;
    if scheme != SCHEME {
        return Err(refuse("Http头Authorization认证类型不正确"));
    }
    let Authorization {
        mchid: Some(mchid),
        nonce_str: Some(nonce),
        timestamp: Some(timestamp),
        serial_no: Some(serial_no),
        signature: Some(signature),
    } = parse_members(members).ok_or_else(malformed)?
    else {
        return Err(malformed());
    };
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !(1..=32).contains(&nonce.len()) || !plain(nonce) {
        return Err(malformed());
    }
    let digits = timestamp.len() == 10 && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: i64 = timestamp.parse().ok().filter(|_| digits).ok_or_else(malformed)?;
    if mchid != MCH_ID {
        return Err(refuse("商户未申请过证书"));
    }
    if serial_no != keys.credentials().wechat_serial_no {
        return Err(refuse("商户证书序列号有误"));
    }
    if (now_ms.div_euclid(1_000) - seconds).abs() > TOLERANCE_S {
        return Err(refuse(
            "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟",
        ));
    }
    let mut message = format!("{}\n{}\n{timestamp}\n{nonce}\n", request.method, request.target).into_bytes();
    message.extend_from_slice(&request.body);
    message.push(b'\n');
    if keys.merchant_signed(&message, signature) {
        Ok(())
    } else {
        Err(diagnose_signature(request, &message))
    }
}

/// Members in any order, each once, `name="value"`, commas between and no spaces.
fn parse_members(members: &str) -> Option<Authorization<'_>> {
    let mut parsed = Authorization::default();
    for member in members.split(',') {
        let (name, quoted) = member.split_once('=')?;
        let value = quoted.strip_prefix('"')?.strip_suffix('"')?;
        let place = match name {
            "mchid" => &mut parsed.mchid,
            "nonce_str" => &mut parsed.nonce_str,
            "timestamp" => &mut parsed.timestamp,
            "serial_no" => &mut parsed.serial_no,
            "signature" => &mut parsed.signature,
            _ => return None,
        };
        if value.is_empty() || place.replace(value).is_some() {
            return None;
        }
    }
    Some(parsed)
}

/// Shows the caller what was verified, so that they can compare it with what they signed.
fn diagnose_signature(request: &Request, message: &[u8]) -> Refusal {
    let body = String::from_utf8_lossy(&request.body);
    let shown: String = body.chars().take(SHOWN_BODY_CHARS).collect();
    let head = String::from_utf8_lossy(&message[..message.len() - request.body.len() - 1]).into_owned();
    Refusal::edge(401, "SIGN_ERROR", "签名错误", 268_443_699).with_detail(json!({
        "detail": {"issue": "sign not match"},
        "field": "signature",
        "location": "authorization",
        "sign_information": {
            "method": request.method,
            "sign_message_length": message.len(),
            "truncated_sign_message": format!("{head}{shown}\n"),
            "url": request.target,
        },
    }))
}
