//! Settings of a merchant's accounts at the gateways.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::{Outcome, read_body};
use crate::books::RefundOutcome;
use crate::dispatcher::Dispatcher;
use crate::settings::Products;
use crate::state::State;
use crate::time::DAY_MS;
use crate::wechat;
use crate::wire::Request;

/// A tenth.
const HIGHEST_RATE: i64 = 1_000;
const LONGEST_REFUND_MS: i64 = 30 * DAY_MS;

pub(super) fn show(dispatcher: &Dispatcher) -> Value {
    let state = dispatcher.state();
    json!({
        "wechatBalanceFen": state.wechat.account.balance_fen,
        "wechatRefundMs": state.wechat.refund_delay_ms,
        "wechatFeeRate": state.wechat.account.rate,
        "alipayBalanceFen": state.alipay.funds.balance_fen,
        "alipayRefundMs": state.alipay.funds.refund_takes_ms,
        "alipayFeeRate": state.alipay.funds.rate,
        "alipayReturnsFees": state.alipay.funds.returns_fees,
        "wechatProducts": state.products.wechat,
        "alipayProducts": state.products.alipay,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    wechat_balance_fen: Option<i64>,
    wechat_refund_ms: Option<i64>,
    wechat_fee_rate: Option<i64>,
    #[serde(default, deserialize_with = "given_or_null")]
    alipay_balance_fen: Option<Option<i64>>,
    alipay_refund_ms: Option<i64>,
    alipay_fee_rate: Option<i64>,
    alipay_returns_fees: Option<bool>,
    wechat_products: Option<BTreeSet<String>>,
    alipay_products: Option<BTreeSet<String>>,
}

/// Distinguishes null, which means an unlimited balance, from a missing member.
fn given_or_null<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<i64>>, D::Error> {
    Option::deserialize(value).map(Some)
}

pub(super) fn set(dispatcher: &Dispatcher, request: &Request) -> Outcome {
    let change: Change = read_body(request)?;
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
    let rates = [change.wechat_fee_rate, change.alipay_fee_rate];
    if rates
        .iter()
        .flatten()
        .any(|rate| !(0..=HIGHEST_RATE).contains(rate))
    {
        return Err(format!(
            "a rate is in hundredths of a percent, 0 to {HIGHEST_RATE}"
        ));
    }
    for (named, known) in [
        (&change.wechat_products, &Products::WECHAT[..]),
        (&change.alipay_products, &Products::ALIPAY[..]),
    ] {
        let is_unknown = |name: &&String| !known.contains(&name.as_str());
        if let Some(name) = named.iter().flatten().find(is_unknown) {
            return Err(format!("{name} is none of {}", known.join(", ")));
        }
    }
    dispatcher.act(|state, now_ms| apply_change(state, now_ms, &change));
    Ok(show(dispatcher))
}

fn apply_change(state: &mut State, now_ms: i64, change: &Change) {
    let State {
        wechat, alipay, rng, ..
    } = state;
    if let Some(fen) = change.wechat_balance_fen {
        wechat.account.set_balance(rng, now_ms, fen);
    }
    if let Some(ms) = change.wechat_refund_ms {
        wechat.refund_delay_ms = ms;
    }
    if let Some(rate) = change.wechat_fee_rate {
        wechat.account.rate = rate;
    }
    let funds = &mut alipay.funds;
    funds.rate = change.alipay_fee_rate.unwrap_or(funds.rate);
    funds.returns_fees = change.alipay_returns_fees.unwrap_or(funds.returns_fees);
    if let Some(fen) = change.alipay_balance_fen {
        funds.balance_fen = fen;
    }
    if let Some(ms) = change.alipay_refund_ms {
        funds.refund_takes_ms = ms;
    }
    if let Some(signed) = &change.wechat_products {
        state.products.wechat.clone_from(signed);
    }
    if let Some(signed) = &change.alipay_products {
        state.products.alipay.clone_from(signed);
    }
}

pub(super) fn settle_refund(dispatcher: &Dispatcher, request: &Request) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Settle {
        refund_no: Option<String>,
        outcome: RefundOutcome,
    }
    let Settle { refund_no, outcome } = read_body(request)?;
    dispatcher.act(|state, now_ms| {
        state.lapse(now_ms);
        let refund_no = match refund_no {
            Some(refund_no) => refund_no,
            None => newest_open(state).ok_or("no refund of WeChat Pay is under way")?,
        };
        wechat::settle_refund(state, now_ms, &refund_no, outcome)?;
        let refunds = state.books().refunds;
        let refund = refunds.into_iter().find(|refund| refund.refund_no == refund_no);
        serde_json::to_value(refund).map_err(|error| error.to_string())
    })
}

/// Refunds in the gateway's own merchant platform, past the merchant's program.
pub(super) async fn refund_by_hand(dispatcher: &Arc<Dispatcher>, request: &Request) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct ByHand {
        out_trade_no: String,
        fen: Option<i64>,
    }
    let ByHand { out_trade_no, fen } = read_body(request)?;
    let shown = dispatcher.act(|state, now_ms| {
        let refund_no = state.refund_by_hand(now_ms, &out_trade_no, fen)?;
        let refund = state.books().refund(&refund_no).cloned();
        serde_json::to_value(refund).map_err(|error| error.to_string())
    })?;
    dispatcher.settle(dispatcher.watch.now_ms()).await;
    Ok(shown)
}

/// Newest refund that is under way, or abnormal and waiting for a person.
fn newest_open(state: &State) -> Option<String> {
    let refunds = state.wechat.refunds.values();
    let open = refunds.filter(|refund| matches!(refund.state.word(), "PROCESSING" | "ABNORMAL"));
    open.max_by_key(|refund| refund.created_ms)
        .map(|refund| refund.out_refund_no.clone())
}
