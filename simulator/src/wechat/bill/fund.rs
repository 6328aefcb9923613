//! WeChat's fund-flow statement: every movement of the merchant's account with the balance after it.

use std::collections::BTreeMap;

use super::super::account::{CLOSED_REFUND, FEE, Flow, PAYMENT, REFUND, refund_remark};
use super::Wechat;
use super::trade::ticked;
use crate::statement::{Entry, Period, RefundWord};
use crate::time::{beijing_text, compact};
use crate::wire::signed_yuan;

/// Returns the movements of a period. With planted differences those of payments and refunds are written anew from the
/// entries, and the balances after them.
pub(super) fn flows(wechat: &Wechat, period: &Period, entries: &[Entry], has_plants: bool) -> Vec<Flow> {
    let of_period = wechat.account.flows.iter().filter(|flow| period.has(flow.at_ms));
    let known: Vec<&Flow> = of_period.collect();
    if !has_plants {
        return known.into_iter().cloned().collect();
    }
    let opening_fen = known.first().map_or(wechat.account.balance_fen, |flow| {
        flow.balance_fen - flow.moved_fen()
    });
    let is_of_entry = |flow: &Flow| [PAYMENT, FEE, REFUND].contains(&flow.business.as_ref());
    let is_undone = |flow: &Flow| {
        let succeeds = |entry: &Entry| {
            let refund = entry.refund.as_ref();
            refund.is_some_and(|refund| {
                refund.gateway_no == flow.business_no && refund.state == RefundWord::Success
            })
        };
        flow.business == CLOSED_REFUND && entries.iter().any(succeeds)
    };
    let others = known
        .iter()
        .filter(|flow| !is_of_entry(flow) && !is_undone(flow))
        .map(|flow| (*flow).clone());
    let by_number = known
        .iter()
        .map(|flow| ((flow.business.as_ref(), flow.business_no.as_str()), *flow))
        .collect();
    let mut flows: Vec<Flow> = entries
        .iter()
        .flat_map(|entry| flows_of_entry(entry, &by_number))
        .chain(others)
        .collect();
    flows.sort_by_key(|flow| flow.at_ms);
    let mut balance_fen = opening_fen;
    for flow in &mut flows {
        balance_fen += flow.moved_fen();
        flow.balance_fen = balance_fen;
    }
    flows
}

/// Movements by their business and its number.
type Known<'a> = BTreeMap<(&'a str, &'a str), &'a Flow>;

/// The movements that a payment or a refund makes, under their numbers where they are known.
fn flows_of_entry(entry: &Entry, known: &Known<'_>) -> Vec<Flow> {
    let settled_fen = entry.settled_fen();
    let Some(refund) = &entry.refund else {
        return vec![
            fund_flow(entry, known, PAYMENT, settled_fen),
            fund_flow(entry, known, FEE, -entry.fee_fen),
        ]
        .into_iter()
        .filter(|flow| flow.fen != 0)
        .collect();
    };
    let net_fen = settled_fen - entry.fee_fen;
    let mut flows = vec![fund_flow(entry, known, REFUND, -net_fen)];
    let has_return = known.contains_key(&(CLOSED_REFUND, refund.gateway_no.as_str()));
    if refund.state == RefundWord::Fail && !has_return {
        flows.push(fund_flow(entry, known, CLOSED_REFUND, net_fen));
    }
    flows
}

fn fund_flow(entry: &Entry, known: &Known<'_>, business: &'static str, fen: i64) -> Flow {
    let (business_no, voucher_no) = match &entry.refund {
        Some(refund) => (&refund.gateway_no, &refund.refund_no),
        None => (&entry.gateway_no, &entry.out_trade_no),
    };
    let same = known.get(&(business, business_no.as_str()));
    let flow_no = match same {
        Some(flow) => flow.flow_no.clone(),
        // The tail of the trade's own number keeps it unique.
        None => {
            let tail: String = business_no.chars().rev().take(14).collect();
            let kind = if business == PAYMENT { '8' } else { '9' };
            format!("1900000109{}{kind}{tail}", &compact(entry.at_ms)[..8])
        }
    };
    let remark = match (same, business) {
        (_, REFUND) => refund_remark(entry.settled_fen(), entry.fee_fen, ""),
        (Some(flow), _) => flow.remark.clone(),
        (None, _) => String::new(),
    };
    Flow {
        at_ms: entry.at_ms,
        business_no: business_no.clone(),
        flow_no,
        business: business.into(),
        is_income: fen > 0,
        fen: fen.abs(),
        balance_fen: 0,
        remark,
        voucher_no: voucher_no.clone(),
    }
}

pub(super) fn write(flows: &[Flow]) -> String {
    let mut lines = vec![
        "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,备注,业务凭证号"
            .to_owned(),
    ];
    lines.extend(flows.iter().map(|flow| {
        ticked(&[
            beijing_text(flow.at_ms),
            flow.business_no.clone(),
            flow.flow_no.clone(),
            flow.business.to_string(),
            flow.business.to_string(),
            if flow.is_income { "收入" } else { "支出" }.to_owned(),
            signed_yuan(flow.fen),
            signed_yuan(flow.balance_fen),
            "system".to_owned(),
            flow.remark.clone(),
            flow.voucher_no.clone(),
        ])
    }));
    let sum = |is_income: bool| {
        let of = || flows.iter().filter(move |flow| flow.is_income == is_income);
        (of().count(), of().map(|flow| flow.fen).sum::<i64>())
    };
    let ((n_in, in_fen), (n_out, out_fen)) = (sum(true), sum(false));
    lines.push("资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额".to_owned());
    lines.push(ticked(&[
        // Counts are written like this (docs/gateway-facts.md 1.6.6).
        format!("{}.0", flows.len()),
        format!("{n_in}.0"),
        signed_yuan(in_fen),
        format!("{n_out}.0"),
        signed_yuan(out_fen),
    ]));
    lines.join("\r\n") + "\r\n"
}
