//! `POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund`: a refund that the payer's account
//! did not take goes to another one.

use serde_json::Value;

use super::super::shape::{Field, Kind, may, must, parse, wrong};
use super::super::{Answer, Refusal};
use super::RefundState;
use crate::books::RefundOutcome;
use crate::state::State;
use crate::wire::Request;

const SHAPE: &[Field] = &[
    must("out_refund_no", "商户退款单号", Kind::Text(1, 64)),
    must(
        "type",
        "异常退款处理方式",
        Kind::Word(&["USER_BANK_CARD", "MERCHANT_BANK_CARD"]),
    ),
    may("bank_type", "开户银行", Kind::Text(1, 16)),
    may("bank_account", "收款银行卡号", Kind::Text(1, 1_024)),
    may("real_name", "收款用户姓名", Kind::Text(1, 1_024)),
];

pub(in super::super) fn apply(
    state: &mut State,
    now_ms: i64,
    request: &Request,
    refund_id: &str,
) -> Result<Answer, Refusal> {
    let params = parse(&request.body, SHAPE)?;
    let receiver = if params["type"] == "USER_BANK_CARD" {
        for name in ["bank_type", "bank_account", "real_name"] {
            if !params.contains_key(name) {
                let message = "退款至用户银行卡时，此字段为必填项".to_owned();
                return Err(wrong(&format!("/{name}"), &Value::Null, message, 268_435_461));
            }
        }
        for name in ["bank_account", "real_name"] {
            check_encrypted(state, request, name, &params[name])?;
        }
        "用户银行卡"
    } else {
        "商户结算银行账户"
    };
    let delay_ms = state.wechat.refund_delay_ms;
    let wechat = &mut state.wechat;
    let refund = wechat
        .refunds
        .values_mut()
        .find(|refund| refund.refund_id == refund_id && params["out_refund_no"] == *refund.out_refund_no)
        .ok_or_else(|| Refusal::new(404, "RESOURCE_NOT_EXISTS", "退款单不存在", 268_512_771))?;
    if refund.state != RefundState::Abnormal {
        let message = "退款单状态不是退款异常，无法发起异常退款";
        return Err(Refusal::new(400, "INVALID_REQUEST", message, 268_435_461));
    }
    refund.state = RefundState::Processing;
    refund.fate = RefundOutcome::Success;
    refund.ended_ms = None;
    refund.ends_ms = Some(now_ms + delay_ms);
    refund.receiver = receiver.into();
    refund.channel = "OTHER_BANKCARD".into();
    let shown = refund.show(&wechat.orders[&refund.out_trade_no], RefundState::Processing);
    Ok(Answer::Json(shown))
}

/// Requires encryption under the key that `Wechatpay-Serial` names: clear text could be read on the way.
fn check_encrypted(state: &State, request: &Request, name: &str, value: &Value) -> Result<(), Refusal> {
    let Some(serial) = request.header("wechatpay-serial") else {
        let message = "请求中含有敏感信息加密字段，Http头缺少Wechatpay-Serial";
        return Err(Refusal::new(400, "PARAM_ERROR", message, 268_435_461));
    };
    let text = value.as_str().unwrap_or_default();
    match state.keys.decrypt_for_wechat(serial, text) {
        Some(plain) if !plain.is_empty() => Ok(()),
        _ => Err(wrong(
            &format!("/{name}"),
            value,
            "敏感信息解密失败".to_owned(),
            268_435_461,
        )),
    }
}
