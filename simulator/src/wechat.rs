//! WeChat Pay APIv3 for one direct merchant: its orders and its routes.

mod account;
mod authorise;
mod bill;
mod bridge;
mod cashier;
mod certificates;
mod close;
mod create;
pub(crate) mod oauth;
mod order;
mod payment;
mod product;
mod query;
mod refund;
mod shape;
mod shipping;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::books::{BookedRefund, BookedTrade, Gateway};
use crate::faults::Endpoint;
use crate::signed_notification::request_id;
use crate::state::State;
use crate::time::DAY_MS;
use crate::wire::{Reply, Request, Seal};
use account::Account;
pub(crate) use account::Flow;
pub(crate) use bridge::{Invocation, pay as pay_by_bridge};
pub(crate) use cashier::handle as handle_cashier;
pub(crate) use order::{Order, Payment, TradeState, notification};
pub(crate) use payment::{pay, scan};
pub(crate) use product::CASHIER_PATH;
use product::Product;
pub(crate) use refund::{
    Refund, by_hand as refund_by_hand, pretend_notification as pretend_refund_notification,
    settle as settle_refund,
};

/// An unpaid order closes itself after a week.
const AUTO_CLOSE_MS: i64 = 7 * DAY_MS;
const REFUNDS_PATH: &str = "/v3/refund/domestic/refunds";

#[derive(Debug)]
pub(crate) struct Wechat {
    pub(crate) orders: BTreeMap<String, Order>,
    /// Every code ever handed out and its order; only the newest of an order is valid.
    pub(crate) codes: BTreeMap<String, String>,
    /// By `out_refund_no`.
    pub(crate) refunds: BTreeMap<String, Refund>,
    pub(crate) account: Account,
    pub(crate) refund_delay_ms: i64,
    pub(crate) rotated: bool,
    pub(crate) oauth: oauth::Oauth,
    /// Access tokens of the mini program, for calls that are not signed.
    tokens: shipping::Tokens,
    bills: bill::Tokens,
}

impl Default for Wechat {
    fn default() -> Wechat {
        Wechat {
            orders: BTreeMap::new(),
            codes: BTreeMap::new(),
            refunds: BTreeMap::new(),
            account: Account::default(),
            refund_delay_ms: refund::DELAY_MS,
            rotated: false,
            oauth: oauth::Oauth::default(),
            tokens: shipping::Tokens::default(),
            bills: bill::Tokens::default(),
        }
    }
}

/// Closes orders unpaid for a week, and ends the refunds whose time is up.
pub(crate) fn lapse(state: &mut State, now_ms: i64) {
    let lapsed = |order: &&mut Order| {
        order.state() == TradeState::NotPay && now_ms >= order.created_ms + AUTO_CLOSE_MS
    };
    for order in state.wechat.orders.values_mut().filter(lapsed) {
        order.closed = true;
    }
    refund::lapse(state, now_ms);
}

impl Wechat {
    /// Time of the next change that is notified to the merchant.
    pub(crate) fn next_lapse_ms(&self) -> Option<i64> {
        self.refunds.values().filter_map(Refund::ends_ms).min()
    }

    fn refunds_of(&self, out_trade_no: &str) -> impl Iterator<Item = &Refund> {
        self.refunds
            .values()
            .filter(move |refund| refund.out_trade_no == out_trade_no)
    }

    pub(crate) fn book_refunds(&self) -> Vec<BookedRefund> {
        self.refunds.values().map(Refund::book).collect()
    }

    pub(crate) fn book(&self) -> Vec<BookedTrade> {
        self.orders
            .values()
            .map(|order| BookedTrade {
                gateway: Gateway::Wechat,
                out_trade_no: order.out_trade_no.clone(),
                gateway_no: order
                    .payment
                    .as_ref()
                    .map(|payment| payment.transaction_id.clone()),
                state: order.state().word().to_owned(),
                total_fen: order.total_fen,
                paid_fen: order.payment.as_ref().map_or(0, |_| order.total_fen),
                shipping: order.shipping.as_ref().map(shipping::Shipping::book),
            })
            .collect()
    }
}

/// Route of a request.
enum Route {
    Create(Product),
    QueryByOutTradeNo(String),
    QueryById(String),
    Close(String),
    Refund,
    QueryRefund(String),
    ApplyAbnormalRefund(String),
    Certificates,
    Bill(bill::Kind),
    Download,
}

/// A refusal in WeChat's format.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    detail: Option<Value>,
    internal_code: u32,
    /// The edge in front of the business systems does not sign.
    signed: bool,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>, internal_code: u32) -> Refusal {
        Refusal {
            status,
            code,
            message: message.into(),
            detail: None,
            internal_code,
            signed: true,
        }
    }

    fn edge(status: u16, code: &'static str, message: &str, internal_code: u32) -> Refusal {
        Refusal {
            signed: false,
            ..Refusal::new(status, code, message, internal_code)
        }
    }

    fn with_detail(self, detail: Value) -> Refusal {
        Refusal {
            detail: Some(detail),
            ..self
        }
    }
}

/// The answer to a good request.
enum Answer {
    Json(Value),
    NoContent,
    /// A bill, which WeChat does not sign.
    File(Vec<u8>),
}

pub(crate) fn endpoint(request: &Request) -> Option<Endpoint> {
    if shipping::is_for(request) {
        return Some(Endpoint::Shipping);
    }
    match route_request(request).ok()? {
        Route::Create(_) => Some(Endpoint::Create),
        Route::QueryByOutTradeNo(_) | Route::QueryById(_) => Some(Endpoint::Query),
        Route::Close(_) => Some(Endpoint::Close),
        Route::Refund | Route::ApplyAbnormalRefund(_) => Some(Endpoint::Refund),
        Route::QueryRefund(_) => Some(Endpoint::QueryRefund),
        Route::Certificates => Some(Endpoint::Certificates),
        Route::Bill(_) | Route::Download => Some(Endpoint::Bill),
    }
}

pub(crate) fn handle(state: &mut State, now_ms: i64, request: &Request) -> Reply {
    if shipping::is_for(request) {
        return shipping::handle(state, now_ms, request);
    }
    let n_orders = state.wechat.orders.len();
    let (reply, internal_code, signed) = match act_on_call(state, now_ms, request) {
        Ok(Answer::Json(value)) => (Reply::json(200, &value), 0, true),
        Ok(Answer::File(file)) => (Reply::new(200, "application/octet-stream", file), 0, false),
        Ok(Answer::NoContent) => (
            Reply {
                headers: Vec::new(),
                ..Reply::new(204, "", "")
            },
            0,
            true,
        ),
        Err(refusal) => {
            let mut body = json!({"code": refusal.code, "message": refusal.message});
            if let Some(detail) = refusal.detail {
                body["detail"] = detail;
            }
            (
                Reply::json(refusal.status, &body),
                refusal.internal_code,
                refusal.signed,
            )
        }
    };
    let mut reply = finish_reply(state, reply, internal_code);
    if signed {
        reply.seal = Seal::Wechat {
            now_ms,
            nonce: state.rng.alphanumeric(32),
            key: request
                .header("wechatpay-serial")
                .and_then(|serial| state.keys.wechat_key(serial)),
        };
    }
    reply.after_notifications =
        state.wechat.orders.len() > n_orders && create::pay_early(state, now_ms, request);
    reply
}

/// A 500, or a 429, independent of the request.
pub(crate) fn failure(state: &mut State, endpoint: Endpoint, busy: bool) -> Reply {
    if endpoint == Endpoint::Shipping {
        return shipping::failure(state);
    }
    let (status, body, internal_code) = if busy {
        (
            429,
            json!({"code": "FREQUENCY_LIMITED", "message": "请求频率超过限制"}),
            268_447_840,
        )
    } else {
        (
            500,
            json!({"code": "SYSTEM_ERROR", "message": "系统异常，请稍后重试"}),
            268_435_457,
        )
    };
    finish_reply(state, Reply::json(status, &body), internal_code)
}

fn finish_reply(state: &mut State, reply: Reply, internal_code: u32) -> Reply {
    let id = request_id(&mut state.rng, internal_code);
    reply
        .with_header("request-id", id)
        .with_header("content-language", "zh-CN")
        .with_header("cache-control", "no-cache, must-revalidate")
}

fn act_on_call(state: &mut State, now_ms: i64, request: &Request) -> Result<Answer, Refusal> {
    let route = route_request(request)?;
    authorise::check_headers(request)?;
    authorise::authorise(&state.keys, now_ms, request)?;
    match route {
        Route::Create(product) => create::create(state, now_ms, request, product),
        Route::QueryByOutTradeNo(out_trade_no) => {
            query::by_out_trade_no(state, now_ms, request, &out_trade_no)
        }
        Route::QueryById(transaction_id) => query::by_id(state, now_ms, request, &transaction_id),
        Route::Close(out_trade_no) => close::close(state, request, &out_trade_no),
        Route::Refund => refund::request(state, now_ms, request),
        Route::QueryRefund(out_refund_no) => refund::query(state, now_ms, request, &out_refund_no),
        Route::ApplyAbnormalRefund(refund_id) => refund::apply(state, now_ms, request, &refund_id),
        Route::Certificates => certificates::list(state, request),
        Route::Bill(kind) => bill::apply(state, now_ms, request, kind),
        Route::Download => bill::download(state, now_ms, request),
    }
}

fn route_request(request: &Request) -> Result<Route, Refusal> {
    let path = request.path();
    let number = |raw: &str| {
        let decoded = percent_encoding::percent_decode_str(raw).decode_utf8().ok();
        decoded
            .filter(|number| !number.is_empty() && !number.contains('/'))
            .map(|number| number.into_owned())
    };
    let found = if let Some(product) = Product::of_path(path) {
        Some(("POST", Route::Create(product)))
    } else if path == "/v3/certificates" {
        Some(("GET", Route::Certificates))
    } else if path == bill::DOWNLOAD_PATH {
        Some(("GET", Route::Download))
    } else if let Some(kind) = bill::Kind::of_path(path) {
        Some(("GET", Route::Bill(kind)))
    } else if path == REFUNDS_PATH {
        Some(("POST", Route::Refund))
    } else if let Some(rest) = path
        .strip_prefix(REFUNDS_PATH)
        .and_then(|rest| rest.strip_prefix('/'))
    {
        match rest.strip_suffix("/apply-abnormal-refund") {
            Some(raw) => number(raw).map(|id| ("POST", Route::ApplyAbnormalRefund(id))),
            None => number(rest).map(|no| ("GET", Route::QueryRefund(no))),
        }
    } else if let Some(raw) = path.strip_prefix("/v3/pay/transactions/id/") {
        number(raw).map(|id| ("GET", Route::QueryById(id)))
    } else if let Some(rest) = path.strip_prefix("/v3/pay/transactions/out-trade-no/") {
        match rest.strip_suffix("/close") {
            Some(raw) => number(raw).map(|no| ("POST", Route::Close(no))),
            None => number(rest).map(|no| ("GET", Route::QueryByOutTradeNo(no))),
        }
    } else {
        None
    };
    match found {
        None => Err(Refusal::edge(
            404,
            "RESOURCE_NOT_EXISTS",
            "请求的资源不存在",
            268_435_463,
        )),
        Some((method, route)) if method == request.method => Ok(route),
        Some(_) => Err(Refusal::edge(
            405,
            "METHOD_NOT_ALLOWED",
            "请求方法不被允许",
            268_435_462,
        )),
    }
}
