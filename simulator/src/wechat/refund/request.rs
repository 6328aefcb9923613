//! `POST /v3/refund/domestic/refunds`.

use serde_json::{Map, Value, json};

use super::super::account::{Movement, REFUND, refund_remark};
use super::super::shape::{Field, Kind, may, must, parse, wrong};
use super::super::{Answer, Order, Refusal};
use super::{Refund, RefundState};
use crate::books::{Gateway, RefundOutcome};
use crate::faults::{Endpoint, FaultKind};
use crate::state::State;
use crate::statement::{fee_of, part_of};
use crate::time::{DAY_MS, MINUTE_MS, compact};
use crate::wire::{Request, is_notify_url};

const WINDOW_MS: i64 = 365 * DAY_MS;
const MOST_REFUNDS: usize = 50;
const SPACING_MS: i64 = MINUTE_MS;

const SHAPE: &[Field] = &[
    may("transaction_id", "微信支付订单号", Kind::Text(1, 32)),
    may("out_trade_no", "商户订单号", Kind::Text(1, 32)),
    must("out_refund_no", "商户退款单号", Kind::Text(1, 64)),
    may("reason", "退款原因", Kind::Text(1, 80)),
    may("notify_url", "退款结果回调url", Kind::Text(8, 256)),
    may("funds_account", "退款资金来源", Kind::Word(&["AVAILABLE"])),
    must(
        "amount",
        "金额信息",
        Kind::Object(&[
            must("refund", "退款金额", Kind::Integer(1)),
            may("from", "退款出资账户及金额", Kind::List(2, FROM)),
            must("total", "原订单金额", Kind::Integer(1)),
            must("currency", "退款币种", Kind::Text(1, 16)),
        ]),
    ),
    may("goods_detail", "退款商品", Kind::List(6_000, GOODS)),
];

const FROM: &[Field] = &[
    must(
        "account",
        "出资账户类型",
        Kind::Word(&["AVAILABLE", "UNAVAILABLE"]),
    ),
    must("amount", "出资金额", Kind::Integer(1)),
];

const GOODS: &[Field] = &[
    must("merchant_goods_id", "商户侧商品编码", Kind::Text(1, 32)),
    may("wechatpay_goods_id", "微信侧商品编码", Kind::Text(1, 32)),
    may("goods_name", "商品名称", Kind::Text(1, 256)),
    must("unit_price", "商品单价", Kind::Integer(0)),
    must("refund_amount", "商品退款金额", Kind::Integer(0)),
    must("refund_quantity", "商品退货数量", Kind::Integer(1)),
];

/// A request that passed every rule which needs no state.
struct Asked {
    out_refund_no: String,
    out_trade_no: Option<String>,
    transaction_id: Option<String>,
    notify_url: Option<String>,
    reason: String,
    fen: i64,
    total_fen: i64,
    params: Map<String, Value>,
}

pub(in super::super) fn request(
    state: &mut State,
    now_ms: i64,
    request: &Request,
) -> Result<Answer, Refusal> {
    let asked = read_refund(parse(&request.body, SHAPE)?)?;
    if let Some(known) = state.wechat.refunds.get(&asked.out_refund_no) {
        return repeat_refund(state, known, &asked);
    }
    let veto = state.veto(Gateway::Wechat, Endpoint::Refund);
    if veto == Some(FaultKind::NotFound) {
        return Err(no_order());
    }
    let order = find_order(state, &asked)?;
    let out_trade_no = order.out_trade_no.clone();
    check_refund(state, now_ms, &out_trade_no, &asked)?;
    if veto == Some(FaultKind::NotEnough) || is_poor(state, &out_trade_no, asked.fen) {
        let message = "基本账户余额不足，请充值后重新发起";
        return Err(Refusal::new(403, "NOT_ENOUGH", message, 268_435_464));
    }
    let refund = accept_refund(state, now_ms, &out_trade_no, asked);
    let shown = refund.show(&state.wechat.orders[&out_trade_no], refund.state);
    state.wechat.refunds.insert(refund.out_refund_no.clone(), refund);
    Ok(Answer::Json(shown))
}

/// Refunds as a person does in WeChat's merchant platform, past the merchant's program, which is not notified.
pub(crate) fn by_hand(
    state: &mut State,
    now_ms: i64,
    out_trade_no: &str,
    fen: Option<i64>,
) -> Result<String, String> {
    let order = state.wechat.orders.get(out_trade_no);
    let order = order
        .filter(|order| order.payment.is_some())
        .ok_or("no payment has this number")?;
    let total_fen = order.total_fen;
    let earlier: Vec<&Refund> = state.wechat.refunds_of(out_trade_no).collect();
    let fen = fen.unwrap_or(total_fen - refunded_fen(&earlier));
    if fen < 1 {
        return Err("nothing is left to refund".to_owned());
    }
    let params = json!({"amount": {"refund": fen, "total": total_fen, "currency": "CNY"}});
    let asked = Asked {
        out_refund_no: format!("HAND{}", state.rng.digits(20)),
        out_trade_no: Some(out_trade_no.to_owned()),
        transaction_id: None,
        notify_url: None,
        reason: "商户平台退款".to_owned(),
        fen,
        total_fen,
        params: params.as_object().cloned().unwrap_or_default(),
    };
    check_refund(state, now_ms, out_trade_no, &asked).map_err(|refusal| refusal.message)?;
    let refund = accept_refund(state, now_ms, out_trade_no, asked);
    let refund_no = refund.out_refund_no.clone();
    state.wechat.refunds.insert(refund_no.clone(), refund);
    Ok(refund_no)
}

/// The rules beyond the shape.
fn read_refund(params: Map<String, Value>) -> Result<Asked, Refusal> {
    let text = |name: &str| params.get(name).and_then(Value::as_str).map(str::to_owned);
    let refuse = |path: &str, message: &str| {
        let value = path
            .split('/')
            .skip(1)
            .try_fold(&Value::Object(params.clone()), |found, name| found.get(name))
            .cloned()
            .unwrap_or_default();
        wrong(path, &value, message.to_owned(), 268_435_461)
    };
    let out_refund_no = text("out_refund_no").expect("the shape requires it");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-|*@".contains(&byte);
    if !out_refund_no.bytes().all(plain) {
        return Err(refuse(
            "/out_refund_no",
            "商户退款单号只能是数字、大小写字母_-|*@",
        ));
    }
    if params["amount"]["currency"] != "CNY" {
        return Err(refuse("/amount/currency", "退款币种只支持CNY"));
    }
    let notify_url = text("notify_url");
    if notify_url.as_deref().is_some_and(|url| !is_notify_url(url)) {
        return Err(refuse(
            "/notify_url",
            "notify_url必须为直接可访问的URL，不允许携带查询串",
        ));
    }
    let amount = |name: &str| params["amount"][name].as_i64().expect("the shape requires it");
    let (fen, total_fen) = (amount("refund"), amount("total"));
    if let Some(from) = params["amount"].get("from").and_then(Value::as_array) {
        let sum: Option<i64> = from
            .iter()
            .filter_map(|part| part["amount"].as_i64())
            .try_fold(0_i64, i64::checked_add);
        if sum != Some(fen) {
            return Err(refuse("/amount/from", "出资金额之和必须等于退款金额"));
        }
    }
    if fen > total_fen {
        return Err(refuse("/amount/refund", "退款金额不能大于原订单金额"));
    }
    let (out_trade_no, transaction_id) = (text("out_trade_no"), text("transaction_id"));
    if out_trade_no.is_none() && transaction_id.is_none() {
        return Err(refuse(
            "/transaction_id",
            "微信支付订单号和商户订单号不能同时为空",
        ));
    }
    Ok(Asked {
        out_refund_no,
        out_trade_no,
        transaction_id,
        notify_url,
        reason: text("reason").unwrap_or_default(),
        fen,
        total_fen,
        params,
    })
}

/// Repeats a number: the same refund in its current state, or a refusal. Never a second refund (T-32).
fn repeat_refund(state: &State, known: &Refund, asked: &Asked) -> Result<Answer, Refusal> {
    if known.params == asked.params {
        let order = &state.wechat.orders[&known.out_trade_no];
        return Ok(Answer::Json(known.show(order, known.state)));
    }
    Err(if known.params["amount"] == asked.params["amount"] {
        invalid_request("请求重入时，参数与首次请求时不一致", 268_498_688)
    } else {
        invalid_request("订单金额或退款金额与之前请求不一致，请核实后再试", 268_498_688)
    })
}

/// The paid order; `transaction_id` counts when both numbers are given, and both must be its own.
fn find_order<'a>(state: &'a State, asked: &Asked) -> Result<&'a Order, Refusal> {
    let orders = &state.wechat.orders;
    let found = match (&asked.transaction_id, &asked.out_trade_no) {
        (Some(id), _) => orders
            .values()
            .find(|order| order.transaction_id() == Some(id.as_str())),
        (None, Some(no)) => orders.get(no).filter(|order| order.payment.is_some()),
        (None, None) => None,
    };
    let order = found.ok_or_else(no_order)?;
    match &asked.out_trade_no {
        Some(no) if *no != order.out_trade_no => {
            Err(invalid_request("微信支付订单号和商户订单号不匹配", 268_435_461))
        }
        _ => Ok(order),
    }
}

fn check_refund(state: &State, now_ms: i64, out_trade_no: &str, asked: &Asked) -> Result<(), Refusal> {
    let order = &state.wechat.orders[out_trade_no];
    let paid_ms = order.payment.as_ref().map_or(now_ms, |payment| payment.paid_ms);
    if asked.total_fen != order.total_fen {
        return Err(invalid_request(
            "订单金额或退款金额与之前请求不一致，请核实后再试",
            268_435_461,
        ));
    }
    if now_ms > paid_ms + WINDOW_MS {
        return Err(invalid_request("订单已超过可退款的最大期限", 268_435_461));
    }
    let earlier: Vec<&Refund> = state.wechat.refunds_of(out_trade_no).collect();
    let refunded_fen = refunded_fen(&earlier);
    if asked.fen > order.total_fen - refunded_fen {
        return Err(invalid_request("申请退款金额超过订单可退金额", 268_435_461));
    }
    if earlier.len() >= MOST_REFUNDS {
        return Err(invalid_request("部分退款次数已达上限50次", 268_435_461));
    }
    let newest_ms = earlier.iter().map(|refund| refund.created_ms).max();
    if newest_ms.is_some_and(|newest_ms| now_ms < newest_ms + SPACING_MS) {
        return Err(Refusal::new(
            429,
            "FREQUENCY_LIMITED",
            "请求频率超过限制",
            268_447_840,
        ));
    }
    Ok(())
}

fn is_poor(state: &State, out_trade_no: &str, fen: i64) -> bool {
    let earlier: Vec<&Refund> = state.wechat.refunds_of(out_trade_no).collect();
    let parts = Parts::of(&state.wechat.orders[out_trade_no], &earlier, fen);
    state.wechat.account.balance_fen < fen - parts.merchant_coupon_fen - parts.fee_fen
}

/// Parts of a refund, in proportion to the order; the last part brings the sums to those of the payment.
struct Parts {
    payer_fen: i64,
    merchant_coupon_fen: i64,
    /// The fee on the remainder of an order falls with it, so partial refunds give back exactly the whole.
    fee_fen: i64,
}

impl Parts {
    fn of(order: &Order, earlier: &[&Refund], fen: i64) -> Parts {
        let sum = |part: fn(&Refund) -> i64| -> i64 {
            let alive = earlier.iter().filter(|refund| refund.is_alive());
            alive.map(|refund| part(refund)).sum()
        };
        let so_far_fen = sum(|refund| refund.fen) + fen;
        let part = |whole_fen: i64| part_of(whole_fen, so_far_fen, order.total_fen);
        let settled_before_fen = sum(Refund::settled_fen);
        let settled_fen = part(order.settled_fen());
        let rate = order.payment.as_ref().map_or(0, |payment| payment.rate);
        Parts {
            payer_fen: part(order.payer_total_fen()) - sum(|refund| refund.payer_fen),
            merchant_coupon_fen: fen - (settled_fen - settled_before_fen),
            fee_fen: fee_of(settled_fen, rate) - fee_of(settled_before_fen, rate),
        }
    }
}

fn refunded_fen(earlier: &[&Refund]) -> i64 {
    let alive = earlier.iter().filter(|refund| refund.is_alive());
    alive.map(|refund| refund.fen).sum()
}

fn accept_refund(state: &mut State, now_ms: i64, out_trade_no: &str, asked: Asked) -> Refund {
    let fate = choose_outcome(state);
    let State { wechat, rng, .. } = state;
    let earlier: Vec<&Refund> = wechat.refunds_of(out_trade_no).collect();
    let parts = Parts::of(&wechat.orders[out_trade_no], &earlier, asked.fen);
    let order = wechat.orders.get_mut(out_trade_no).expect("the order was found");
    order.refunded = true;
    let refund = Refund {
        refund_id: format!("5030{}{}", &compact(now_ms)[..8], rng.digits(16)),
        out_trade_no: out_trade_no.to_owned(),
        transaction_id: order.transaction_id().unwrap_or_default().to_owned(),
        fen: asked.fen,
        payer_fen: parts.payer_fen,
        merchant_coupon_fen: parts.merchant_coupon_fen,
        fee_fen: parts.fee_fen,
        created_ms: now_ms,
        state: RefundState::Processing,
        fate,
        ends_ms: Some(now_ms + wechat.refund_delay_ms),
        ended_ms: None,
        notify_url: asked.notify_url,
        receiver: "支付用户零钱".into(),
        channel: "ORIGINAL".into(),
        out_refund_no: asked.out_refund_no,
        params: asked.params,
    };
    let movement = Movement {
        business: REFUND,
        business_no: &refund.refund_id,
        voucher_no: &refund.out_refund_no,
        fen: refund.fee_fen - refund.settled_fen(),
        remark: refund_remark(refund.settled_fen(), refund.fee_fen, &asked.reason),
    };
    wechat.account.enter(rng, now_ms, movement);
    refund
}

/// Decides the end of a refund at once, invisible until it happens.
fn choose_outcome(state: &mut State) -> RefundOutcome {
    let State { faults, rng, .. } = state;
    let bad = faults.strike(rng, Gateway::Wechat, Endpoint::Refund, |kind| match kind {
        FaultKind::RefundAbnormal => Some(RefundOutcome::Abnormal),
        FaultKind::RefundClosed => Some(RefundOutcome::Closed),
        _ => None,
    });
    bad.unwrap_or(RefundOutcome::Success)
}

/// An unpaid order is refused like a missing one.
fn no_order() -> Refusal {
    Refusal::new(404, "RESOURCE_NOT_EXISTS", "订单不存在", 268_512_771)
}

fn invalid_request(message: &str, internal_code: u32) -> Refusal {
    Refusal::new(400, "INVALID_REQUEST", message, internal_code)
}
