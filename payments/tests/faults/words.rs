//! Calls to a gateway under one number: a repeated call must be the same, or it would be another order or refund.

use std::collections::BTreeMap;

use http::Request;
use serde_json::Value;

#[derive(Default)]
pub struct Words(BTreeMap<String, String>);

impl Words {
    /// Records an order or a refund on its way out; `Err` tells how it differs from an earlier call.
    pub fn note(&mut self, request: &Request<Vec<u8>>) -> Result<(), String> {
        let Some((number, content)) = numbered(request) else {
            return Ok(());
        };
        let before = self.0.entry(number.clone()).or_insert_with(|| content.clone());
        if *before == content {
            Ok(())
        } else {
            Err(format!("{number} was {before} and is {content} now"))
        }
    }

    /// Numbers with this prefix.
    pub fn numbers(&self, beginning: &str) -> impl Iterator<Item = &str> {
        self.0
            .keys()
            .filter_map(move |number| number.strip_prefix(beginning))
    }
}

fn numbered(request: &Request<Vec<u8>>) -> Option<(String, String)> {
    let body = std::str::from_utf8(request.body()).ok()?;
    let path = request.uri().path();
    if path == "/gateway.do" {
        let fields: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        let content = fields.get("biz_content")?;
        let value: Value = serde_json::from_str(content).ok()?;
        return match fields.get("method")?.as_str() {
            "alipay.trade.precreate" => Some((
                format!("order {}", text(&value, "out_trade_no")?),
                content.clone(),
            )),
            "alipay.trade.refund" => Some((
                format!("refund {}", text(&value, "out_request_no")?),
                content.clone(),
            )),
            _ => None,
        };
    }
    if request.method() != http::Method::POST {
        return None;
    }
    let value: Value = serde_json::from_str(body).ok()?;
    if path.starts_with("/v3/pay/transactions/") && !path.ends_with("/close") {
        return Some((
            format!("order {}", text(&value, "out_trade_no")?),
            body.to_owned(),
        ));
    }
    (path == "/v3/refund/domestic/refunds").then_some(())?;
    Some((
        format!("refund {}", text(&value, "out_refund_no")?),
        body.to_owned(),
    ))
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}
