//! Fields of an order as clients send them, read once into values that cannot be wrong.

use std::net::IpAddr;

use domain::Money;
use url::Url;

use super::money::parse_money;
use super::refusal::Refusal;
use super::text::Fields;
use super::{NewAttempt, Version};
use crate::Services;
use crate::validate::is_misleading;

const MAX_OUT_TRADE_NO: usize = 128;
const MAX_ADDRESS: usize = 1024;
const MAX_PARAM: usize = 1024;
/// The gateways show so many bytes.
const MAX_NAME: usize = 127;

/// An order that a client asks for, and how it wants to have it paid.
#[derive(Debug)]
pub struct OrderRequest {
    pub attempt: NewAttempt,
    /// `device`, which only a client's server may say.
    pub device: Option<String>,
}

/// Reads the fields of an order. `allows_return` is the operator's rule about hosts that payers are sent back to.
pub fn read_order(
    services: &Services,
    fields: &Fields,
    version: Version,
    allows_return: &(dyn Fn(&str) -> bool + Sync),
) -> Result<OrderRequest, Refusal> {
    let notify_url = read_address("notify_url", require_field(fields, "notify_url")?)?;
    // A name is looked at when it is called: it may lead elsewhere by then.
    let guard = &services.outbox.guard;
    guard.parse_url(notify_url.as_str()).map_err(|refusal| {
        Refusal::refused(format!("notify_url 不是可用的公网地址 (notify_url {refusal})"))
    })?;
    let return_url = fields
        .get("return_url")
        .map(|text| read_address("return_url", text))
        .transpose()?;
    if return_url
        .as_ref()
        .is_some_and(|url| !allows_return(url.as_str()))
    {
        return Err(Refusal::refused(
            "return_url 的域名不被允许 (the host of return_url is not allowed)",
        ));
    }
    let attempt = NewAttempt {
        out_trade_no: read_out_trade_no(require_field(fields, "out_trade_no")?)?,
        amount: read_amount(fields)?,
        name: clean_name(require_field(fields, "name")?)
            .ok_or_else(|| Refusal::refused("name 为空 (nothing is left of name)"))?,
        notify_url: notify_url.into(),
        return_url: return_url.map(String::from),
        param: read_param(fields.get("param").unwrap_or_default())?,
        asked_type: fields.get("type").unwrap_or_default().chars().take(32).collect(),
        client_ip: fields
            .get("clientip")
            .and_then(|text| text.parse::<IpAddr>().ok()),
        version,
    };
    Ok(OrderRequest {
        attempt,
        device: fields.get("device").map(str::to_owned),
    })
}

fn require_field<'a>(fields: &'a Fields, name: &'static str) -> Result<&'a str, Refusal> {
    fields
        .get(name)
        .ok_or_else(|| Refusal::incomplete(format!("缺少参数 {name} ({name} is missing)")))
}

/// Reads `money`: yuan, exactly.
pub fn read_amount(fields: &Fields) -> Result<Money, Refusal> {
    parse_money(require_field(fields, "money")?)
        .ok_or_else(|| Refusal::refused("金额不合法 (money must be yuan, such as 9.90)"))
}

fn read_out_trade_no(text: &str) -> Result<String, Refusal> {
    let is_plain = text.len() <= MAX_OUT_TRADE_NO
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'|' | b'-'));
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err(Refusal::refused(
            "out_trade_no 不合法 (out_trade_no must be 1 to 128 characters of A-Z a-z 0-9 . _ | -)",
        ))
    }
}

/// An absolute http or https address without a user. The parser percent-encodes what is not ASCII.
fn read_address(name: &'static str, text: &str) -> Result<Url, Refusal> {
    let refuse = || Refusal::refused(format!("{name} 不合法 ({name} must be an http or https address)"));
    if text.len() > MAX_ADDRESS || text.chars().any(char::is_control) {
        return Err(refuse());
    }
    let url = Url::parse(text).map_err(|_| refuse())?;
    let is_web = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none();
    if is_web { Ok(url) } else { Err(refuse()) }
}

/// Kept to the letter, because it goes back.
fn read_param(text: &str) -> Result<String, Refusal> {
    if text.len() <= MAX_PARAM {
        Ok(text.to_owned())
    } else {
        Err(Refusal::refused("param 过长 (param must be at most 1024 bytes)"))
    }
}

/// The name without what cannot be seen or misleads, cut between two characters. `None`: nothing is left.
fn clean_name(text: &str) -> Option<String> {
    let seen: String = text.chars().filter(|c| !is_misleading(*c)).collect();
    let seen = seen.trim();
    let end = (0..=MAX_NAME.min(seen.len()))
        .rev()
        .find(|end| seen.is_char_boundary(*end))?;
    let cut = seen[..end].trim_end();
    (!cut.is_empty()).then(|| cut.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cleaned_and_cut_between_two_characters() {
        for (name, clean) in [
            (" VIP 会员\n", Some("VIP 会员")),
            ("a\u{202E}b\u{200F}c\0", Some("abc")),
            ("<script>\"'&", Some("<script>\"'&")),
            (" \u{202E} ", None),
            ("\t", None),
        ] {
            assert_eq!(clean_name(name).as_deref(), clean, "{name:?}");
        }
        assert_eq!(clean_name(&"会".repeat(50)).unwrap(), "会".repeat(42));
        assert_eq!(clean_name(&"a".repeat(200)).unwrap().len(), 127);
        let spaced = format!("{} {}", "a".repeat(126), "b".repeat(9));
        assert_eq!(
            clean_name(&spaced).unwrap(),
            "a".repeat(126),
            "no white space at its end"
        );
    }

    #[test]
    fn only_web_addresses_without_a_user_are_addresses() {
        for (text, kept) in [
            ("https://shop.example/n?x=1#top", "https://shop.example/n?x=1#top"),
            (
                "http://shop.example/支付",
                "http://shop.example/%E6%94%AF%E4%BB%98",
            ),
            ("http://shop.example:8080/a%20b", "http://shop.example:8080/a%20b"),
        ] {
            assert_eq!(read_address("notify_url", text).unwrap().as_str(), kept);
        }
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "//shop.example/",
            "/n",
            "https://user@shop.example/",
            "https://user:secret@shop.example/",
            "https://",
            "ftp://shop.example/",
            "https://shop.example/\r\nx",
        ] {
            assert!(read_address("notify_url", text).is_err(), "{text}");
        }
    }
}
