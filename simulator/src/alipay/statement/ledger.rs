//! The lines of Alipay's bills, in yuan, from its own books.

use std::collections::BTreeMap;

use super::super::bill::{Bill, Trade};
use super::super::refund::Refund;
use crate::keys::SELLER_ID;
use crate::time::{beijing_text, compact};
use crate::wire::yuan;

const TRADE_HEADER: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";
const TRADE_TOTALS_HEADER: &str = "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）";
const MOVEMENT_HEADER: &str = "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注";
const MOVEMENT_TOTALS_HEADER: &str = "序号,账务类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）";
/// 0.60 %, in hundredths of a percent; it is not given back with a refund.
const RATE: i64 = 60;
/// Opening balance, so that no balance is negative.
const OPENING_FEN: i64 = 100_000_000;

pub(super) struct Period {
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
    pub(super) made_ms: i64,
}

/// A payment, or a refund of one.
pub(super) struct Entry<'a> {
    at_ms: i64,
    bill: &'a Bill,
    trade: &'a Trade,
    refund: Option<&'a Refund>,
}

impl Entry<'_> {
    /// Amount for the merchant; negative for a refund.
    fn fen(&self) -> i64 {
        self.refund.map_or(self.bill.total_fen, |refund| -refund.fen)
    }

    fn fee_fen(&self) -> i64 {
        match self.refund {
            Some(_) => 0,
            None => -((self.bill.total_fen * RATE + 5_000) / 10_000),
        }
    }

    fn coupon_fen(&self) -> i64 {
        match self.refund {
            Some(_) => 0,
            None => self.trade.coupon_fen,
        }
    }
}

/// Returns all movements of this period, in their order.
pub(super) fn entries(bills: &BTreeMap<String, Bill>, from_ms: i64, until_ms: i64) -> Vec<Entry<'_>> {
    let trades = bills
        .values()
        .filter_map(|bill| Some((bill, bill.trade.as_ref()?)));
    let all = trades.flat_map(|(bill, trade)| {
        let payment = trade.paid_ms.map(|at_ms| (at_ms, None));
        let refunds = trade.refunds.iter();
        let refunds = refunds.filter_map(|refund| Some((refund.done_ms?, Some(refund))));
        payment
            .into_iter()
            .chain(refunds)
            .map(move |(at_ms, refund)| Entry {
                at_ms,
                bill,
                trade,
                refund,
            })
    });
    let mut entries: Vec<Entry<'_>> = all
        .filter(|entry| (from_ms..until_ms).contains(&entry.at_ms))
        .collect();
    entries.sort_by_key(|entry| entry.at_ms);
    entries
}

pub(super) fn trades(entries: &[Entry<'_>], period: &Period) -> String {
    let lines = entries.iter().map(trade_line).collect();
    let sum = |is_refund: bool| {
        let of_kind = entries.iter().filter(|entry| entry.refund.is_some() == is_refund);
        let (n_lines, fen) = of_kind.fold((0, 0), |(n_lines, fen), entry| (n_lines + 1, fen + entry.fen()));
        (n_lines, signed_yuan(fen))
    };
    let ((n_paid, paid), (n_refunds, refunded)) = (sum(false), sum(true));
    let tail = [
        format!("#交易合计：{n_paid}笔，商家实收共{paid}元，商家优惠共0.00元"),
        format!("#退款合计：{n_refunds}笔，商家实收退款共{refunded}元，商家优惠退款共0.00元"),
    ];
    table("业务明细", TRADE_HEADER, lines, &tail, period)
}

fn trade_line(entry: &Entry<'_>) -> String {
    let Entry {
        at_ms,
        bill,
        trade,
        refund,
    } = entry;
    let zero = "0.00".to_owned();
    let coupon = yuan(entry.coupon_fen());
    line(&[
        tabbed(&trade.trade_no),
        tabbed(&bill.out_trade_no),
        if refund.is_some() { "退款" } else { "交易" }.to_owned(),
        bill.subject.clone(),
        beijing_text(trade.created_ms),
        beijing_text(*at_ms),
        bill.store_id.clone().unwrap_or_default(),
        String::new(),
        String::new(),
        bill.terminal_id.clone().unwrap_or_default(),
        trade.buyer_logon_id(),
        signed_yuan(entry.fen()),
        signed_yuan(entry.fen()),
        coupon.clone(),
        zero.clone(),
        coupon,
        zero.clone(),
        zero.clone(),
        String::new(),
        zero.clone(),
        zero.clone(),
        refund.map_or(String::new(), |refund| tabbed(&refund.request_no)),
        signed_yuan(entry.fee_fen()),
        zero,
        String::new(),
    ])
}

pub(super) fn trade_totals(entries: &[Entry<'_>], period: &Period) -> String {
    let n_refunds = entries.iter().filter(|entry| entry.refund.is_some()).count();
    let sum = |fen: fn(&Entry<'_>) -> i64| entries.iter().map(fen).sum::<i64>();
    let (fen, fee_fen) = (sum(|entry| entry.fen()), sum(|entry| entry.fee_fen()));
    let total = line(&[
        "合计".to_owned(),
        String::new(),
        (entries.len() - n_refunds).to_string(),
        n_refunds.to_string(),
        signed_yuan(fen),
        signed_yuan(fen),
        yuan(sum(|entry| entry.coupon_fen())),
        "0.00".to_owned(),
        "0.00".to_owned(),
        signed_yuan(fee_fen),
        "0.00".to_owned(),
        signed_yuan(fen + fee_fen),
    ]);
    table("业务汇总", TRADE_TOTALS_HEADER, vec![total], &[], period)
}

pub(super) fn movements(entries: &[Entry<'_>], period: &Period) -> String {
    let mut balance_fen = OPENING_FEN;
    let mut lines = Vec::new();
    for entry in entries {
        let kind = if entry.refund.is_some() {
            "交易退款"
        } else {
            "在线支付"
        };
        for (fen, kind) in [(entry.fen(), kind), (entry.fee_fen(), "收费")] {
            if fen == 0 {
                continue;
            }
            balance_fen += fen;
            let number = format!("{}{:04}", compact(entry.at_ms), lines.len() + 1);
            lines.push(movement_line(entry, &number, fen, balance_fen, kind));
        }
    }
    table("账务明细", MOVEMENT_HEADER, lines, &[], period)
}

fn movement_line(entry: &Entry<'_>, number: &str, fen: i64, balance_fen: i64, kind: &str) -> String {
    let (income, expense) = if fen > 0 {
        (signed_yuan(fen), String::new())
    } else {
        (String::new(), signed_yuan(fen))
    };
    let remark = entry.refund.map_or("", |refund| &refund.request_no);
    line(&[
        tabbed(number),
        tabbed(&entry.trade.trade_no),
        tabbed(&entry.bill.out_trade_no),
        entry.bill.subject.clone(),
        beijing_text(entry.at_ms),
        entry.trade.buyer_logon_id(),
        income,
        expense,
        signed_yuan(balance_fen),
        "支付宝".to_owned(),
        kind.to_owned(),
        remark.to_owned(),
    ])
}

pub(super) fn movement_totals(entries: &[Entry<'_>], period: &Period) -> String {
    let moves: Vec<i64> = entries
        .iter()
        .flat_map(|entry| [entry.fen(), entry.fee_fen()])
        .collect();
    let incomes = moves.iter().filter(|fen| **fen > 0);
    let expenses = moves.iter().filter(|fen| **fen < 0);
    let total = line(&[
        "1".to_owned(),
        "合计".to_owned(),
        incomes.clone().count().to_string(),
        signed_yuan(incomes.sum()),
        expenses.clone().count().to_string(),
        signed_yuan(expenses.sum()),
    ]);
    table("账务汇总", MOVEMENT_TOTALS_HEADER, vec![total], &[], period)
}

fn table(name: &str, header: &str, lines: Vec<String>, tail: &[String], period: &Period) -> String {
    let day = |ms: i64| {
        let text = beijing_text(ms);
        let (date, time) = text.split_once(' ').unwrap_or((&text, ""));
        format!("{}年{}月{}日 {time}", &date[..4], &date[5..7], &date[8..10])
    };
    let rule = "-".repeat(40);
    let head = [
        format!("#支付宝{name}查询"),
        format!("#账号：[{SELLER_ID}0156]"),
        format!(
            "#起始日期：[{}]   终止日期：[{}]",
            day(period.from_ms),
            day(period.until_ms)
        ),
        format!("#{rule}{name}列表{rule}"),
        header.to_owned(),
    ];
    let end = format!("#{rule}{name}列表结束{rule}");
    let made = format!("#导出时间：[{}]", day(period.made_ms));
    let all: Vec<String> = head
        .into_iter()
        .chain(lines)
        .chain([end])
        .chain(tail.iter().cloned())
        .chain([made])
        .collect();
    all.join("\r\n") + "\r\n"
}

/// A number that a spreadsheet would round ends with a tab.
fn tabbed(number: &str) -> String {
    format!("{number}\t")
}

fn line(cells: &[String]) -> String {
    let quoted = cells.iter().map(|cell| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    });
    quoted.collect::<Vec<_>>().join(",")
}

fn signed_yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    format!("{sign}{}", yuan(fen.abs()))
}
