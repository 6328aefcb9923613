//! `POST /v3/pay/transactions/out-trade-no/{no}/close`.

use super::shape::{Field, Kind, must, parse, wrong};
use super::{Answer, Refusal};
use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind};
use crate::keys::MCH_ID;
use crate::state::State;
use crate::wire::Request;

const SHAPE: &[Field] = &[must("mchid", "商户号", Kind::Text(1, 32))];

/// Closes an order. Closing twice, and as observed an unknown order, also answers 204, which proves nothing.
pub(super) fn close(state: &mut State, request: &Request, out_trade_no: &str) -> Result<Answer, Refusal> {
    let params = parse(&request.body, SHAPE)?;
    if params["mchid"] != MCH_ID {
        let message = "http header中的mchid与post payload中的mchid不匹配".to_owned();
        return Err(wrong("/mchid", &params["mchid"], message, 268_435_461));
    }
    match state.veto(Gateway::Wechat, Endpoint::Close) {
        Some(FaultKind::UserPaying) => {
            let message = "用户支付中，需要输入密码";
            return Err(Refusal::new(202, "USER_PAYING", message, 268_435_461));
        }
        Some(_) => return Err(Refusal::new(404, "ORDER_NOT_EXIST", "订单不存在", 268_512_771)),
        None => {}
    }
    match state.wechat.orders.get_mut(out_trade_no) {
        Some(order) if order.payment.is_some() => {
            Err(Refusal::new(400, "ORDERPAID", "该订单已支付", 268_449_538))
        }
        Some(order) => {
            order.closed = true;
            Ok(Answer::NoContent)
        }
        None => Ok(Answer::NoContent),
    }
}
