//! `GET /_control`: every call with an example, for people.

use crate::wallet::{Document, escape};
use crate::wire::Reply;

/// Call, example body, what it does.
const CALLS: [(&str, &str, &str); 15] = [
    (
        "GET /_control/credentials",
        "",
        "Everything a merchant is given, and the same as environment variables in env.",
    ),
    (
        "GET /_control/books",
        "",
        "Trades (gateway, outTradeNo, gatewayNo, state, totalFen, paidFen) and notices (nAttempts, acknowledged, dueAtMs).",
    ),
    (
        "POST /_control/pay",
        r#"{"code":"weixin://wxpay/bizpayurl/up?pr=NwY5Mz9&groupid=00"}"#,
        "Scans and pays. A code, or outTradeNo; optional payer (somebody else's name) and couponFen. The notice follows at once.",
    ),
    (
        "POST /_control/scan",
        r#"{"outTradeNo":"T20260101000001"}"#,
        "Scans and leaves it. At Alipay this creates the trade.",
    ),
    (
        "POST /_control/refuse",
        r#"{"outTradeNo":"T20260101000001"}"#,
        "Scans and declines; the order stays payable.",
    ),
    ("GET /_control/clock", "", "The simulator's time."),
    (
        "POST /_control/clock",
        r#"{"advanceMs":15000}"#,
        "Moves the clock forward and answers when every notice that fell due was attempted.",
    ),
    ("GET /_control/faults", "", "The faults that are set."),
    (
        "POST /_control/faults",
        r#"{"kind":"errorAfter","gateway":"wechat","endpoint":"create","times":1}"#,
        "Adds one fault. gateway: wechat or alipay. endpoint: create, query, close, certificates, notice. How often: times, or percent of the seeded dice, or always.",
    ),
    (
        "POST /_control/faults",
        r#"{"faults":[{"kind":"mute"},{"kind":"badSignature","endpoint":"query","percent":20}]}"#,
        "Replaces all faults.",
    ),
    ("DELETE /_control/faults", "", "Clears all faults."),
    (
        "POST /_control/resend",
        r#"{"outTradeNo":"T20260101000001"}"#,
        "Sends the newest notice of this trade again now.",
    ),
    (
        "POST /_control/notice",
        r#"{"outTradeNo":"T20260101000001","set":{"total":1},"send":true}"#,
        "A signed notice with altered content; without send the headers and the body come back, ready to be posted. set: total, payer_total, currency, mchid, appid, trade_state, out_trade_no, transaction_id … at WeChat; app_id, seller_id, total_amount, trade_status … at Alipay; null removes a member.",
    ),
    (
        "POST /_control/notice",
        r#"{"outTradeNo":"T20260101000001","signedBy":"stranger","ageSeconds":600,"newId":true}"#,
        "signedBy: gateway, rotated, stranger, nobody, probe. Also eventType, url, gbk, percentSpaces.",
    ),
    (
        "GET /wallet",
        "",
        "A phone: paste or click a code, then pay, refuse or leave.",
    ),
];

const FAULTS: [(&str, &str); 20] = [
    ("mute", "notices are not sent; their schedule goes on"),
    ("duplicate, copies", "so many copies of a notice in parallel"),
    ("delay, ms", "the first attempt of a notice comes later"),
    (
        "early (endpoint create)",
        "the payer pays and the notice arrives before the create call is answered",
    ),
    (
        "reorder",
        "a notice waits until another has overtaken it, at most 15 s",
    ),
    ("probe", "WECHATPAY/SIGNTEST/… in place of a signature"),
    ("badSignature", "signed by a key nobody knows"),
    ("noSignature", "no signature at all"),
    ("truncate", "half of the answer, then the connection breaks"),
    ("html502", "the edge's error page, no effect"),
    ("errorBefore", "500 (Alipay: code 20000) without an effect"),
    ("errorAfter", "the same, but the call took effect"),
    ("hangBefore", "no answer, no effect"),
    ("hangAfter", "no answer, but the call took effect"),
    ("busy", "429 (Alipay: 40005) without an effect"),
    (
        "stale, seconds (endpoint query)",
        "a payment of the last seconds is not seen yet",
    ),
    (
        "latePay (endpoint close)",
        "a payer still pays after the close or the deadline",
    ),
    (
        "rotate",
        "WeChat signs with its second platform certificate (certificate mode)",
    ),
    ("gbk", "Alipay's notice is in GBK"),
    ("percentSpaces", "Alipay's notice writes a space as %20"),
];

pub(super) fn show(base: &str) -> Reply {
    let calls: String = CALLS
        .iter()
        .map(|(call, body, what)| {
            let (method, path) = call.split_once(' ').unwrap_or((call, ""));
            let data = if body.is_empty() {
                String::new()
            } else {
                format!(" -d '{body}'")
            };
            let example = format!("curl -X {method} {base}{path}{data}");
            format!(
                "<section><h2><code>{}</code></h2><p>{}</p><pre>{}</pre></section>",
                escape(call),
                escape(what),
                escape(&example)
            )
        })
        .collect();
    let faults: String = FAULTS
        .iter()
        .map(|(name, what)| format!("<dt><code>{}</code></dt><dd>{}</dd>", escape(name), escape(what)))
        .collect();
    let body = format!(
        "<h1>Gateway simulator</h1><p>WeChat Pay under <code>/v3</code>, Alipay under \
         <code>/gateway.do</code>, a phone under <a href=\"/wallet\">/wallet</a>. Every call takes and \
         gives JSON; a refused one answers 422 with <code>error</code>.</p>{calls}\
         <h2>Kinds of faults</h2><dl>{faults}</dl>"
    );
    Document {
        language: "en",
        title: "Gateway simulator",
        body,
        status: 200,
    }
    .reply()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::read_fault;

    #[test]
    fn every_fault_of_the_page_can_be_set() {
        for (shown, _) in FAULTS {
            let words = shown.split(" (").next().expect("a name comes first");
            let (kind, number) = words.split_once(", ").unwrap_or((words, ""));
            let mut fault = serde_json::json!({"kind": kind});
            if !number.is_empty() {
                fault[number] = 1.into();
            }
            assert!(read_fault(&fault).is_ok(), "{fault}");
        }
    }
}
