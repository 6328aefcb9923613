//! `alipay.trade.precreate`: a code to scan. No trade exists until somebody does.

use serde_json::{Map, Value};

use super::bill::{Bill, Status};
use super::expiry::Expiry;
use super::node::{Node, Refusal};
use super::params::Params;
use crate::keys::SELLER_ID;
use crate::wire::parse_yuan;
use crate::world::World;

/// 100 000 000 yuan.
const MOST_FEN: i64 = 10_000_000_000;

pub(super) fn precreate(
    world: &mut World,
    now_ms: i64,
    params: &Params,
    biz: &Map<String, Value>,
) -> Result<Node, Refusal> {
    let fresh = read(params, biz, now_ms)?;
    let out_trade_no = fresh.out_trade_no.clone();
    let World { alipay, dice, .. } = world;
    let known = alipay.bills.get(&out_trade_no);
    if let Some(known) = known {
        may_reenter(known, &fresh)?;
    }
    let alive = known.filter(|known| known.trade.is_some() || now_ms < known.code_dies_ms);
    let code = match alive {
        Some(known) => known.code.clone(),
        None => {
            let code = format!(
                "https://qr.alipay.com/bax{}",
                dice.alphanumeric(21).to_lowercase()
            );
            alipay.codes.insert(code.clone(), out_trade_no.clone());
            alipay.bills.insert(
                out_trade_no.clone(),
                Bill {
                    code: code.clone(),
                    ..fresh
                },
            );
            code
        }
    };
    Ok(Node::success()
        .with("out_trade_no", out_trade_no)
        .with("qr_code", code))
}

fn may_reenter(known: &Bill, fresh: &Bill) -> Result<(), Refusal> {
    let refusal = match known.trade.as_ref().map(|trade| trade.status) {
        Some(Status::Success | Status::Finished) => {
            Refusal::business("ACQ.TRADE_HAS_SUCCESS", "交易已被支付")
        }
        Some(Status::Closed) => Refusal::business("ACQ.TRADE_HAS_CLOSE", "交易已经关闭"),
        None | Some(Status::WaitBuyerPay) if !same_content(known, fresh) => {
            Refusal::business("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改")
        }
        None | Some(Status::WaitBuyerPay) => return Ok(()),
    };
    Err(refusal.with("out_trade_no", fresh.out_trade_no.clone()))
}

fn same_content(known: &Bill, fresh: &Bill) -> bool {
    known.total_fen == fresh.total_fen
        && known.subject == fresh.subject
        && known.body == fresh.body
        && known.passback_params == fresh.passback_params
}

fn read(params: &Params, biz: &Map<String, Value>, now_ms: i64) -> Result<Bill, Refusal> {
    let out_trade_no = text(biz, "out_trade_no", 64)?.ok_or_else(|| required("out_trade_no"))?;
    if !out_trade_no
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Err(Refusal::parameter(
            "参数有误out_trade_no只能由字母、数字、下划线组成",
        ));
    }
    let amount = match biz.get("total_amount") {
        None => return Err(required("total_amount")),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) => return Err(Refusal::parameter("参数有误total_amount非法")),
    };
    let total_fen = parse_yuan(&amount).ok_or_else(|| Refusal::parameter("参数有误total_amount非法"))?;
    if total_fen < 1 {
        return Err(Refusal::parameter("参数有误订单金额必须大于等于0.01"));
    }
    if total_fen > MOST_FEN {
        return Err(Refusal::business(
            "ACQ.TOTAL_FEE_EXCEED",
            "订单总金额不在允许范围内",
        ));
    }
    let product_code = text(biz, "product_code", 64)?;
    let known_products = ["FACE_TO_FACE_PAYMENT", "QR_CODE_OFFLINE"];
    if product_code.is_some_and(|code| !known_products.contains(&code.as_str())) {
        return Err(Refusal::parameter("参数有误product_code非法"));
    }
    if text(biz, "seller_id", 28)?.is_some_and(|seller_id| seller_id != SELLER_ID) {
        return Err(Refusal::business("ACQ.SELLER_NOT_EXIST", "卖家不存在"));
    }
    let expiry = Expiry::read(biz, now_ms)?;
    Ok(Bill {
        out_trade_no,
        subject: text(biz, "subject", 256)?.ok_or_else(|| required("subject"))?,
        body: text(biz, "body", 128)?,
        passback_params: text(biz, "passback_params", 512)?,
        total_fen,
        notify_url: params.get("notify_url").map(str::to_owned),
        code: String::new(),
        created_ms: now_ms,
        code_dies_ms: expiry.code_dies_ms,
        pay_by_ms: expiry.pay_by_ms,
        trade: None,
    })
}

fn required(name: &str) -> Refusal {
    Refusal::parameter(&format!("参数有误{name}不能为空"))
}

fn text(biz: &Map<String, Value>, name: &str, most: usize) -> Result<Option<String>, Refusal> {
    match biz.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::parameter(&format!("参数有误{name}非法"))),
    }
}
