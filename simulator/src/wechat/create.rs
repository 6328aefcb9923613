//! `POST /v3/pay/transactions/{native,jsapi,app,h5}` and their rules of re-entry.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::order::is_of_other_app;
use super::product::Product;
use super::shape::{parse, wrong};
use super::{Answer, Order, Refusal, TradeState};
use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind};
use crate::keys::{BOUND_APP_IDS, MCH_ID};
use crate::payer;
use crate::state::State;
use crate::time::{DAY_MS, MINUTE_MS, parse_rfc3339};
use crate::wire::{Request, is_notify_url};

const DEFAULT_LIFE_MS: i64 = 7 * DAY_MS;
const SHORTEST_LIFE_MS: i64 = MINUTE_MS;
const LONGEST_LIFE_MS: i64 = 15 * DAY_MS;

pub(super) fn create(
    state: &mut State,
    now_ms: i64,
    request: &Request,
    product: Product,
) -> Result<Answer, Refusal> {
    if !state.products.wechat.contains(product.name()) {
        return Err(Refusal::new(
            403,
            "NO_AUTH",
            "商户号该产品权限未开通",
            268_443_707,
        ));
    }
    let fresh = read_order(parse(&request.body, product.shape())?, now_ms, product)?;
    let out_trade_no = fresh.out_trade_no.clone();
    let is_known = state.wechat.orders.contains_key(&out_trade_no);
    if state.declines_order(Gateway::Wechat, is_known) {
        let message = "此商家的收款功能已被限制";
        return Err(Refusal::new(400, "INVALID_REQUEST", message, 268_448_010));
    }
    if let Some(known) = state.wechat.orders.get(&out_trade_no) {
        may_reenter(known, &fresh, now_ms)?;
    }
    let base = format!("http://{}", request.header("host").unwrap_or("127.0.0.1"));
    let prompt = product.prompt(&mut state.rng, now_ms, &base);
    let orders = &mut state.wechat.orders;
    let order = orders.entry(out_trade_no.clone()).or_insert(fresh);
    // The code of an earlier call becomes invalid.
    order.code.clone_from(&prompt.code);
    order.code_dies_ms = now_ms + product.life_ms();
    state.wechat.codes.insert(prompt.code, out_trade_no);
    Ok(Answer::Json(prompt.answer))
}

fn may_reenter(known: &Order, fresh: &Order, now_ms: i64) -> Result<(), Refusal> {
    let invalid = |message: &str, internal_code| Refusal::new(400, "INVALID_REQUEST", message, internal_code);
    match known.state() {
        TradeState::Success | TradeState::Refund => {
            Err(Refusal::new(400, "ORDERPAID", "该订单已支付", 268_449_538))
        }
        TradeState::Closed => Err(Refusal::new(400, "ORDER_CLOSED", "该订单已关闭", 268_447_914)),
        TradeState::NotPay if known.product != fresh.product => {
            Err(invalid("201 商户订单号重复", 268_498_688))
        }
        TradeState::NotPay if known.params != fresh.params => {
            Err(invalid("请求重入时，参数与首次请求时不一致", 268_498_688))
        }
        TradeState::NotPay if now_ms >= known.pay_by_ms => Err(invalid("该订单已失效", 268_447_914)),
        TradeState::NotPay => Ok(()),
    }
}

/// Checks the rules beyond the shape, and returns the order.
fn read_order(params: Map<String, Value>, now_ms: i64, product: Product) -> Result<Order, Refusal> {
    let text = |name: &str| params.get(name).and_then(Value::as_str).map(str::to_owned);
    let required = |name: &str| text(name).expect("the shape requires it");
    let bad = |name: &str, message: &str| {
        wrong(
            &format!("/{name}"),
            &Value::from(required(name)),
            message.to_owned(),
            268_435_461,
        )
    };
    if required("mchid") != MCH_ID {
        return Err(bad("mchid", "http header中的mchid与post payload中的mchid不匹配"));
    }
    if !BOUND_APP_IDS.contains(&required("appid").as_str()) {
        return Err(Refusal::new(
            400,
            "APPID_MCHID_NOT_MATCH",
            "appid和mch_id不匹配",
            268_445_527,
        ));
    }
    let openid = params.get("payer").and_then(|payer| payer["openid"].as_str());
    if openid.is_some_and(|openid| is_of_other_app(openid, &required("appid"))) {
        return Err(Refusal::new(
            400,
            "PARAM_ERROR",
            "appid和openid不匹配",
            268_440_035,
        ));
    }
    let out_trade_no = required("out_trade_no");
    if !out_trade_no
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-|*".contains(&byte))
    {
        return Err(bad("out_trade_no", "商户订单号只能是数字、大小写字母_-|*"));
    }
    if !is_notify_url(&required("notify_url")) {
        return Err(bad(
            "notify_url",
            "notify_url必须为直接可访问的URL，不允许携带查询串",
        ));
    }
    check_deeper(&params)?;
    let pay_by_ms = match text("time_expire") {
        None => now_ms + DEFAULT_LIFE_MS,
        Some(time) => parse_rfc3339(&time)
            .ok_or_else(|| bad("time_expire", "支付结束时间不符合RFC3339格式"))?
            .clamp(now_ms + SHORTEST_LIFE_MS, now_ms + LONGEST_LIFE_MS),
    };
    Ok(Order {
        out_trade_no,
        product,
        description: required("description"),
        attach: text("attach"),
        notify_url: required("notify_url"),
        total_fen: params["amount"]["total"].as_i64().expect("the shape requires it"),
        created_ms: now_ms,
        pay_by_ms,
        code: String::new(),
        code_dies_ms: now_ms,
        payer: None,
        payment: None,
        refunded: false,
        closed: false,
        shipping: None,
        params,
    })
}

fn check_deeper(params: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(currency) = params["amount"].get("currency").filter(|value| *value != "CNY") {
        let message = "货币类型只支持CNY".to_owned();
        return Err(wrong("/amount/currency", currency, message, 268_435_464));
    }
    let address = params
        .get("scene_info")
        .and_then(|scene| scene.get("payer_client_ip"));
    let is_address = |value: &Value| value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok());
    if let Some(value) = address.filter(|value| !is_address(value)) {
        let message = "用户终端IP格式错误".to_owned();
        return Err(wrong("/scene_info/payer_client_ip", value, message, 268_435_461));
    }
    Ok(())
}

/// Pays a new order under the fault `early`, and sends its notification, before its creator gets the answer.
pub(super) fn pay_early(state: &mut State, now_ms: i64, request: &Request) -> bool {
    let State { faults, rng, .. } = state;
    if !faults.strikes(rng, Gateway::Wechat, Endpoint::Create, FaultKind::Early) {
        return false;
    }
    let created: Option<Value> = serde_json::from_slice(&request.body).ok();
    let out_trade_no = created
        .as_ref()
        .and_then(|body| body["out_trade_no"].as_str())
        .unwrap_or_default();
    payer::pay(state, now_ms, &payer::Payer::first(out_trade_no)).is_ok()
}
