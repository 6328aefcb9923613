//! The parameters of a call: query and body merged, checked in the gateway's own order.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Method;
use super::charset::Charset;
use super::node::Refusal;
use super::sealing;
use crate::keys::{ALIPAY_APP_ID, Keys};
use crate::time::{DAY_MS, MINUTE_MS, parse_beijing};
use crate::wire::{Request, is_notify_url};

/// Tolerance of a timestamp; the gateway does not document one, ten minutes are generous.
const TOLERANCE_MS: i64 = 10 * MINUTE_MS;
/// Lifetime of a link that waits on the merchant's page.
const LINK_LIFE_MS: i64 = DAY_MS;

#[derive(Debug)]
pub(super) struct Params {
    map: BTreeMap<String, String>,
    /// As far as it is known: of the request, and so of its answer.
    pub(super) charset: Charset,
}

fn invalid_parameter(sub_msg: &str) -> Refusal {
    Refusal::invalid("isv.invalid-parameter", sub_msg)
}

impl Params {
    pub(super) fn merge(request: &Request) -> Result<Params, Refusal> {
        let body = match request.method.as_str() {
            "GET" | "HEAD" => "",
            "POST" => std::str::from_utf8(&request.body).map_err(|_| invalid_parameter("参数无效"))?,
            _ => return Err(invalid_parameter("请求方法无效")),
        };
        let is_form = request.media_type().as_deref() == Some("application/x-www-form-urlencoded");
        if !body.is_empty() && !is_form {
            return Err(invalid_parameter(
                "Content-Type必须为application/x-www-form-urlencoded",
            ));
        }
        Params::read(&[request.query(), body])
    }

    /// A key may stand in the query and in the body, with one value only.
    pub(super) fn read(parts: &[&str]) -> Result<Params, Refusal> {
        let charset = Charset::of_forms(parts);
        let mut map = BTreeMap::new();
        for part in parts {
            let pairs = charset
                .parse_form(part)
                .ok_or_else(|| invalid_parameter("参数编码无效"))?;
            for (name, value) in pairs {
                match map.get(&name) {
                    Some(other) if *other != value => {
                        return Err(invalid_parameter(&format!("参数{name}重复且取值不一致")));
                    }
                    _ => map.insert(name, value),
                };
            }
        }
        Ok(Params { map, charset })
    }

    /// An empty parameter is a missing one.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.map
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// `alipay_trade_query_response`, or `error_response` when no such method exists.
    pub(super) fn node_name(&self) -> String {
        let method = self.get("method").filter(|name| Method::parse(name).is_some());
        method.map_or("error_response".to_owned(), |name| {
            format!("{}_response", name.replace('.', "_"))
        })
    }

    pub(super) fn method(&self) -> Result<Method, Refusal> {
        let unknown = || Refusal::invalid("isv.invalid-method", "不存在的方法名");
        self.get("method").and_then(Method::parse).ok_or_else(unknown)
    }

    /// Certificate mode is chosen by each request (docs/gateway-facts.md 2.4).
    pub(super) fn has_certificates(&self) -> bool {
        self.get("app_cert_sn").is_some() || self.get("alipay_root_cert_sn").is_some()
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.get("encrypt_type") == Some("AES")
    }

    /// Checks everything up to the signature; until then the gateway does not sign its answer.
    pub(super) fn authenticate(&self, keys: &Keys) -> Result<(), Refusal> {
        if self.get("method").is_none() {
            return Err(Refusal::missing("isv.missing-method", "缺少方法名参数"));
        }
        // The application is checked before a missing signature.
        match self.get("app_id") {
            None => return Err(Refusal::missing("isv.missing-app-id", "缺少appId参数")),
            Some(ALIPAY_APP_ID) => {}
            Some(_) => return Err(Refusal::invalid("isv.invalid-app-id", "无效的AppID参数")),
        }
        for (name, sub_code, sub_msg) in [
            ("sign", "isv.missing-signature", "缺少签名参数"),
            ("sign_type", "isv.missing-signature-type", "缺少签名类型参数"),
            ("timestamp", "isv.missing-timestamp", "缺少时间戳参数"),
            ("version", "isv.missing-version", "缺少版本参数"),
        ] {
            if self.get(name).is_none() {
                return Err(Refusal::missing(sub_code, sub_msg));
            }
        }
        self.method()?;
        let is_json = |format: &str| format.eq_ignore_ascii_case("json");
        if self.get("format").is_some_and(|format| !is_json(format)) {
            return Err(Refusal::invalid("isv.invalid-format", "无效的数据格式"));
        }
        if self.get("sign_type") != Some("RSA2") {
            return Err(Refusal::invalid("isv.invalid-signature-type", "无效的签名类型"));
        }
        self.check_charset()?;
        self.check_certificates(keys)?;
        self.check_signature(keys)
    }

    fn check_charset(&self) -> Result<(), Refusal> {
        match self.get("charset").and_then(Charset::parse) {
            Some(_) => Ok(()),
            None => Err(Refusal::invalid("isv.invalid-charset", "字符集错误")),
        }
    }

    fn check_certificates(&self, keys: &Keys) -> Result<(), Refusal> {
        if !self.has_certificates() {
            return Ok(());
        }
        let certificates = keys.alipay_certificates();
        match self.get("app_cert_sn") {
            None => {
                let sub_code = "isv.missing-app-cert-sn";
                return Err(Refusal::missing(sub_code, "缺少应用公钥证书序列号"));
            }
            Some(sn) if sn != certificates.app_sn => {
                let sub_code = "isv.app-cert-not-exist";
                return Err(Refusal::invalid(sub_code, "应用公钥证书不存在"));
            }
            Some(_) => {}
        }
        match self.get("alipay_root_cert_sn") {
            None => {
                let sub_code = "isv.missing-alipay-root-cert-sn";
                Err(Refusal::missing(sub_code, "缺少支付宝根证书序列号"))
            }
            Some(sn) if sn != certificates.root_sn => {
                let sub_code = "isv.invalid-alipay-root-cert-sn";
                Err(Refusal::invalid(sub_code, "支付宝根证书序列号无效"))
            }
            Some(_) => Ok(()),
        }
    }

    fn check_signature(&self, keys: &Keys) -> Result<(), Refusal> {
        let signature = self.get("sign").unwrap_or_default();
        let content = self.content(|_| true);
        let without_empties = self.content(|value| !value.is_empty());
        let signed = |content: &str| keys.app_signed(&self.charset.encode(content), signature);
        // Some SDKs leave empty values out of the text, some keep them.
        if signed(&content) || (without_empties != content && signed(&without_empties)) {
            return Ok(());
        }
        let sub_msg = format!(
            "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配，网关生成的验签字符串为：{}",
            content.replace('&', "&amp;")
        );
        Err(Refusal::invalid("isv.invalid-signature", sub_msg))
    }

    fn content(&self, keep: impl Fn(&str) -> bool) -> String {
        let pairs: Vec<String> = self
            .map
            .iter()
            .filter(|(name, value)| *name != "sign" && keep(value))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("&")
    }

    /// Checks the rest once the caller is authenticated.
    pub(super) fn check_rest(&self, now_ms: i64) -> Result<(), Refusal> {
        if self
            .get("encrypt_type")
            .is_some_and(|encrypt_type| encrypt_type != "AES")
        {
            return Err(Refusal::invalid("isv.invalid-encrypt-type", "无效的加密类型"));
        }
        let tolerance_ms = match self.method()? {
            Method::Pages(_) => LINK_LIFE_MS,
            _ => TOLERANCE_MS,
        };
        let sent_ms = self.get("timestamp").and_then(parse_beijing);
        if sent_ms.is_none_or(|sent_ms| (now_ms - sent_ms).abs() > tolerance_ms) {
            return Err(Refusal::invalid("isv.invalid-timestamp", "非法的时间戳参数"));
        }
        if self.get("version") != Some("1.0") {
            return Err(invalid_parameter("version参数无效"));
        }
        if self.get("app_auth_token").is_some() {
            let sub_code = "aop.invalid-app-auth-token";
            return Err(Refusal::new("20001", sub_code, "无效的应用授权令牌"));
        }
        let bad_notify_url = |url: &str| url.len() > 256 || !is_notify_url(url);
        if self.get("notify_url").is_some_and(bad_notify_url) {
            return Err(invalid_parameter("notify_url参数无效"));
        }
        if self
            .get("return_url")
            .is_some_and(|url| !is_web_address(url, 256))
        {
            return Err(invalid_parameter("return_url参数无效"));
        }
        Ok(())
    }

    pub(super) fn biz_content(&self, keys: &Keys) -> Result<Map<String, Value>, Refusal> {
        let missing = || invalid_parameter("缺少biz_content参数");
        let content = self.get("biz_content").ok_or_else(missing)?;
        let plain;
        let content = if self.is_encrypted() {
            plain = sealing::open(keys.alipay_aes_key(), content)
                .ok_or_else(|| Refusal::invalid("isv.decryption-error-unknown", "解密出错，未知异常"))?;
            &plain
        } else {
            content
        };
        serde_json::from_str(content).map_err(|_| invalid_parameter("biz_content不是合法的JSON对象"))
    }
}

/// Absolute, http or https, with a host; a query is allowed.
pub(super) fn is_web_address(url: &str, most: usize) -> bool {
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    let is_host_char = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    url.len() <= most
        && url.bytes().all(|byte| byte.is_ascii_graphic())
        && host
            .is_some_and(|host| !host.is_empty() && !host.starts_with(':') && host.bytes().all(is_host_char))
}
