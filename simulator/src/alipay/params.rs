//! The parameters of a call: query and body merged, checked in the gateway's own order.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Method;
use super::node::Refusal;
use crate::keys::{ALIPAY_APP_ID, Keys};
use crate::time::{MINUTE_MS, parse_beijing};
use crate::wire::{Request, is_notify_url, parse_form};

/// How far off a timestamp may be; the gateway does not say, ten minutes are generous.
const TOLERANCE_MS: i64 = 10 * MINUTE_MS;

#[derive(Debug)]
pub(super) struct Params {
    map: BTreeMap<String, String>,
}

impl Params {
    pub(super) fn merge(request: &Request) -> Result<Params, Refusal> {
        let invalid = |sub_msg: &str| Refusal::invalid("isv.invalid-parameter", sub_msg);
        let body = match request.method.as_str() {
            "GET" => "",
            "POST" => std::str::from_utf8(&request.body).map_err(|_| invalid("参数无效"))?,
            _ => return Err(invalid("请求方法无效")),
        };
        let is_form = request.media_type().as_deref() == Some("application/x-www-form-urlencoded");
        if !body.is_empty() && !is_form {
            return Err(invalid("Content-Type必须为application/x-www-form-urlencoded"));
        }
        let mut map = BTreeMap::new();
        for part in [request.query(), body] {
            for (name, value) in parse_form(part).ok_or_else(|| invalid("参数编码无效"))? {
                match map.get(&name) {
                    Some(other) if *other != value => {
                        return Err(invalid(&format!("参数{name}重复且取值不一致")));
                    }
                    _ => map.insert(name, value),
                };
            }
        }
        Ok(Params { map })
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
        let invalid = || Refusal::invalid("isv.invalid-method", "不存在的方法名");
        self.get("method").and_then(Method::parse).ok_or_else(invalid)
    }

    /// Everything up to and with the signature; until here the gateway does not sign its answer.
    pub(super) fn authenticate(&self, keys: &Keys) -> Result<(), Refusal> {
        for (name, sub_code, sub_msg) in [
            ("method", "isv.missing-method", "缺少方法名参数"),
            ("sign", "isv.missing-signature", "缺少签名参数"),
            ("sign_type", "isv.missing-signature-type", "缺少签名类型参数"),
            ("app_id", "isv.missing-app-id", "缺少appId参数"),
            ("timestamp", "isv.missing-timestamp", "缺少时间戳参数"),
            ("version", "isv.missing-version", "缺少版本参数"),
        ] {
            if self.get(name).is_none() {
                return Err(Refusal::missing(sub_code, sub_msg));
            }
        }
        if self.get("app_id") != Some(ALIPAY_APP_ID) {
            return Err(Refusal::invalid("isv.invalid-app-id", "无效的AppID参数"));
        }
        self.method()?;
        if self
            .get("format")
            .is_some_and(|format| !format.eq_ignore_ascii_case("json"))
        {
            return Err(Refusal::invalid("isv.invalid-format", "无效的数据格式"));
        }
        if self.get("sign_type") != Some("RSA2") {
            return Err(Refusal::invalid("isv.invalid-signature-type", "无效的签名类型"));
        }
        let signature = self.get("sign").unwrap_or_default();
        let content = self.content(|_| true);
        // Some SDKs leave empty values out of the text, some keep them.
        let signed = keys.app_signed(content.as_bytes(), signature)
            || keys.app_signed(self.content(|value| !value.is_empty()).as_bytes(), signature);
        if signed {
            return Ok(());
        }
        let sub_msg = format!(
            "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配，网关生成的验签字符串为：{content}"
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

    /// What is only looked at once the caller is known.
    pub(super) fn check_rest(&self, now_ms: i64) -> Result<(), Refusal> {
        if self.get("encrypt_type").is_some() {
            return Err(Refusal::invalid("isv.invalid-encrypt-type", "无效的加密类型"));
        }
        let sent_ms = self.get("timestamp").and_then(parse_beijing);
        if sent_ms.is_none_or(|sent_ms| (now_ms - sent_ms).abs() > TOLERANCE_MS) {
            return Err(Refusal::invalid("isv.invalid-timestamp", "非法的时间戳参数"));
        }
        if !self
            .get("charset")
            .is_some_and(|charset| charset.eq_ignore_ascii_case("utf-8"))
        {
            return Err(Refusal::invalid("isv.invalid-charset", "字符集错误"));
        }
        if self.get("version") != Some("1.0") {
            return Err(Refusal::invalid("isv.invalid-parameter", "version参数无效"));
        }
        let bad_url = |url: &str| url.len() > 256 || !is_notify_url(url);
        if self.get("notify_url").is_some_and(bad_url) {
            return Err(Refusal::invalid("isv.invalid-parameter", "notify_url参数无效"));
        }
        Ok(())
    }

    pub(super) fn biz_content(&self) -> Result<Map<String, Value>, Refusal> {
        let missing = || Refusal::missing("isv.missing-parameter", "缺少biz_content参数");
        let content = self.get("biz_content").ok_or_else(missing)?;
        serde_json::from_str(content)
            .map_err(|_| Refusal::invalid("isv.invalid-parameter", "biz_content不是合法的JSON对象"))
    }
}
