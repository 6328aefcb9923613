//! Alipay's gateway for one application: one path, the method is a parameter.

mod bill;
mod cancel;
mod cashier;
mod certificates;
mod charset;
mod close;
mod create;
mod desk;
mod expiry;
mod fields;
mod node;
mod notification;
mod order;
mod pages;
mod params;
mod precreate;
mod query;
mod refund;
mod sealing;
mod statement;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::books::{BookedRefund, BookedTrade, Gateway};
use crate::faults::{Endpoint, FaultKind};
use crate::payer::{self, Payer};
use crate::settings::AlipaySigning;
use crate::state::State;
use crate::wire::{Reply, Request, Seal};
pub(crate) use bill::{Bill, lapse, pay, scan};
pub(crate) use cashier::handle as handle_cashier;
use charset::Charset;
pub(crate) use desk::Funds;
use node::{Node, Refusal};
pub(crate) use notification::pretend_notification;
use order::Product;
use pages::Sessions;
pub(crate) use pages::{CASHIER_PATH, admit};
use params::Params;
pub(crate) use refund::by_hand as refund_by_hand;
use statement::Addresses;
pub(crate) use statement::{DOWNLOAD_PATH, download as download_bill};

#[derive(Debug, Default)]
pub(crate) struct Alipay {
    /// Every bill, by the merchant's number; most of them are no trade yet.
    pub(crate) bills: BTreeMap<String, Bill>,
    pub(crate) codes: BTreeMap<String, String>,
    pub(crate) funds: Funds,
    pub(crate) signing: AlipaySigning,
    sessions: Sessions,
    addresses: Addresses,
}

impl Alipay {
    pub(crate) fn next_lapse_ms(&self) -> Option<i64> {
        self.bills.values().filter_map(Bill::next_lapse_ms).min()
    }

    pub(crate) fn book(&self) -> Vec<BookedTrade> {
        let trades = self
            .bills
            .values()
            .filter_map(|bill| Some((bill, bill.trade.as_ref()?)));
        trades
            .map(|(bill, trade)| BookedTrade {
                gateway: Gateway::Alipay,
                out_trade_no: bill.out_trade_no.clone(),
                gateway_no: Some(trade.trade_no.clone()),
                state: trade.status.word().to_owned(),
                total_fen: bill.total_fen,
                paid_fen: trade.paid_ms.map_or(0, |_| bill.total_fen),
                shipping: None,
            })
            .collect()
    }

    pub(crate) fn book_refunds(&self) -> Vec<BookedRefund> {
        let trades = self
            .bills
            .values()
            .filter_map(|bill| Some((bill, bill.trade.as_ref()?)));
        trades
            .flat_map(|(bill, trade)| trade.refunds.iter().map(move |refund| (bill, refund)))
            .map(|(bill, refund)| BookedRefund {
                gateway: Gateway::Alipay,
                out_trade_no: bill.out_trade_no.clone(),
                refund_no: refund.request_no.clone(),
                gateway_no: None,
                state: refund.state().to_owned(),
                fen: refund.fen,
            })
            .collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Precreate,
    Create,
    /// Brought by a payer's browser or app, not by the merchant.
    Pages(Product),
    Query,
    Close,
    Cancel,
    Refund,
    QueryRefund,
    Bill,
    Certificate,
}

impl Method {
    fn parse(name: &str) -> Option<Method> {
        match name {
            "alipay.trade.precreate" => Some(Method::Precreate),
            "alipay.trade.create" => Some(Method::Create),
            "alipay.trade.app.pay" => Some(Method::Pages(Product::App)),
            "alipay.trade.wap.pay" => Some(Method::Pages(Product::Wap)),
            "alipay.trade.page.pay" => Some(Method::Pages(Product::Page)),
            "alipay.trade.query" => Some(Method::Query),
            "alipay.trade.close" => Some(Method::Close),
            "alipay.trade.cancel" => Some(Method::Cancel),
            "alipay.trade.refund" => Some(Method::Refund),
            "alipay.trade.fastpay.refund.query" => Some(Method::QueryRefund),
            "alipay.data.dataservice.bill.downloadurl.query" => Some(Method::Bill),
            "alipay.open.app.alipaycert.download" => Some(Method::Certificate),
            _ => None,
        }
    }

    fn endpoint(self) -> Endpoint {
        match self {
            Method::Precreate | Method::Create => Endpoint::Create,
            Method::Pages(_) => Endpoint::Cashier,
            Method::Query => Endpoint::Query,
            Method::Close => Endpoint::Close,
            Method::Cancel => Endpoint::Cancel,
            Method::Refund => Endpoint::Refund,
            Method::QueryRefund => Endpoint::QueryRefund,
            Method::Bill => Endpoint::Bill,
            Method::Certificate => Endpoint::Certificates,
        }
    }
}

pub(crate) fn endpoint(request: &Request) -> Option<Endpoint> {
    let params = Params::merge(request).ok()?;
    Some(Method::parse(params.get("method")?)?.endpoint())
}

pub(crate) fn handle(state: &mut State, now_ms: i64, request: &Request) -> Reply {
    let n_bills = state.alipay.bills.len();
    let params = match Params::merge(request) {
        Ok(params) => params,
        Err(refusal) => return unsigned_reply(state, "error_response", Charset::Utf8, refusal),
    };
    if let Ok(Method::Pages(product)) = params.method() {
        return pages::enter(state, now_ms, &params, product);
    }
    let node_name = params.node_name();
    // A call that fails before its signature is verified gets an unsigned answer.
    if let Err(refusal) = params.authenticate(&state.keys) {
        return unsigned_reply(state, &node_name, params.charset, refusal);
    }
    let biz = params
        .check_rest(now_ms)
        .and_then(|()| params.biz_content(&state.keys));
    // A call that is refused before its content was decrypted gets an unencrypted answer.
    let encrypted = params.is_encrypted() && biz.is_ok();
    let node = biz.and_then(|biz| act_on_call(state, now_ms, &params, &biz, request));
    let node = node.unwrap_or_else(Refusal::into_node);
    let mut reply = signed_reply(state, node_name, &params, &node, encrypted);
    reply.after_notifications = state.alipay.bills.len() > n_bills && pay_early(state, now_ms, &params);
    reply
}

/// Code 20000, or 40005, independent of the request.
pub(crate) fn failure(state: &mut State, busy: bool) -> Reply {
    let refusal = if busy {
        Refusal::new("40005", "isv.app-call-limited", "应用调用次数超限")
    } else {
        Refusal::new("20000", "isp.unknow-error", "系统繁忙")
    };
    unsigned_reply(state, "error_response", Charset::Utf8, refusal)
}

fn unsigned_reply(state: &mut State, node_name: &str, charset: Charset, refusal: Refusal) -> Reply {
    let content = refusal.into_node().text();
    let body = charset.encode(&format!("{{\"{node_name}\":{content}}}"));
    Reply::new(200, charset.content_type(), body).with_header("trace_id", state.rng.hex(32))
}

/// Signs in the manner of the request: encrypted, and by the key of a certificate.
fn signed_reply(
    state: &mut State,
    node_name: String,
    params: &Params,
    node: &Node,
    encrypted: bool,
) -> Reply {
    let content = node.text();
    let content = if encrypted {
        format!("\"{}\"", sealing::seal(state.keys.alipay_aes_key(), &content))
    } else {
        content
    };
    let signing = &state.alipay.signing;
    let seal = Seal::Alipay {
        node: node_name,
        cert_sn: params.has_certificates().then(|| signing.cert_sn(&state.keys)),
        sign_first: signing.sign_first,
    };
    Reply {
        seal,
        ..Reply::new(
            200,
            params.charset.content_type(),
            params.charset.encode(&content),
        )
    }
    .with_header("trace_id", state.rng.hex(32))
}

fn act_on_call(
    state: &mut State,
    now_ms: i64,
    params: &Params,
    biz: &Map<String, Value>,
    request: &Request,
) -> Result<Node, Refusal> {
    let method = params.method()?;
    if let Some(kind) = state.veto(Gateway::Alipay, method.endpoint()) {
        return Err(vetoed_refusal(kind));
    }
    match method {
        Method::Precreate => precreate::precreate(state, now_ms, params, biz),
        Method::Create => create::create(state, now_ms, params, biz),
        Method::Pages(_) => Err(Refusal::invalid("isv.invalid-method", "不存在的方法名")),
        Method::Query => query::query(state, now_ms, biz),
        Method::Close => close::close(state, now_ms, biz),
        Method::Cancel => cancel::cancel(state, now_ms, biz),
        Method::Refund => refund::refund(state, now_ms, biz),
        Method::QueryRefund => refund::query(state, biz),
        Method::Bill => {
            let host = request.header("host").unwrap_or("127.0.0.1");
            statement::query(state, now_ms, biz, host)
        }
        Method::Certificate => certificates::download(state, biz),
    }
}

fn vetoed_refusal(kind: FaultKind) -> Refusal {
    match kind {
        FaultKind::NotEnough => Refusal::business("ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足"),
        _ => Refusal::business("ACQ.TRADE_NOT_EXIST", "交易不存在"),
    }
}

fn pay_early(state: &mut State, now_ms: i64, params: &Params) -> bool {
    let State { faults, rng, .. } = state;
    if !faults.strikes(rng, Gateway::Alipay, Endpoint::Create, FaultKind::Early) {
        return false;
    }
    let created: Option<Value> = params
        .get("biz_content")
        .and_then(|content| serde_json::from_str(content).ok());
    let out_trade_no = created
        .as_ref()
        .and_then(|biz| biz["out_trade_no"].as_str())
        .unwrap_or_default();
    payer::pay(state, now_ms, &Payer::first(out_trade_no)).is_ok()
}
