//! What happens to a merchant's money at the gateways besides payments.

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Outcome, read};
use crate::books::RefundOutcome;
use crate::courier::Courier;
use crate::time::DAY_MS;
use crate::wechat;
use crate::wire::Request;
use crate::world::World;

const LONGEST_REFUND_MS: i64 = 30 * DAY_MS;

pub(super) fn show(courier: &Courier) -> Value {
    let world = courier.world();
    json!({
        "wechatBalanceFen": world.wechat.account.balance_fen,
        "wechatRefundMs": world.wechat.refund_delay_ms,
        "alipayBalanceFen": world.alipay.till.balance_fen,
        "alipayRefundMs": world.alipay.till.refund_takes_ms,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    wechat_balance_fen: Option<i64>,
    wechat_refund_ms: Option<i64>,
    #[serde(default, deserialize_with = "given")]
    alipay_balance_fen: Option<Option<i64>>,
    alipay_refund_ms: Option<i64>,
}

/// Tells null, which means a balance without end, from a member that is not there.
fn given<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<i64>>, D::Error> {
    Option::deserialize(value).map(Some)
}

pub(super) fn set(courier: &Courier, request: &Request) -> Outcome {
    let change: Change = read(request)?;
    let balances = [change.wechat_balance_fen, change.alipay_balance_fen.flatten()];
    if balances.iter().flatten().any(|fen| *fen < 0) {
        return Err("a balance is not negative".to_owned());
    }
    let durations = [change.wechat_refund_ms, change.alipay_refund_ms];
    if durations
        .iter()
        .flatten()
        .any(|ms| !(0..=LONGEST_REFUND_MS).contains(ms))
    {
        return Err(format!("a refund takes 0 to {LONGEST_REFUND_MS} ms"));
    }
    courier.act(|world, now_ms| apply(world, now_ms, &change));
    Ok(show(courier))
}

fn apply(world: &mut World, now_ms: i64, change: &Change) {
    let World {
        wechat, alipay, dice, ..
    } = world;
    if let Some(fen) = change.wechat_balance_fen {
        wechat.account.set_balance(dice, now_ms, fen);
    }
    if let Some(ms) = change.wechat_refund_ms {
        wechat.refund_delay_ms = ms;
    }
    if let Some(fen) = change.alipay_balance_fen {
        alipay.till.balance_fen = fen;
    }
    if let Some(ms) = change.alipay_refund_ms {
        alipay.till.refund_takes_ms = ms;
    }
}

pub(super) fn settle_refund(courier: &Courier, request: &Request) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Settle {
        refund_no: Option<String>,
        outcome: RefundOutcome,
    }
    let Settle { refund_no, outcome } = read(request)?;
    courier.act(|world, now_ms| {
        world.lapse(now_ms);
        let refund_no = match refund_no {
            Some(refund_no) => refund_no,
            None => newest_open(world).ok_or("no refund of WeChat Pay is under way")?,
        };
        wechat::settle_refund(world, now_ms, &refund_no, outcome)?;
        let refunds = world.books().refunds;
        let refund = refunds.into_iter().find(|refund| refund.refund_no == refund_no);
        serde_json::to_value(refund).map_err(|error| error.to_string())
    })
}

/// Under way, or abnormal and waiting for somebody to act.
fn newest_open(world: &World) -> Option<String> {
    let refunds = world.wechat.refunds.values();
    let open = refunds.filter(|refund| matches!(refund.state.word(), "PROCESSING" | "ABNORMAL"));
    open.max_by_key(|refund| refund.created_ms)
        .map(|refund| refund.out_refund_no.clone())
}
