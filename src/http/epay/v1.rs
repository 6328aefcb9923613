//! V1: `mapi.php` makes orders for a client's server, `api.php` asks about them and refunds them.

use ::payments::StartPayment;
use ::payments::epay::{
    Attempt, AttemptFilter, AttemptQuery, Code, Fields, Members, Merchant, Opened, RefundAsked, Refusal,
    Value, Version, checkout_url, count_orders, describe_order, describe_row, find_attempt, list_attempts,
    open_order, read_amount, read_order, refresh_attempt, request_epay_refund,
};
use domain::Product;

use super::authentic::{require_key, require_sign};
use super::reading::Call;
use super::submit::{allows_return, offered_method, open_payment};
use crate::http::web::Web;

const MAX_ROWS: i64 = 50;
const DEFAULT_ROWS: i64 = 20;
/// Pages beyond it are asked for by no client.
const MAX_OFFSET: i64 = 1_000_000;

pub async fn mapi(web: &Web, call: &Call) -> Result<Members, Refusal> {
    let fields = &call.body;
    let merchant = require_sign(web, fields, Version::V1).await?;
    let order = read_order(&web.services, fields, Version::V1, &|url| allows_return(web, url))?;
    let attempt = require_payable(open_order(&web.services, &merchant, &order.attempt).await?)?;
    let code = open_code(web, &attempt, &order.attempt.asked_type, order.device.as_deref()).await;
    let mut members: Members = vec![
        ("code", 1.into()),
        ("msg", "success".into()),
        ("trade_no", attempt.trade_no.as_str().into()),
        ("out_trade_no", attempt.out_trade_no.as_str().into()),
        (
            "payurl",
            checkout_url(&attempt, web.site.public_url.as_str()).into(),
        ),
    ];
    members.extend(code.map(|code| ("qrcode", Value::from(code))));
    Ok(members)
}

pub(super) fn require_payable(opened: Opened) -> Result<Attempt, Refusal> {
    match opened {
        Opened::Payable(attempt) => Ok(attempt),
        Opened::Paid(_) => Err(Refusal::refused("订单已支付 (this order is already paid)")),
        Opened::Ending(_) => Err(Refusal::refused(
            "订单正在关闭，请稍后再试 (this order is being closed; try again later)",
        )),
    }
}

/// Content of a code to scan, for a payer in front of a screen; `None`: the page of the order says how to pay.
pub(super) async fn open_code(
    web: &Web,
    attempt: &Attempt,
    asked_type: &str,
    device: Option<&str>,
) -> Option<String> {
    let has_screen = !matches!(
        device,
        Some("mobile" | "qq" | "alipay" | "wechat" | "app" | "jump")
    );
    let method = offered_method(web, asked_type).filter(|_| has_screen)?;
    let scanned = method.default_product();
    if !web.site.page_settings.products.contains(scanned) {
        return None;
    }
    let start = StartPayment {
        return_url: Some(checkout_url(attempt, web.site.public_url.as_str())),
        ..StartPayment::new(attempt.order_id.clone(), scanned)
    };
    let (product, prompt) = open_payment(web, attempt, &[scanned], start).await?;
    matches!(product, Product::Native | Product::Qr).then_some(prompt)
}

/// `api.php`: by the key itself; questions also by a signature in which `act` stands, so that the payer's return link,
/// which is signed too, opens nothing.
pub async fn api(web: &Web, call: &Call, is_post: bool) -> Result<Members, Refusal> {
    let fields = &call.both();
    match fields.get("act") {
        Some("order") => show_order(web, fields).await,
        Some("orders") => list_orders(web, fields).await,
        Some("query") => show_merchant(web, fields).await,
        Some("settle") => {
            require_reader(web, fields).await?;
            Ok(answer_rows("查询成功", Vec::new()))
        }
        Some("refund") => refund_order(web, fields, is_post).await,
        _ => Err(Refusal::new(Code::UnknownCall, "接口不存在 (no such act)")),
    }
}

async fn require_reader(web: &Web, fields: &Fields) -> Result<Merchant, Refusal> {
    match fields.get("key") {
        Some(key) => require_key(web, fields, key).await,
        // `act` is one of these fields, so it is in the signed text.
        None => require_sign(web, fields, Version::V1).await,
    }
}

/// Reads the number by which a client names an order.
pub(super) fn query_of(fields: &Fields) -> Result<AttemptQuery<'_>, Refusal> {
    match (fields.get("trade_no"), fields.get("out_trade_no")) {
        (Some(trade_no), _) => Ok(AttemptQuery::Trade(trade_no)),
        (None, Some(out_trade_no)) => Ok(AttemptQuery::Number(out_trade_no)),
        (None, None) => Err(Refusal::incomplete(
            "缺少订单号 (trade_no or out_trade_no is missing)",
        )),
    }
}

async fn show_order(web: &Web, fields: &Fields) -> Result<Members, Refusal> {
    let merchant = require_reader(web, fields).await?;
    let attempt = find_attempt(&web.services, merchant.pid, query_of(fields)?).await?;
    let attempt = refresh_attempt(&web.services, attempt).await?;
    let now = web.services.clock.now();
    Ok(describe_order(1, &attempt, web.site.public_url.as_str(), now))
}

async fn list_orders(web: &Web, fields: &Fields) -> Result<Members, Refusal> {
    let merchant = require_reader(web, fields).await?;
    let found = read_rows(web, &merchant, fields).await?;
    Ok(answer_rows("查询订单列表成功", found))
}

fn answer_rows(msg: &str, data: Vec<Members>) -> Members {
    let count = i64::try_from(data.len()).unwrap_or(i64::MAX);
    vec![
        ("code", 1.into()),
        ("msg", msg.into()),
        ("count", count.into()),
        ("data", Value::List(data)),
    ]
}

/// The page of a merchant's orders that these fields ask for.
pub(super) async fn read_rows(
    web: &Web,
    merchant: &Merchant,
    fields: &Fields,
) -> Result<Vec<Members>, Refusal> {
    let number = |name| -> Result<Option<i64>, Refusal> {
        let Some(text) = fields.get(name) else {
            return Ok(None);
        };
        let is_number = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = text.parse().ok().filter(|_| is_number);
        parsed
            .map(Some)
            .ok_or_else(|| Refusal::refused(format!("{name} 不合法 ({name} must be a number)")))
    };
    let limit = number("limit")?.unwrap_or(DEFAULT_ROWS).clamp(1, MAX_ROWS);
    let of_page = number("page")?.map(|page| (page.max(1) - 1).saturating_mul(limit));
    let filter = AttemptFilter {
        status: number("status")?,
        limit,
        offset: number("offset")?.or(of_page).unwrap_or(0).min(MAX_OFFSET),
    };
    let found = list_attempts(&web.services, merchant.pid, filter).await?;
    let now = web.services.clock.now();
    let describe = |attempt: &Attempt| describe_row(attempt, web.site.public_url.as_str(), now);
    Ok(found.iter().map(describe).collect())
}

/// The documents and the code of the reference spell the counters differently: both are sent. The key is not echoed.
async fn show_merchant(web: &Web, fields: &Fields) -> Result<Members, Refusal> {
    let merchant = require_reader(web, fields).await?;
    let [all, today, yesterday] = count_orders(&web.services, merchant.pid).await?;
    Ok(vec![
        ("code", 1.into()),
        ("pid", merchant.pid.to_row().into()),
        ("active", 1.into()),
        ("money", "0.00".into()),
        ("type", 1.into()),
        ("account", "".into()),
        ("username", merchant.name.as_str().into()),
        ("orders", all.n_orders.into()),
        ("order_today", today.n_orders.into()),
        ("order_lastday", yesterday.n_orders.into()),
        ("orders_today", today.n_orders.into()),
        ("orders_lastday", yesterday.n_orders.into()),
    ])
}

/// Only the key itself may refund: signatures travel through the payer's browser.
async fn refund_order(web: &Web, fields: &Fields, is_post: bool) -> Result<Members, Refusal> {
    let key = fields.get("key").ok_or_else(Refusal::not_authentic)?;
    let merchant = require_key(web, fields, key).await?;
    if !is_post {
        return Err(Refusal::incomplete("请使用 POST 提交 (send it by POST)"));
    }
    let code = i64::from(fields.get("refund_no").is_none());
    let mut members: Members = vec![("code", code.into()), ("status", 1.into())];
    members.extend(carry_out(web, &merchant, fields, None).await?);
    Ok(members)
}

/// Refunds an order; what is told of it is the same in both versions.
pub(super) async fn carry_out(
    web: &Web,
    merchant: &Merchant,
    fields: &Fields,
    sign: Option<&str>,
) -> Result<Members, Refusal> {
    if !web.site.epay.allows_refunds {
        return Err(Refusal::new(
            Code::RefundsOff,
            "未开启退款接口 (refunds are switched off here)",
        ));
    }
    let attempt = find_attempt(&web.services, merchant.pid, query_of(fields)?).await?;
    let asked = RefundAsked {
        amount: read_amount(fields)?,
        out_refund_no: fields.get("out_refund_no").or(fields.get("refund_no")),
        sign,
    };
    let found = request_epay_refund(&web.services, merchant, attempt, asked).await?;
    Ok(vec![
        ("msg", "退款成功".into()),
        ("refund_no", found.refund.refund_no.as_str().into()),
        (
            "out_refund_no",
            found.asked.out_refund_no.as_deref().unwrap_or_default().into(),
        ),
        ("trade_no", found.attempt.trade_no.as_str().into()),
        ("out_trade_no", found.attempt.out_trade_no.as_str().into()),
        ("money", found.refund.amount.to_yuan().into()),
    ])
}
