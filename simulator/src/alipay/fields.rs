//! Members of `biz_content`, parsed by the gateway's rules; an invalid one is `ACQ.INVALID_PARAMETER`.

use serde_json::{Map, Value};

use super::node::Refusal;
use crate::wire::parse_yuan;

/// 100 000 000 yuan.
const MOST_FEN: i64 = 10_000_000_000;

pub(super) fn required(name: &str) -> Refusal {
    Refusal::parameter(&format!("参数有误{name}不能为空"))
}

pub(super) fn illegal(name: &str) -> Refusal {
    Refusal::parameter(&format!("参数有误{name}非法"))
}

/// Parses text; empty is missing. The length counts bytes, the strictest reading of the documentation.
pub(super) fn text(biz: &Map<String, Value>, name: &str, most: usize) -> Result<Option<String>, Refusal> {
    match biz.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() <= most => Ok(Some(text.clone())),
        Some(_) => Err(illegal(name)),
    }
}

/// Parses text that is repeated in notifications, whose signed form has no escapes: the documentation forbids some characters.
pub(super) fn plain_text(
    biz: &Map<String, Value>,
    name: &str,
    most: usize,
) -> Result<Option<String>, Refusal> {
    match text(biz, name, most)? {
        Some(text) if text.contains(['/', '=', '&']) => Err(illegal(name)),
        text => Ok(text),
    }
}

/// Parses yuan from text, or from a number as some SDKs write it, 0.01 to 100 000 000.
pub(super) fn amount(biz: &Map<String, Value>, name: &str) -> Result<i64, Refusal> {
    let amount = match biz.get(name) {
        None => return Err(required(name)),
        Some(Value::String(text)) if text.is_empty() => return Err(required(name)),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(illegal(name)),
    };
    let fen = parse_yuan(&amount).ok_or_else(|| illegal(name))?;
    if fen < 1 {
        return Err(Refusal::parameter(&format!("参数有误{name}必须大于等于0.01")));
    }
    if fen > MOST_FEN && name == "total_amount" {
        return Err(Refusal::business(
            "ACQ.TOTAL_FEE_EXCEED",
            "订单总金额不在允许范围内",
        ));
    }
    Ok(fen)
}

/// Returns whether `query_options` contains this.
pub(super) fn has_option(biz: &Map<String, Value>, name: &str) -> bool {
    let options = biz.get("query_options").and_then(Value::as_array);
    options.is_some_and(|options| options.iter().any(|option| option == name))
}
