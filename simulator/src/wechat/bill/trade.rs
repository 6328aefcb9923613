//! WeChat's trade statement: every value with a backtick, amounts in yuan, fees with five decimals.

use super::Rows;
use crate::keys::{APP_ID, MCH_ID};
use crate::statement::{Entry, Period, rate_text};
use crate::time::beijing_text;
use crate::wire::signed_yuan;

const BEFORE: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额";
const REFUND_TIMES: &str = ",退款申请时间,退款成功时间";
const REFUND_PART: &str = ",微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态";
const AFTER: &str = ",商品名称,商户数据包,手续费,费率,订单金额";
const SUMMARY: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const SUCCESS_SUMMARY: &str = "总交易单数,应结订单总金额,手续费总金额,订单总金额";

pub(super) fn write(entries: &[Entry], rows: Rows, period: &Period) -> String {
    let header = match rows {
        Rows::All => format!("{BEFORE}{REFUND_PART}{AFTER},申请退款金额,费率备注"),
        Rows::Success => format!("{BEFORE}{AFTER},费率备注"),
        Rows::Refund => format!("{BEFORE}{REFUND_TIMES}{REFUND_PART}{AFTER},申请退款金额,费率备注"),
    };
    let mut lines = vec![header];
    let mut totals = Totals::default();
    for entry in entries {
        lines.push(ticked(&line_cells(entry, rows, period)));
        totals.add(entry);
    }
    let (header, totals) = totals.show(entries.len(), rows);
    lines.push(header.to_owned());
    lines.push(ticked(&totals));
    lines.join("\r\n") + "\r\n"
}

/// Every value with its backtick, commas between them. A row is one line, so line ends in a title become spaces.
pub(super) fn ticked(cells: &[String]) -> String {
    let ticked: Vec<String> = cells
        .iter()
        .map(|cell| format!("`{}", cell.replace(['\r', '\n'], " ")))
        .collect();
    ticked.join(",")
}

fn line_cells(entry: &Entry, rows: Rows, period: &Period) -> Vec<String> {
    let (state, settled_fen, coupon_fen, fen, fee_fen) = if entry.is_refund() {
        ("REFUND", 0, 0, 0, -entry.fee_fen)
    } else {
        (
            "SUCCESS",
            entry.settled_fen(),
            entry.coupon_fen,
            entry.fen,
            entry.fee_fen,
        )
    };
    let mut cells = vec![
        beijing_text(entry.at_ms),
        APP_ID.to_owned(),
        MCH_ID.to_owned(),
        "0".to_owned(),
        entry.device.clone(),
        entry.gateway_no.clone(),
        entry.out_trade_no.clone(),
        entry.payer.clone(),
        entry.product.to_owned(),
        state.to_owned(),
        "OTHERS".to_owned(),
        "CNY".to_owned(),
        signed_yuan(settled_fen),
        signed_yuan(coupon_fen),
    ];
    if rows == Rows::Refund
        && let Some(refund) = &entry.refund
    {
        let ended_ms = refund.ended_ms.filter(|at_ms| *at_ms <= period.made_ms);
        cells.push(beijing_text(entry.at_ms));
        cells.push(ended_ms.map(beijing_text).unwrap_or_default());
    }
    if rows != Rows::Success {
        cells.extend(refund_cells(entry));
    }
    cells.extend([
        entry.title.clone(),
        entry.attach.clone(),
        fee_text(fee_fen),
        rate_text(entry.rate),
        signed_yuan(fen),
    ]);
    if rows != Rows::Success {
        cells.push(signed_yuan(if entry.is_refund() { entry.fen } else { 0 }));
    }
    cells.push(String::new());
    cells
}

/// Fees have five decimals.
fn fee_text(fee_fen: i64) -> String {
    format!("{}000", signed_yuan(fee_fen))
}

fn refund_cells(entry: &Entry) -> Vec<String> {
    let Some(refund) = &entry.refund else {
        return ["0", "0", "0", "0", "", ""].map(str::to_owned).to_vec();
    };
    vec![
        refund.gateway_no.clone(),
        refund.refund_no.clone(),
        signed_yuan(entry.settled_fen()),
        signed_yuan(entry.coupon_fen),
        "ORIGINAL".to_owned(),
        refund.state.word().to_owned(),
    ]
}

#[derive(Default)]
struct Totals {
    settled_fen: i64,
    refunded_fen: i64,
    coupons_back_fen: i64,
    fee_fen: i64,
    ordered_fen: i64,
    asked_back_fen: i64,
}

impl Totals {
    fn add(&mut self, entry: &Entry) {
        if entry.is_refund() {
            self.refunded_fen += entry.settled_fen();
            self.coupons_back_fen += entry.coupon_fen;
            self.asked_back_fen += entry.fen;
            self.fee_fen -= entry.fee_fen;
        } else {
            self.settled_fen += entry.settled_fen();
            self.ordered_fen += entry.fen;
            self.fee_fen += entry.fee_fen;
        }
    }

    fn show(&self, n_rows: usize, rows: Rows) -> (&'static str, Vec<String>) {
        let (count, fee) = (n_rows.to_string(), fee_text(self.fee_fen));
        let (settled, ordered) = (signed_yuan(self.settled_fen), signed_yuan(self.ordered_fen));
        match rows {
            Rows::Success => (SUCCESS_SUMMARY, vec![count, settled, fee, ordered]),
            Rows::All | Rows::Refund => (
                SUMMARY,
                vec![
                    count,
                    settled,
                    signed_yuan(self.refunded_fen),
                    signed_yuan(self.coupons_back_fen),
                    fee,
                    ordered,
                    signed_yuan(self.asked_back_fen),
                ],
            ),
        }
    }
}
