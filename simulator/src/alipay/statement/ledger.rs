//! The tables of Alipay's bills, in yuan. No cell is quoted: whatever would end a cell or a line is replaced.

use crate::keys::SELLER_ID;
use crate::statement::{Entry, Period};
use crate::time::{beijing_text, compact};
use crate::wire::signed_yuan;

const TRADE_HEADER: &str = "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注";
const TRADE_TOTALS_HEADER: &str = "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）";
const MOVEMENT_HEADER: &str = "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注";
const MOVEMENT_TOTALS_HEADER: &str = "序号,账务类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）";

/// Amounts as the table lists them: negative for a refund, and a fee is negative for a payment.
fn signed_fen(entry: &Entry, fen: i64) -> i64 {
    if entry.is_refund() { -fen } else { fen }
}

/// Movement of the account without the fee.
fn settled_fen(entry: &Entry) -> i64 {
    signed_fen(entry, entry.settled_fen())
}

fn fee_fen(entry: &Entry) -> i64 {
    -signed_fen(entry, entry.fee_fen)
}

/// Change of the account by these entries.
pub(super) fn moved_fen(entries: &[Entry]) -> i64 {
    entries
        .iter()
        .map(|entry| settled_fen(entry) + fee_fen(entry))
        .sum()
}

fn sum_of(entries: &[Entry], fen: impl Fn(&Entry) -> i64) -> i64 {
    entries.iter().map(fen).sum()
}

pub(super) fn trades(entries: &[Entry], period: &Period) -> String {
    let lines = entries.iter().map(trade_line).collect();
    let of_kind = |is_refund: bool| -> Vec<Entry> {
        let of_kind = entries.iter().filter(|entry| entry.is_refund() == is_refund);
        of_kind.cloned().collect()
    };
    let (paid, refunded) = (of_kind(false), of_kind(true));
    let discount = |entry: &Entry| signed_fen(entry, entry.merchant_coupon_fen);
    let tail = [
        format!(
            "#交易合计：{}笔，商家实收共{}元，商家优惠共{}元",
            paid.len(),
            signed_yuan(sum_of(&paid, settled_fen)),
            signed_yuan(sum_of(&paid, discount))
        ),
        format!(
            "#退款合计：{}笔，商家实收退款共{}元，商家优惠退款共{}元",
            refunded.len(),
            signed_yuan(sum_of(&refunded, settled_fen)),
            signed_yuan(sum_of(&refunded, discount))
        ),
    ];
    table_text("业务明细", TRADE_HEADER, lines, &tail, period)
}

fn trade_line(entry: &Entry) -> String {
    let zero = "0.00".to_owned();
    let yuan = |fen: i64| signed_yuan(signed_fen(entry, fen));
    table_line(&[
        tabbed_number(&entry.gateway_no),
        tabbed_number(&entry.out_trade_no),
        if entry.is_refund() { "退款" } else { "交易" }.to_owned(),
        plain_text(&entry.title),
        beijing_text(entry.created_ms),
        beijing_text(entry.at_ms),
        plain_text(&entry.store),
        String::new(),
        String::new(),
        plain_text(&entry.device),
        entry.payer.clone(),
        yuan(entry.fen),
        yuan(entry.settled_fen()),
        zero.clone(),
        zero.clone(),
        yuan(entry.coupon_fen),
        yuan(entry.merchant_coupon_fen),
        zero.clone(),
        String::new(),
        zero.clone(),
        zero.clone(),
        refund_no(entry).map_or(String::new(), tabbed_number),
        signed_yuan(fee_fen(entry)),
        zero,
        String::new(),
    ])
}

fn refund_no(entry: &Entry) -> Option<&str> {
    entry.refund.as_ref().map(|refund| refund.refund_no.as_str())
}

pub(super) fn trade_totals(entries: &[Entry], period: &Period) -> String {
    let n_refunds = entries.iter().filter(|entry| entry.is_refund()).count();
    let sum = |fen: fn(&Entry) -> i64| sum_of(entries, fen);
    let (settled, fees) = (sum(settled_fen), sum(fee_fen));
    let total = table_line(&[
        "合计".to_owned(),
        String::new(),
        (entries.len() - n_refunds).to_string(),
        n_refunds.to_string(),
        signed_yuan(sum(|entry| signed_fen(entry, entry.fen))),
        signed_yuan(settled),
        signed_yuan(sum(|entry| signed_fen(entry, entry.coupon_fen))),
        signed_yuan(sum(|entry| signed_fen(entry, entry.merchant_coupon_fen))),
        "0.00".to_owned(),
        signed_yuan(fees),
        "0.00".to_owned(),
        signed_yuan(settled + fees),
    ]);
    table_text("业务汇总", TRADE_TOTALS_HEADER, vec![total], &[], period)
}

/// A movement for each payment and refund, and one for its fee. `opening_fen` is the balance before the first one.
pub(super) fn movements(entries: &[Entry], opening_fen: i64, period: &Period) -> String {
    let mut balance_fen = opening_fen;
    let mut lines = Vec::new();
    for entry in entries {
        let kinds = if entry.is_refund() {
            ["交易退款", "退费"]
        } else {
            ["在线支付", "收费"]
        };
        for (fen, kind) in [settled_fen(entry), fee_fen(entry)].into_iter().zip(kinds) {
            if fen == 0 {
                continue;
            }
            balance_fen += fen;
            let number = format!("{}{:07}", compact(entry.at_ms), lines.len() + 1);
            lines.push(movement_line(entry, &number, fen, balance_fen, kind));
        }
    }
    let moves = Moves::of(entries);
    let tail = [
        format!("#支出合计：{}笔，共{}元", moves.n_out, signed_yuan(moves.out_fen)),
        format!("#收入合计：{}笔，共{}元", moves.n_in, signed_yuan(moves.in_fen)),
    ];
    table_text("账务明细", MOVEMENT_HEADER, lines, &tail, period)
}

fn movement_line(entry: &Entry, number: &str, fen: i64, balance_fen: i64, kind: &str) -> String {
    let (income, expense) = if fen > 0 {
        (signed_yuan(fen), String::new())
    } else {
        (String::new(), signed_yuan(fen))
    };
    table_line(&[
        tabbed_number(number),
        tabbed_number(&entry.gateway_no),
        tabbed_number(&entry.out_trade_no),
        plain_text(&entry.title),
        beijing_text(entry.at_ms),
        entry.payer.clone(),
        income,
        expense,
        signed_yuan(balance_fen),
        "支付宝".to_owned(),
        kind.to_owned(),
        refund_no(entry).unwrap_or_default().to_owned(),
    ])
}

#[derive(Default)]
struct Moves {
    n_in: usize,
    in_fen: i64,
    n_out: usize,
    out_fen: i64,
}

impl Moves {
    fn of(entries: &[Entry]) -> Moves {
        let mut moves = Moves::default();
        let all = entries
            .iter()
            .flat_map(|entry| [settled_fen(entry), fee_fen(entry)]);
        for fen in all {
            match fen {
                1.. => (moves.n_in, moves.in_fen) = (moves.n_in + 1, moves.in_fen + fen),
                0 => {}
                ..0 => (moves.n_out, moves.out_fen) = (moves.n_out + 1, moves.out_fen + fen),
            }
        }
        moves
    }
}

pub(super) fn movement_totals(entries: &[Entry], period: &Period) -> String {
    let moves = Moves::of(entries);
    let total = table_line(&[
        "1".to_owned(),
        "合计".to_owned(),
        moves.n_in.to_string(),
        signed_yuan(moves.in_fen),
        moves.n_out.to_string(),
        signed_yuan(moves.out_fen),
    ]);
    table_text("账务汇总", MOVEMENT_TOTALS_HEADER, vec![total], &[], period)
}

fn table_text(name: &str, header: &str, lines: Vec<String>, tail: &[String], period: &Period) -> String {
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
fn tabbed_number(number: &str) -> String {
    format!("{number}\t")
}

/// Text as a cell: a comma becomes a wide one, line ends and tabs become spaces, quotes stay as they are.
fn plain_text(text: &str) -> String {
    text.replace(',', "，").replace(['\t', '\r', '\n'], " ")
}

fn table_line(cells: &[String]) -> String {
    cells.join(",")
}
