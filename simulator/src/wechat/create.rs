//! `POST /v3/pay/transactions/native` and its rules of re-entry.

use serde_json::{Map, Value, json};

use super::shape::{Field, Kind, may, must, parse, wrong};
use super::{Answer, Order, Refusal, State};
use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind};
use crate::keys::{APP_ID, MCH_ID};
use crate::payer;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, parse_rfc3339};
use crate::wire::{Request, is_notify_url};
use crate::world::World;

const CODE_LIFE_MS: i64 = 2 * HOUR_MS;
const DEFAULT_LIFE_MS: i64 = 7 * DAY_MS;
const SHORTEST_LIFE_MS: i64 = MINUTE_MS;
const LONGEST_LIFE_MS: i64 = 15 * DAY_MS;

const SHAPE: &[Field] = &[
    must("appid", "公众账号ID", Kind::Text(1, 32)),
    must("mchid", "商户号", Kind::Text(1, 32)),
    must("description", "商品描述", Kind::Text(1, 127)),
    must("out_trade_no", "商户订单号", Kind::Text(6, 32)),
    may("time_expire", "支付结束时间", Kind::Text(1, 64)),
    may("attach", "商户数据包", Kind::Text(1, 128)),
    must("notify_url", "商户回调地址", Kind::Text(1, 255)),
    may("goods_tag", "订单优惠标记", Kind::Text(1, 32)),
    may("support_fapiao", "电子发票入口开放标识", Kind::Flag),
    must(
        "amount",
        "订单金额",
        Kind::Object(&[
            must("total", "总金额", Kind::Integer(1)),
            may("currency", "货币类型", Kind::Text(1, 16)),
        ]),
    ),
    may(
        "detail",
        "优惠功能",
        Kind::Object(&[
            may("cost_price", "订单原价", Kind::Integer(0)),
            may("invoice_id", "商品小票ID", Kind::Text(1, 32)),
            may("goods_detail", "单品列表", Kind::List(6_000, GOODS)),
        ]),
    ),
    may(
        "scene_info",
        "场景信息",
        Kind::Object(&[
            must("payer_client_ip", "用户终端IP", Kind::Text(1, 45)),
            may("device_id", "商户端设备号", Kind::Text(1, 32)),
            may("store_info", "商户门店信息", Kind::Object(STORE)),
        ]),
    ),
    may(
        "settle_info",
        "结算信息",
        Kind::Object(&[may("profit_sharing", "是否指定分账", Kind::Flag)]),
    ),
];

const GOODS: &[Field] = &[
    must("merchant_goods_id", "商户侧商品编码", Kind::Text(1, 32)),
    may("wechatpay_goods_id", "微信侧商品编码", Kind::Text(1, 32)),
    may("goods_name", "商品名称", Kind::Text(1, 256)),
    must("quantity", "商品数量", Kind::Integer(1)),
    must("unit_price", "商品单价", Kind::Integer(0)),
];

const STORE: &[Field] = &[
    must("id", "门店编号", Kind::Text(1, 32)),
    may("name", "门店名称", Kind::Text(1, 256)),
    may("area_code", "地区编码", Kind::Text(1, 32)),
    may("address", "详细地址", Kind::Text(1, 512)),
];

pub(super) fn create(world: &mut World, now_ms: i64, request: &Request) -> Result<Answer, Refusal> {
    let params = parse(&request.body, SHAPE)?;
    let fresh = read(params, now_ms)?;
    let code = format!(
        "weixin://wxpay/bizpayurl/up?pr={}&groupid=00",
        world.dice.alphanumeric(7)
    );
    let out_trade_no = fresh.out_trade_no.clone();
    let order = match world.wechat.orders.remove(&out_trade_no) {
        None => fresh,
        Some(known) => match may_reenter(&known, &fresh, now_ms) {
            Ok(()) => known,
            Err(refusal) => {
                world.wechat.orders.insert(out_trade_no, known);
                return Err(refusal);
            }
        },
    };
    let answer = json!({"code_url": code});
    let order = Order {
        code: code.clone(),
        code_dies_ms: now_ms + CODE_LIFE_MS,
        ..order
    };
    world.wechat.codes.insert(code, out_trade_no.clone());
    world.wechat.orders.insert(out_trade_no, order);
    Ok(Answer::Json(answer))
}

fn may_reenter(known: &Order, fresh: &Order, now_ms: i64) -> Result<(), Refusal> {
    match known.state() {
        State::Success => Err(Refusal::new(400, "ORDERPAID", "该订单已支付", 268_449_538)),
        State::Closed => Err(Refusal::new(400, "ORDER_CLOSED", "该订单已关闭", 268_447_914)),
        State::NotPay if known.params != fresh.params => Err(Refusal::new(
            400,
            "INVALID_REQUEST",
            "请求重入时，参数与首次请求时不一致",
            268_498_688,
        )),
        State::NotPay if now_ms >= known.pay_by_ms => {
            Err(Refusal::new(400, "INVALID_REQUEST", "该订单已失效", 268_447_914))
        }
        State::NotPay => Ok(()),
    }
}

/// The rules beyond the shape, and the order they describe.
fn read(params: Map<String, Value>, now_ms: i64) -> Result<Order, Refusal> {
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
    if required("appid") != APP_ID {
        return Err(Refusal::new(
            400,
            "APPID_MCHID_NOT_MATCH",
            "appid和mch_id不匹配",
            268_445_527,
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
    let currency = params["amount"].get("currency").and_then(Value::as_str);
    if currency.is_some_and(|currency| currency != "CNY") {
        let value = params["amount"]["currency"].clone();
        return Err(wrong(
            "/amount/currency",
            &value,
            "货币类型只支持CNY".to_owned(),
            268_435_464,
        ));
    }
    let pay_by_ms = match text("time_expire") {
        None => now_ms + DEFAULT_LIFE_MS,
        Some(time) => parse_rfc3339(&time)
            .ok_or_else(|| bad("time_expire", "支付结束时间不符合RFC3339格式"))?
            .clamp(now_ms + SHORTEST_LIFE_MS, now_ms + LONGEST_LIFE_MS),
    };
    Ok(Order {
        out_trade_no,
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
        closed: false,
        params,
    })
}

/// With the fault `early` the new order is paid, and its notice sent, before its creator hears of it.
pub(super) fn pay_early(world: &mut World, now_ms: i64, request: &Request) -> bool {
    let World { faults, dice, .. } = world;
    if !faults.strikes(dice, Gateway::Wechat, Endpoint::Create, FaultKind::Early) {
        return false;
    }
    let created: Option<Value> = serde_json::from_slice(&request.body).ok();
    let out_trade_no = created
        .as_ref()
        .and_then(|body| body["out_trade_no"].as_str())
        .unwrap_or_default();
    payer::pay(world, now_ms, &payer::Payer::first(out_trade_no)).is_ok()
}
