//! WeChat Pay APIv3 for one direct merchant: the orders it knows and the paths it answers.

mod authorise;
mod certificates;
mod close;
mod create;
mod order;
mod query;
mod shape;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::books::{BookedTrade, Gateway};
use crate::faults::Endpoint;
use crate::letter::request_id;
use crate::time::DAY_MS;
use crate::wire::{Reply, Request, Seal};
use crate::world::World;
pub(crate) use order::{Order, Payment, State, notice};

/// An unpaid order closes itself after a week.
const AUTO_CLOSE_MS: i64 = 7 * DAY_MS;

#[derive(Debug, Default)]
pub(crate) struct Wechat {
    pub(crate) orders: BTreeMap<String, Order>,
    /// Every code ever handed out and its order; only the newest of an order is alive.
    pub(crate) codes: BTreeMap<String, String>,
    pub(crate) rotated: bool,
}

impl Wechat {
    pub(crate) fn lapse(&mut self, now_ms: i64) {
        let lapsed =
            |order: &&mut Order| order.state() == State::NotPay && now_ms >= order.created_ms + AUTO_CLOSE_MS;
        for order in self.orders.values_mut().filter(lapsed) {
            order.closed = true;
        }
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
            })
            .collect()
    }
}

/// What a request asks for.
enum Route {
    Create,
    QueryByOutTradeNo(String),
    QueryById(String),
    Close(String),
    Certificates,
}

/// A refusal as WeChat words it.
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
}

pub(crate) fn endpoint(request: &Request) -> Option<Endpoint> {
    match route(request).ok()? {
        Route::Create => Some(Endpoint::Create),
        Route::QueryByOutTradeNo(_) | Route::QueryById(_) => Some(Endpoint::Query),
        Route::Close(_) => Some(Endpoint::Close),
        Route::Certificates => Some(Endpoint::Certificates),
    }
}

pub(crate) fn handle(world: &mut World, now_ms: i64, request: &Request) -> Reply {
    let n_orders = world.wechat.orders.len();
    let (reply, internal_code, signed) = match act(world, now_ms, request) {
        Ok(Answer::Json(value)) => (Reply::json(200, &value), 0, true),
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
    let mut reply = finish(world, reply, internal_code);
    if signed {
        reply.seal = Seal::Wechat {
            now_ms,
            nonce: world.dice.alphanumeric(32),
        };
    }
    reply.after_notices = world.wechat.orders.len() > n_orders && create::pay_early(world, now_ms, request);
    reply
}

/// A 500, or a 429, that has nothing to do with the request.
pub(crate) fn failure(world: &mut World, busy: bool) -> Reply {
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
    finish(world, Reply::json(status, &body), internal_code)
}

fn finish(world: &mut World, reply: Reply, internal_code: u32) -> Reply {
    let id = request_id(&mut world.dice, internal_code);
    reply
        .with_header("request-id", id)
        .with_header("content-language", "zh-CN")
        .with_header("cache-control", "no-cache, must-revalidate")
}

fn act(world: &mut World, now_ms: i64, request: &Request) -> Result<Answer, Refusal> {
    let route = route(request)?;
    authorise::check_headers(request)?;
    authorise::authorise(&world.keys, now_ms, request)?;
    match route {
        Route::Create => create::create(world, now_ms, request),
        Route::QueryByOutTradeNo(out_trade_no) => {
            query::by_out_trade_no(world, now_ms, request, &out_trade_no)
        }
        Route::QueryById(transaction_id) => query::by_id(world, now_ms, request, &transaction_id),
        Route::Close(out_trade_no) => close::close(world, request, &out_trade_no),
        Route::Certificates => certificates::list(world, request),
    }
}

fn route(request: &Request) -> Result<Route, Refusal> {
    let path = request.path();
    let number = |raw: &str| {
        let decoded = percent_encoding::percent_decode_str(raw).decode_utf8().ok();
        decoded
            .filter(|number| !number.is_empty() && !number.contains('/'))
            .map(|number| number.into_owned())
    };
    let found = if path == "/v3/pay/transactions/native" {
        Some(("POST", Route::Create))
    } else if path == "/v3/certificates" {
        Some(("GET", Route::Certificates))
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
