//! `alipay.trade.close`: only a scanned and unpaid trade can be closed.

use serde_json::{Map, Value};

use super::bill::{Status, announce};
use super::node::{Node, Refusal};
use super::query::Wanted;
use crate::world::World;

pub(super) fn close(world: &mut World, now_ms: i64, biz: &Map<String, Value>) -> Result<Node, Refusal> {
    let wanted = Wanted::read(biz)?;
    let found = wanted
        .bill_in(&world.alipay.bills)
        .map(|bill| bill.out_trade_no.clone());
    let out_trade_no = found.ok_or_else(|| wanted.not_exist())?;
    let bill = world.alipay.bills.get_mut(&out_trade_no);
    let trade = bill
        .and_then(|bill| bill.trade.as_mut())
        .ok_or_else(|| wanted.not_exist())?;
    match trade.status {
        Status::WaitBuyerPay => {}
        Status::Success | Status::Finished => {
            return Err(Refusal::business("ACQ.TRADE_STATUS_ERROR", "交易状态不合法"));
        }
        Status::Closed => {
            return Err(Refusal::business(
                "ACQ.REASON_TRADE_STATUS_INVALID",
                "交易状态异常",
            ));
        }
    }
    trade.status = Status::Closed;
    trade.closed_ms = Some(now_ms);
    let node = Node::success()
        .with("out_trade_no", out_trade_no.clone())
        .with("trade_no", trade.trade_no.clone());
    announce(world, now_ms, &out_trade_no);
    Ok(node)
}
