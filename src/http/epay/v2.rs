//! V2: the same orders, asked for and answered with RSA signatures.

use ::payments::StartPayment;
use ::payments::epay::{
    Attempt, Code, Fields, Members, Merchant, Refusal, Value, Version, checkout_url, close_attempt,
    count_orders, describe_order, describe_refund, find_attempt, find_epay_refund, open_order, read_order,
    refresh_attempt, sign_answer,
};
use domain::{Method, Product};

use super::authentic::require_sign;
use super::endpoint::Endpoint;
use super::reading::Call;
use super::submit::{allows_return, offered_method, open_payment};
use super::v1::{carry_out, open_code, query_of, read_rows, require_payable};
use crate::http::web::Web;

/// Answers a call and signs the answer with our key for this merchant. Refusals are not signed.
pub async fn answer_signed(web: &Web, endpoint: Endpoint, call: &Call) -> Result<Members, Refusal> {
    let fields = &call.body;
    let merchant = require_sign(web, fields, Version::V2).await?;
    let members = match endpoint {
        Endpoint::Create => create_order(web, &merchant, fields, call).await?,
        Endpoint::Query => query_order(web, &merchant, fields).await?,
        Endpoint::Refund => refund_order(web, &merchant, fields).await?,
        Endpoint::RefundQuery => query_refund(web, &merchant, fields).await?,
        Endpoint::Close => close_order(web, &merchant, fields).await?,
        Endpoint::Info => show_merchant(web, &merchant).await?,
        Endpoint::Orders => list_orders(web, &merchant, fields).await?,
        Endpoint::SubmitV1 | Endpoint::SubmitV2 | Endpoint::Mapi | Endpoint::Api | Endpoint::Transfer => {
            return Err(Refusal::new(Code::UnknownCall, "接口不存在 (no such call)"));
        }
    };
    Ok(sign_answer(&merchant, members, web.services.clock.now())?)
}

async fn create_order(
    web: &Web,
    merchant: &Merchant,
    fields: &Fields,
    call: &Call,
) -> Result<Members, Refusal> {
    let method = fields.get("method").unwrap_or("web");
    let openid = match method {
        "web" | "jump" => None,
        "jsapi" => Some(require_openid(web, fields)?),
        _ => {
            return Err(Refusal::refused(
                "method 不支持 (method must be web, jump or jsapi)",
            ));
        }
    };
    let order = read_order(&web.services, fields, Version::V2, &|url| allows_return(web, url))?;
    let attempt = require_payable(open_order(&web.services, merchant, &order.attempt).await?)?;
    let asked_type = &order.attempt.asked_type;
    let opened = match (method, openid) {
        ("jump", _) => None,
        (_, Some(openid)) => invoke_parameters(web, &attempt, openid, call)
            .await
            .map(|info| ("jsapi", info)),
        _ => open_code(web, &attempt, asked_type, order.device.as_deref())
            .await
            .map(|code| ("qrcode", code)),
    };
    let (pay_type, pay_info) =
        opened.unwrap_or_else(|| ("jump", checkout_url(&attempt, web.site.public_url.as_str())));
    Ok(vec![
        ("code", 0.into()),
        ("trade_no", attempt.trade_no.as_str().into()),
        ("pay_type", pay_type.into()),
        ("pay_info", pay_info.into()),
    ])
}

/// The payer's name inside of our WeChat app. Another app cannot open our payments.
fn require_openid<'a>(web: &Web, fields: &'a Fields) -> Result<&'a str, Refusal> {
    let has_wechat = offered_method(web, fields.get("type").unwrap_or("wxpay")) == Some(Method::Wechat);
    let is_ours = match fields.get("sub_appid") {
        None => true,
        Some(app) => web.services.gateways.wechat_app_id() == Some(app),
    };
    if !has_wechat || !is_ours {
        return Err(Refusal::refused(
            "jsapi 不可用 (jsapi needs wxpay and the app that is configured here)",
        ));
    }
    fields
        .get("sub_openid")
        .ok_or_else(|| Refusal::incomplete("缺少参数 sub_openid (sub_openid is missing)"))
}

async fn invoke_parameters(web: &Web, attempt: &Attempt, openid: &str, call: &Call) -> Option<String> {
    let start = StartPayment {
        openid: Some(openid.to_owned()),
        payer_ip: call.peer(),
        ..StartPayment::new(attempt.order_id.clone(), Product::Jsapi)
    };
    let (product, prompt) = open_payment(web, attempt, &[start.product], start).await?;
    let channel = Method::Wechat.channel()?;
    let gateway = web
        .services
        .gateways
        .get(channel)
        .filter(|_| product == Product::Jsapi)?;
    serde_json::to_string(&gateway.invocation(&prompt)?).ok()
}

async fn query_order(web: &Web, merchant: &Merchant, fields: &Fields) -> Result<Members, Refusal> {
    let attempt = find_attempt(&web.services, merchant.pid, query_of(fields)?).await?;
    let attempt = refresh_attempt(&web.services, attempt).await?;
    let now = web.services.clock.now();
    let mut members = describe_order(0, &attempt, web.site.public_url.as_str(), now);
    members.push(("clientip", attempt.client_ip.unwrap_or_default().into()));
    Ok(members)
}

async fn refund_order(web: &Web, merchant: &Merchant, fields: &Fields) -> Result<Members, Refusal> {
    let mut members: Members = vec![("code", 0.into())];
    members.extend(carry_out(web, merchant, fields, fields.get("sign")).await?);
    members.push(("reducemoney", "0.00".into()));
    Ok(members)
}

async fn query_refund(web: &Web, merchant: &Merchant, fields: &Fields) -> Result<Members, Refusal> {
    let (ours, theirs) = (fields.get("refund_no"), fields.get("out_refund_no"));
    if ours.is_none() && theirs.is_none() {
        return Err(Refusal::incomplete(
            "缺少退款单号 (refund_no or out_refund_no is missing)",
        ));
    }
    let found = find_epay_refund(&web.services, merchant.pid, ours, theirs).await?;
    let mut members: Members = vec![("code", 0.into())];
    members.extend(describe_refund(&found.asked, &found.refund, &found.attempt));
    Ok(members)
}

async fn close_order(web: &Web, merchant: &Merchant, fields: &Fields) -> Result<Members, Refusal> {
    let attempt = find_attempt(&web.services, merchant.pid, query_of(fields)?).await?;
    close_attempt(&web.services, &attempt).await?;
    Ok(vec![("code", 0.into()), ("msg", "关闭成功".into())])
}

async fn show_merchant(web: &Web, merchant: &Merchant) -> Result<Members, Refusal> {
    let [all, today, yesterday] = count_orders(&web.services, merchant.pid).await?;
    Ok(vec![
        ("code", 0.into()),
        ("pid", merchant.pid.to_row().into()),
        ("status", 1.into()),
        ("pay_status", 1.into()),
        ("settle_status", 0.into()),
        ("money", "0.00".into()),
        ("order_num", all.n_orders.into()),
        ("order_num_today", today.n_orders.into()),
        ("order_num_lastday", yesterday.n_orders.into()),
        ("order_money_today", today.paid.to_yuan().into()),
        ("order_money_lastday", yesterday.paid.to_yuan().into()),
    ])
}

async fn list_orders(web: &Web, merchant: &Merchant, fields: &Fields) -> Result<Members, Refusal> {
    let rows = read_rows(web, merchant, fields).await?;
    Ok(vec![("code", 0.into()), ("data", Value::List(rows))])
}
