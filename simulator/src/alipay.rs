//! Alipay's gateway for one application: one path, the method is a parameter.

mod bill;
mod close;
mod expiry;
mod node;
mod params;
mod precreate;
mod query;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::books::{BookedTrade, Gateway};
use crate::faults::{Endpoint, FaultKind};
use crate::payer::{self, Payer};
use crate::wire::{Reply, Request, Seal};
use crate::world::World;
pub(crate) use bill::{Bill, lapse, pay, pretend_notice, scan};
use node::{Node, Refusal};
use params::Params;

const CONTENT_TYPE: &str = "text/html;charset=utf-8";

#[derive(Debug, Default)]
pub(crate) struct Alipay {
    /// Everything precreated, by our number; most of it is no trade yet.
    pub(crate) bills: BTreeMap<String, Bill>,
    pub(crate) codes: BTreeMap<String, String>,
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
            })
            .collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Precreate,
    Query,
    Close,
}

impl Method {
    fn parse(name: &str) -> Option<Method> {
        match name {
            "alipay.trade.precreate" => Some(Method::Precreate),
            "alipay.trade.query" => Some(Method::Query),
            "alipay.trade.close" => Some(Method::Close),
            _ => None,
        }
    }
}

pub(crate) fn endpoint(request: &Request) -> Option<Endpoint> {
    let params = Params::merge(request).ok()?;
    Some(match Method::parse(params.get("method")?)? {
        Method::Precreate => Endpoint::Create,
        Method::Query => Endpoint::Query,
        Method::Close => Endpoint::Close,
    })
}

pub(crate) fn handle(world: &mut World, now_ms: i64, request: &Request) -> Reply {
    let n_bills = world.alipay.bills.len();
    let params = match Params::merge(request) {
        Ok(params) => params,
        Err(refusal) => return answer(world, "error_response".to_owned(), refusal.into_node(), false),
    };
    let node_name = params.node_name();
    // What fails before the signature is known to be good is answered without one.
    if let Err(refusal) = params.authenticate(&world.keys) {
        return answer(world, node_name, refusal.into_node(), false);
    }
    let node = act(world, now_ms, &params).unwrap_or_else(Refusal::into_node);
    let mut reply = answer(world, node_name, node, true);
    reply.after_notices = world.alipay.bills.len() > n_bills && pay_early(world, now_ms, &params);
    reply
}

/// Code 20000, or 40005, that has nothing to do with the request.
pub(crate) fn failure(world: &mut World, busy: bool) -> Reply {
    let refusal = if busy {
        Refusal::new("40005", "isv.app-call-limited", "应用调用次数超限")
    } else {
        Refusal::new("20000", "isp.unknow-error", "系统繁忙")
    };
    answer(world, "error_response".to_owned(), refusal.into_node(), false)
}

fn answer(world: &mut World, node_name: String, node: Node, signed: bool) -> Reply {
    let content = node.text();
    let trace_id = world.dice.hex(32);
    let (body, seal) = if signed {
        (content, Seal::Alipay { node: node_name })
    } else {
        (format!("{{\"{node_name}\":{content}}}"), Seal::None)
    };
    Reply {
        seal,
        ..Reply::new(200, CONTENT_TYPE, body)
    }
    .with_header("trace_id", trace_id)
}

fn act(world: &mut World, now_ms: i64, params: &Params) -> Result<Node, Refusal> {
    params.check_rest(now_ms)?;
    let biz = params.biz_content()?;
    match params.method()? {
        Method::Precreate => precreate::precreate(world, now_ms, params, &biz),
        Method::Query => query::query(world, now_ms, &biz),
        Method::Close => close::close(world, now_ms, &biz),
    }
}

fn pay_early(world: &mut World, now_ms: i64, params: &Params) -> bool {
    let World { faults, dice, .. } = world;
    if !faults.strikes(dice, Gateway::Alipay, Endpoint::Create, FaultKind::Early) {
        return false;
    }
    let created: Option<Value> = params
        .get("biz_content")
        .and_then(|content| serde_json::from_str(content).ok());
    let out_trade_no = created
        .as_ref()
        .and_then(|biz| biz["out_trade_no"].as_str())
        .unwrap_or_default();
    payer::pay(world, now_ms, &Payer::first(out_trade_no)).is_ok()
}
