//! Masks gateway messages for display: without signatures, secrets and personal data.

use super::alipay::sign::text_of;
use super::urlencoded::{charset_of, pairs};

/// Fields with signatures, encrypted text, or a name; any other field that begins with `buyer_` and is no amount identifies
/// the payer too.
const SECRETS: [&str; 9] = [
    "sign",
    "ciphertext",
    "nonce",
    "associated_data",
    "openid",
    "sub_openid",
    "payer_client_ip",
    "seller_email",
    "user_received_account",
];

fn is_secret(name: &str) -> bool {
    let is_payer = name.starts_with("buyer_") && !name.ends_with("_amount");
    is_payer || SECRETS.contains(&name)
}

/// Replaces a text by its length.
fn mask_text(text: &str) -> String {
    format!("•••• ({})", text.chars().count())
}

/// Masks a line `name: value`.
pub fn masked_header(line: &str) -> String {
    match line.split_once(": ") {
        Some((name, value)) if name.eq_ignore_ascii_case("wechatpay-signature") => {
            format!("{name}: {}", mask_text(value))
        }
        _ => line.to_owned(),
    }
}

/// Masks and indents JSON; for anything else only its length is shown.
pub fn masked_json(body: &[u8]) -> String {
    let text = text_of(body);
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(&text) else {
        return mask_text(&text);
    };
    mask_within(&mut value);
    serde_json::to_string_pretty(&value).unwrap_or_else(|_| mask_text(&text))
}

fn mask_within(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    serde_json::Value::String(text) if is_secret(name) => *text = mask_text(text),
                    value if is_secret(name) => *value = mask_text(&value.to_string()).into(),
                    value => mask_within(value),
                }
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(mask_within),
        _ => {}
    }
}

/// Masks a form, one `name=value` a line, decoded from its charset; undecodable bytes show as replacement characters.
pub fn masked_form(body: &[u8], content_type: Option<&str>) -> String {
    let charset = charset_of(body, content_type);
    let lines: Vec<String> = pairs(body)
        .map(|(name, value)| {
            let name = charset.decode_without_bom_handling(&name).0;
            let value = charset.decode_without_bom_handling(&value).0;
            if is_secret(&name) {
                format!("{name}={}", mask_text(&value))
            } else {
                format!("{name}={value}")
            }
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_signature_and_no_payer_is_shown() {
        let json = masked_json(
            br#"{"id":"1","resource":{"ciphertext":"c2VjcmV0","nonce":"n0","payer":[{"openid":"oUpF8"}]}}"#,
        );
        for secret in ["c2VjcmV0", "n0\"", "oUpF8"] {
            assert!(!json.contains(secret), "{json}");
        }
        assert!(json.contains("\"id\": \"1\""));
        let form = masked_form(
            b"out_no=P1&sign=abc%2Bdef&buyer_logon_id=138****0000&total=1.00",
            None,
        );
        assert_eq!(
            form,
            "out_no=P1\nsign=•••• (7)\nbuyer_logon_id=•••• (11)\ntotal=1.00"
        );
        let gbk = Some("application/x-www-form-urlencoded; charset=GBK");
        assert_eq!(
            masked_form(b"subject=%CA%A7+%B0%DC%CA", gbk),
            "subject=失 败\u{FFFD}"
        );
        assert_eq!(
            masked_header("Wechatpay-Signature: abc"),
            "Wechatpay-Signature: •••• (3)"
        );
        let payer = masked_json(br#"{"buyer_user_name":"Li","buyer_open_id":[1],"buyer_pay_amount":"9.90"}"#);
        assert_eq!(
            payer,
            "{\n  \"buyer_open_id\": \"•••• (3)\",\n  \"buyer_pay_amount\": \"9.90\",\n  \"buyer_user_name\": \"•••• (2)\"\n}"
        );
        assert_eq!(masked_json(b"not json"), "•••• (8)");
        assert_eq!(
            masked_json(b"{\"msg\":\"\xca\xa7\xb0\xdc\"}"),
            "{\n  \"msg\": \"失败\"\n}"
        );
    }
}
