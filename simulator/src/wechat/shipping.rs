//! Shipping information of payments in a mini program (发货信息管理): `cgi-bin/stable_token` and
//! `wxa/sec/order/upload_shipping_info` of api.weixin.qq.com (docs/gateway-facts.md 1.6.8).
//!
//! Both are called with POST and JSON, answer with status 200 and an `errcode`, and sign nothing.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Order, Wechat};
use crate::books::{BookedShipping, Gateway};
use crate::faults::{Endpoint, FaultKind};
use crate::keys::MINI_APP_ID;
use crate::rng::Rng;
use crate::state::State;
use crate::time::{HOUR_MS, MINUTE_MS, parse_rfc3339};
use crate::wire::{Reply, Request, parse_form};

const TOKEN_PATH: &str = "/cgi-bin/stable_token";
const UPLOAD_PATH: &str = "/wxa/sec/order/upload_shipping_info";
const TOKEN_LIFE_MS: i64 = 2 * HOUR_MS;
/// In the last minutes of a token a call gets the next one, and both are good until the first ends.
const RENEWED_BEFORE_MS: i64 = 5 * MINUTE_MS;
/// Most characters of `item_desc`.
const MOST_DESCRIPTION: usize = 120;
const EXPRESS: i64 = 1;
const UNIFIED: i64 = 1;
const SPLIT: i64 = 2;
/// Shipping information may be changed once.
const MOST_UPLOADS: u32 = 2;

/// Tokens that were given out, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Vec<Token>);

#[derive(Debug)]
struct Token {
    text: String,
    ends_ms: i64,
}

/// Shipping information of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shipping {
    logistics_type: i64,
    delivery_mode: i64,
    shipping_list: Vec<Value>,
    n_uploads: u32,
}

type Refusal = (i64, &'static str);

impl Shipping {
    pub(super) fn book(&self) -> BookedShipping {
        let described = self
            .shipping_list
            .first()
            .and_then(|item| item["item_desc"].as_str());
        BookedShipping {
            logistics_type: self.logistics_type,
            item_desc: described.unwrap_or_default().to_owned(),
            n_uploads: self.n_uploads,
        }
    }

    fn says_the_same(&self, other: &Shipping) -> bool {
        let content = |shipping: &Shipping| {
            (
                shipping.logistics_type,
                shipping.delivery_mode,
                shipping.shipping_list.clone(),
            )
        };
        content(self) == content(other)
    }
}

pub(super) fn is_for(request: &Request) -> bool {
    [TOKEN_PATH, UPLOAD_PATH].contains(&request.path())
}

pub(super) fn handle(state: &mut State, now_ms: i64, request: &Request) -> Reply {
    let outcome = match (request.method.as_str(), request.path()) {
        ("POST", TOKEN_PATH) => give_token(state, now_ms, request),
        ("POST", _) => upload(state, now_ms, request),
        _ => Err((43_002, "require POST method")),
    };
    answer(&mut state.rng, outcome)
}

/// The answer of a busy system, independent of the request.
pub(super) fn failure(state: &mut State) -> Reply {
    answer(&mut state.rng, Err((-1, "system error")))
}

fn answer(rng: &mut Rng, outcome: Result<Value, Refusal>) -> Reply {
    let shown = outcome.unwrap_or_else(|(errcode, errmsg)| {
        let rid = format!("{}-{}-{}", rng.hex(8), rng.hex(8), rng.hex(8));
        json!({"errcode": errcode, "errmsg": format!("{errmsg} rid: {rid}")})
    });
    Reply::json(200, &shown)
}

const NOT_READABLE: Refusal = (47_001, "data format error");

#[derive(Deserialize)]
struct TokenCall {
    #[serde(default)]
    grant_type: String,
    #[serde(default)]
    appid: String,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    force_refresh: bool,
}

fn give_token(state: &mut State, now_ms: i64, request: &Request) -> Result<Value, Refusal> {
    let call: TokenCall = serde_json::from_slice(&request.body).map_err(|_| NOT_READABLE)?;
    if call.grant_type != "client_credential" {
        return Err((40_002, "invalid grant_type"));
    }
    if call.appid != MINI_APP_ID {
        return Err((40_013, "invalid appid"));
    }
    if call.secret != state.keys.credentials().wechat_mini_app_secret {
        return Err((40_125, "invalid appsecret"));
    }
    let tokens = &mut state.wechat.tokens.0;
    if call.force_refresh {
        tokens.clear();
    }
    let is_fresh = |token: &Token| now_ms < token.ends_ms - RENEWED_BEFORE_MS;
    if !tokens.last().is_some_and(is_fresh) {
        tokens.retain(|token| now_ms < token.ends_ms);
        tokens.push(Token {
            text: state.rng.alphanumeric(136),
            ends_ms: now_ms + TOKEN_LIFE_MS,
        });
    }
    let newest = tokens.last().expect("one was made just now");
    let left_s = (newest.ends_ms - now_ms).div_euclid(1_000);
    Ok(json!({"access_token": newest.text, "expires_in": left_s}))
}

#[derive(Deserialize)]
struct Upload {
    order_key: OrderKey,
    logistics_type: i64,
    delivery_mode: i64,
    #[serde(default)]
    is_all_delivered: Option<bool>,
    shipping_list: Vec<Value>,
    upload_time: String,
    payer: Payer,
}

/// Names the payment by WeChat's number; by the merchant's own is possible at WeChat too, and unknown here.
#[derive(Deserialize)]
struct OrderKey {
    order_number_type: i64,
    #[serde(default)]
    transaction_id: String,
}

#[derive(Deserialize)]
struct Payer {
    openid: String,
}

impl Upload {
    fn check(&self) -> Result<(), Refusal> {
        if self.order_key.order_number_type != 2 {
            return Err((268_485_194, "订单单号类型非法"));
        }
        if self.order_key.transaction_id.is_empty() {
            return Err((268_485_195, "微信支付单号形式下 transaction_id 字段不能为空"));
        }
        if !(EXPRESS..=4).contains(&self.logistics_type) {
            return Err((10_060_005, "物流类型有误"));
        }
        match self.delivery_mode {
            UNIFIED if self.shipping_list.len() != 1 => {
                return Err((268_485_228, "统一发货模式下，物流信息列表长度必须为 1"));
            }
            UNIFIED => {}
            SPLIT if self.logistics_type != EXPRESS => {
                return Err((10_060_006, "非快递发货时不允许分拆发货"));
            }
            SPLIT if self.is_all_delivered.is_none() => {
                return Err((10_060_007, "分拆发货模式下必须填写 is_all_delivered 字段"));
            }
            SPLIT => {}
            _ => return Err((268_485_224, "发货模式非法")),
        }
        if parse_rfc3339(&self.upload_time).is_none() {
            return Err((268_485_216, "上传时间非法，请按照 RFC 3339 格式填写"));
        }
        self.shipping_list
            .iter()
            .try_for_each(|item| self.check_item(item))
    }

    fn check_item(&self, item: &Value) -> Result<(), Refusal> {
        let text = |name: &str| item[name].as_str().unwrap_or_default();
        if self.logistics_type == EXPRESS && text("tracking_no").is_empty() {
            return Err((268_485_226, "物流单号不能为空"));
        }
        if self.logistics_type == EXPRESS && text("express_company").is_empty() {
            return Err((268_485_227, "物流公司编码不能为空"));
        }
        match text("item_desc").chars().count() {
            0 => Err((10_060_008, "商品描述 item_desc 字段不能为空")),
            1..=MOST_DESCRIPTION => Ok(()),
            _ => Err((10_060_009, "商品描述 item_desc 字段太长")),
        }
    }

    fn shipping(&self) -> Shipping {
        Shipping {
            logistics_type: self.logistics_type,
            delivery_mode: self.delivery_mode,
            shipping_list: self.shipping_list.clone(),
            n_uploads: 1,
        }
    }
}

fn upload(state: &mut State, now_ms: i64, request: &Request) -> Result<Value, Refusal> {
    check_token(state, now_ms, request.query())?;
    let call: Upload = serde_json::from_slice(&request.body).map_err(|_| NOT_READABLE)?;
    call.check()?;
    match state.veto(Gateway::Wechat, Endpoint::Shipping) {
        Some(FaultKind::NotFound) => return Err((10_060_001, "支付单不存在")),
        Some(_) => return Err((10_060_004, "支付单处于不可发货的状态")),
        None => {}
    }
    let transaction_id = call.order_key.transaction_id.as_str();
    let wechat = &mut state.wechat;
    let is_meant =
        |order: &&Order| order.app_id() == MINI_APP_ID && order.transaction_id() == Some(transaction_id);
    let order = wechat.orders.values().find(is_meant);
    let order = order.ok_or((10_060_001, "支付单不存在"))?;
    if order.openid() != call.payer.openid {
        return Err((10_060_031, "该笔支付单不属于 openid 所指定的用户"));
    }
    if is_refunded(wechat, order) {
        return Err((10_060_004, "支付单处于不可发货的状态"));
    }
    let number = order.out_trade_no.clone();
    let order = wechat.orders.get_mut(&number).expect("it was found just now");
    let uploaded = call.shipping();
    match &mut order.shipping {
        Some(known) if known.says_the_same(&uploaded) => return Err((10_060_023, "发货信息未更新")),
        Some(known) if known.n_uploads >= MOST_UPLOADS => {
            return Err((10_060_003, "支付单已使用重新发货机会"));
        }
        Some(known) => {
            *known = Shipping {
                n_uploads: known.n_uploads + 1,
                ..uploaded
            };
        }
        None => order.shipping = Some(uploaded),
    }
    Ok(json!({"errcode": 0, "errmsg": "ok"}))
}

fn check_token(state: &mut State, now_ms: i64, query: &str) -> Result<(), Refusal> {
    let fields = parse_form(query).unwrap_or_default();
    let named = fields.iter().find(|(name, _)| name == "access_token");
    let Some((_, text)) = named.filter(|(_, text)| !text.is_empty()) else {
        return Err((41_001, "access_token missing"));
    };
    let State {
        faults, rng, wechat, ..
    } = state;
    let tokens = &mut wechat.tokens.0;
    let known = tokens.iter().position(|token| token.text == *text);
    let place = known.ok_or((
        40_001,
        "invalid credential, access_token is invalid or not latest",
    ))?;
    let has_struck = faults.strikes(rng, Gateway::Wechat, Endpoint::Shipping, FaultKind::TokenExpired);
    if has_struck || tokens[place].ends_ms <= now_ms {
        tokens.remove(place);
        return Err((42_001, "access_token expired"));
    }
    Ok(())
}

/// Whether all of an order is refunded, or about to be.
fn is_refunded(wechat: &Wechat, order: &Order) -> bool {
    let refunds = wechat.refunds_of(&order.out_trade_no);
    let given = refunds.filter(|refund| !matches!(refund.state.word(), "CLOSED"));
    given.map(|refund| refund.fen).sum::<i64>() >= order.total_fen
}
