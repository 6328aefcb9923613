//! Expiry of a code and its trade: three parameters and the gateway's own limits.

use serde_json::{Map, Value};

use super::node::Refusal;
use super::order::Product;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, next_beijing_midnight, parse_beijing};

const COUNTER_LIFE_MS: i64 = 3 * HOUR_MS;
/// Longest lifetime of a QR code, whatever was requested.
const CODE_LIFE_MS: i64 = 2 * HOUR_MS;
const LONGEST_LIFE_MS: i64 = 15 * DAY_MS;

#[derive(Debug, Clone, Copy)]
pub(super) struct Expiry {
    pub(super) pay_by_ms: i64,
    pub(super) code_dies_ms: i64,
}

impl Expiry {
    pub(super) fn read(biz: &Map<String, Value>, now_ms: i64, product: Product) -> Result<Expiry, Refusal> {
        let relative = |name: &str| match biz.get(name) {
            None => Ok(None),
            Some(value) => {
                let parsed = value.as_str().and_then(|text| parse_duration(text, now_ms));
                parsed
                    .map(Some)
                    .ok_or_else(|| Refusal::parameter(&format!("参数有误{name}非法")))
            }
        };
        let timeout = relative("timeout_express")?;
        let code_timeout = relative("qr_code_timeout_express")?;
        let absolute = match biz.get("time_expire") {
            None => None,
            Some(value) => {
                let parsed = value.as_str().and_then(parse_beijing);
                Some(parsed.ok_or_else(|| Refusal::parameter("参数有误time_expire非法"))?)
            }
        };
        if absolute.is_some_and(|at_ms| at_ms <= now_ms) {
            let sub_code = "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR";
            return Err(Refusal::business(sub_code, "当前时间已超过允许支付的时间"));
        }
        let (usual_ms, code_life_ms) = match product {
            Product::FaceToFace => (COUNTER_LIFE_MS, CODE_LIFE_MS),
            // Nothing is scanned: the link is valid as long as the trade may be.
            Product::Wap | Product::Page | Product::App | Product::Mini => (LONGEST_LIFE_MS, LONGEST_LIFE_MS),
        };
        // The absolute time wins when both are given.
        let pay_by_ms = absolute.or(timeout).unwrap_or(now_ms + usual_ms);
        let code_dies_ms = code_timeout
            .unwrap_or(i64::MAX)
            .min(pay_by_ms)
            .min(now_ms + code_life_ms);
        Ok(Expiry {
            pay_by_ms,
            code_dies_ms,
        })
    }
}

/// `1m` to `15d`, or `1c`: until midnight.
fn parse_duration(text: &str, now_ms: i64) -> Option<i64> {
    if text == "1c" {
        return Some(next_beijing_midnight(now_ms));
    }
    let unit_ms = match text.chars().last()? {
        'm' => MINUTE_MS,
        'h' => HOUR_MS,
        'd' => DAY_MS,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    let digits = !number.is_empty() && number.len() <= 5 && number.bytes().all(|byte| byte.is_ascii_digit());
    let life_ms = number.parse::<i64>().ok().filter(|_| digits)? * unit_ms;
    (MINUTE_MS..=LONGEST_LIFE_MS)
        .contains(&life_ms)
        .then_some(now_ms + life_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_integers_from_a_minute_to_fifteen_days() {
        assert_eq!(parse_duration("1m", 0), Some(MINUTE_MS));
        assert_eq!(parse_duration("15d", 0), Some(LONGEST_LIFE_MS));
        for bad in ["", "m", "0m", "1.5h", "16d", "90", "1s", "-1m", "元"] {
            assert_eq!(parse_duration(bad, 0), None, "{bad}");
        }
    }
}
