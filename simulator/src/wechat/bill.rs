//! `GET /v3/bill/tradebill`, `GET /v3/bill/fundflowbill`, and the file behind the address that both give (docs/gateway-facts.md 1.6.6).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha1::Digest as _;

use super::account::Flow;
use super::refund::RefundState;
use super::{Answer, Order, Refund, Refusal, Wechat, fee_fen};
use crate::books::Gateway;
use crate::keys::{APP_ID, MCH_ID, hex};
use crate::state::State;
use crate::statement_fault::{StatementFault, invented};
use crate::time::{DAY_MS, HOUR_MS, SECOND_MS, beijing_text, parse_beijing};
use crate::wire::{Request, parse_form, yuan};

pub(super) const DOWNLOAD_PATH: &str = "/v3/billdownload/file";
const ADDRESS_LIFE_MS: i64 = 30 * SECOND_MS;
/// A day's bill is available from nine o'clock of the next one.
const READY_MS: i64 = 9 * HOUR_MS;
const OLDEST_MS: i64 = 92 * DAY_MS;
const RATE: &str = "0.60%";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Trade,
    FundFlow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    All,
    Success,
    Refund,
}

/// Download addresses, with their expiry and file.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    given: BTreeMap<String, (i64, Vec<u8>)>,
}

/// One Beijing day.
#[derive(Debug, Clone, Copy)]
struct Day {
    from_ms: i64,
}

impl Day {
    fn has(self, at_ms: i64) -> bool {
        (self.from_ms..self.from_ms + DAY_MS).contains(&at_ms)
    }
}

impl Kind {
    pub(super) fn of_path(path: &str) -> Option<Kind> {
        match path {
            "/v3/bill/tradebill" => Some(Kind::Trade),
            "/v3/bill/fundflowbill" => Some(Kind::FundFlow),
            _ => None,
        }
    }
}

pub(super) fn apply(
    state: &mut State,
    now_ms: i64,
    request: &Request,
    kind: Kind,
) -> Result<Answer, Refusal> {
    let params = parse_form(request.query()).ok_or_else(|| wrong("bill_date"))?;
    let param = |name: &str| {
        params
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    };
    let day = read_day(param("bill_date"), now_ms)?;
    let is_zipped = match param("tar_type") {
        None => false,
        Some("GZIP") => true,
        Some(_) => return Err(wrong("tar_type")),
    };
    let text = match kind {
        Kind::Trade => {
            let rows = read_rows(param("bill_type"))?;
            let fault = StatementFault::draw(state, Gateway::Wechat);
            trade_bill(&state.wechat, day, rows, fault)
        }
        Kind::FundFlow => match param("account_type") {
            None | Some("BASIC") => fund_bill(&state.wechat, day),
            // This merchant has one account.
            Some("OPERATION" | "FEES") => None,
            Some(_) => return Err(wrong("account_type")),
        },
    };
    let text = text.ok_or_else(|| Refusal::new(400, "NO_STATEMENT_EXIST", "账单文件不存在", 268_437_505))?;
    // Hash of the text, also when it is sent compressed.
    let hash = hex(&sha1::Sha1::digest(text.as_bytes()));
    let file = if is_zipped {
        zipped(&text)
    } else {
        text.into_bytes()
    };
    let State { wechat, rng, .. } = state;
    wechat.bills.given.retain(|_, (until_ms, _)| now_ms < *until_ms);
    let token = rng.alphanumeric(64);
    let tail = if is_zipped { "&tartype=gzip" } else { "" };
    let url = format!(
        "http://{}{DOWNLOAD_PATH}?token={token}{tail}",
        request.header("host").unwrap_or("127.0.0.1")
    );
    wechat.bills.given.insert(token, (now_ms + ADDRESS_LIFE_MS, file));
    Ok(Answer::Json(
        json!({"hash_type": "SHA1", "hash_value": hash, "download_url": url}),
    ))
}

pub(super) fn download(state: &State, now_ms: i64, request: &Request) -> Result<Answer, Refusal> {
    let params = parse_form(request.query()).unwrap_or_default();
    let token = params.iter().find(|(name, _)| name == "token");
    let given = token.and_then(|(_, token)| state.wechat.bills.given.get(token));
    match given {
        Some((until_ms, file)) if now_ms < *until_ms => Ok(Answer::File(file.clone())),
        _ => Err(Refusal::edge(
            400,
            "INVALID_REQUEST",
            "下载地址已失效",
            268_437_506,
        )),
    }
}

fn read_day(date: Option<&str>, now_ms: i64) -> Result<Day, Refusal> {
    let date = date
        .filter(|date| date.len() == 10)
        .ok_or_else(|| wrong("bill_date"))?;
    let from_ms = parse_beijing(&format!("{date} 00:00:00")).ok_or_else(|| wrong("bill_date"))?;
    if from_ms < now_ms - OLDEST_MS {
        return Err(wrong("bill_date"));
    }
    if now_ms < from_ms + DAY_MS + READY_MS {
        return Err(Refusal::new(
            400,
            "STATEMENT_CREATING",
            "账单生成中，请稍后再试",
            268_437_507,
        ));
    }
    Ok(Day { from_ms })
}

fn read_rows(word: Option<&str>) -> Result<Rows, Refusal> {
    match word {
        None | Some("ALL") => Ok(Rows::All),
        Some("SUCCESS") => Ok(Rows::Success),
        Some("REFUND") => Ok(Rows::Refund),
        Some(_) => Err(wrong("bill_type")),
    }
}

fn wrong(field: &str) -> Refusal {
    Refusal::new(400, "PARAM_ERROR", format!("参数错误：{field}"), 268_435_461)
        .with_detail(json!({"location": "query", "field": field}))
}

fn zipped(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish())
        .expect("memory takes every byte")
}

/// A payment or a refund of the day.
enum Row<'a> {
    Payment(&'a Order, i64),
    Refund(&'a Order, &'a Refund),
}

impl Row<'_> {
    /// A refund's time is that of its request.
    fn at_ms(&self) -> i64 {
        match self {
            Row::Payment(_, paid_ms) => *paid_ms,
            Row::Refund(_, refund) => refund.created_ms,
        }
    }

    fn order(&self) -> &Order {
        match self {
            Row::Payment(order, _) | Row::Refund(order, _) => order,
        }
    }
}

/// Returns the orders with the fault applied.
fn with_fault(
    orders: &BTreeMap<String, Order>,
    day: Day,
    fault: Option<StatementFault>,
) -> Cow<'_, BTreeMap<String, Order>> {
    let paid_ms = |order: &Order| order.payment.as_ref().map(|payment| payment.paid_ms);
    let first = orders
        .values()
        .filter(|order| paid_ms(order).is_some_and(|at_ms| day.has(at_ms)))
        .min_by_key(|order| paid_ms(order));
    let (Some(fault), Some(first)) = (fault, first) else {
        return Cow::Borrowed(orders);
    };
    let (mut orders, mut odd) = (orders.clone(), first.clone());
    match (fault, &mut odd.payment) {
        (StatementFault::Omit, payment) => *payment = None,
        (StatementFault::Differ, _) => odd.total_fen += 1,
        (StatementFault::Invent, payment) => {
            odd.out_trade_no = invented(&odd.out_trade_no);
            if let Some(payment) = payment {
                payment.transaction_id = invented(&payment.transaction_id);
            }
        }
    }
    orders.insert(odd.out_trade_no.clone(), odd);
    Cow::Owned(orders)
}

fn rows<'a>(
    orders: &'a BTreeMap<String, Order>,
    refunds: &'a BTreeMap<String, Refund>,
    day: Day,
    wanted: Rows,
) -> Vec<Row<'a>> {
    let paid = orders.values().filter_map(|order| {
        let payment = order.payment.as_ref()?;
        Some(Row::Payment(order, payment.paid_ms))
    });
    let refunds = refunds
        .values()
        .map(|refund| Row::Refund(&orders[&refund.out_trade_no], refund));
    let is_wanted = |row: &Row<'_>| match row {
        Row::Payment(..) => wanted != Rows::Refund,
        Row::Refund(..) => wanted != Rows::Success,
    };
    let mut rows: Vec<Row<'_>> = paid
        .chain(refunds)
        .filter(|row| is_wanted(row) && day.has(row.at_ms()))
        .collect();
    rows.sort_by_key(Row::at_ms);
    rows
}

const BEFORE: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额";
const REFUND_TIMES: &str = ",退款申请时间,退款成功时间";
const REFUND_PART: &str = ",微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态";
const AFTER: &str = ",商品名称,商户数据包,手续费,费率,订单金额";
const SUMMARY: &str =
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
const SUCCESS_SUMMARY: &str = "总交易单数,应结订单总金额,手续费总金额,订单总金额";

fn trade_bill(wechat: &Wechat, day: Day, wanted: Rows, fault: Option<StatementFault>) -> Option<String> {
    let orders = with_fault(&wechat.orders, day, fault);
    let rows = rows(&orders, &wechat.refunds, day, wanted);
    if rows.is_empty() {
        return None;
    }
    let header = match wanted {
        Rows::All => format!("{BEFORE}{REFUND_PART}{AFTER},申请退款金额,费率备注"),
        Rows::Success => format!("{BEFORE}{AFTER},费率备注"),
        Rows::Refund => format!("{BEFORE}{REFUND_TIMES}{REFUND_PART}{AFTER},申请退款金额,费率备注"),
    };
    let mut lines = vec![header];
    let mut totals = Totals::default();
    for row in &rows {
        lines.push(ticked(&cells(row, wanted)));
        totals.add(row);
    }
    let (header, totals) = totals.show(rows.len(), wanted);
    lines.push(header.to_owned());
    lines.push(ticked(&totals));
    Some(lines.join("\r\n") + "\r\n")
}

/// Every value with its backtick, commas between them.
fn ticked(cells: &[String]) -> String {
    let ticked: Vec<String> = cells.iter().map(|cell| format!("`{cell}")).collect();
    ticked.join(",")
}

fn cells(row: &Row<'_>, wanted: Rows) -> Vec<String> {
    let order = row.order();
    let device = order
        .params
        .get("scene_info")
        .and_then(|scene| scene["device_id"].as_str())
        .unwrap_or_default();
    let coupon_fen = order.total_fen - order.payer_total_fen();
    let (state, settled_fen, coupon_fen, total_fen) = match row {
        Row::Payment(..) => ("SUCCESS", order.total_fen, coupon_fen, order.total_fen),
        Row::Refund(..) => ("REFUND", 0, 0, 0),
    };
    let mut cells = vec![
        beijing_text(row.at_ms()),
        APP_ID.to_owned(),
        MCH_ID.to_owned(),
        "0".to_owned(),
        device.to_owned(),
        order.transaction_id().unwrap_or_default().to_owned(),
        order.out_trade_no.clone(),
        order.openid(),
        order.product.trade_type().to_owned(),
        state.to_owned(),
        "OTHERS".to_owned(),
        "CNY".to_owned(),
        yuan(settled_fen),
        yuan(coupon_fen),
    ];
    if wanted == Rows::Refund
        && let Row::Refund(_, refund) = row
    {
        cells.push(beijing_text(refund.created_ms));
        cells.push(refund.ended_ms.map(beijing_text).unwrap_or_default());
    }
    if wanted != Rows::Success {
        cells.extend(refund_cells(row));
    }
    let fee = match row {
        Row::Payment(..) => fee_fen(order.total_fen),
        Row::Refund(_, refund) => -refund.fee_fen,
    };
    cells.extend([
        order.description.clone(),
        order.attach.clone().unwrap_or_default(),
        // Fees have five decimals.
        format!("{}000", yuan(fee)),
        RATE.to_owned(),
        yuan(total_fen),
    ]);
    if wanted != Rows::Success {
        cells.push(match row {
            Row::Payment(..) => yuan(0),
            Row::Refund(_, refund) => yuan(refund.fen),
        });
    }
    cells.push(String::new());
    cells
}

fn refund_cells(row: &Row<'_>) -> Vec<String> {
    match row {
        Row::Payment(..) => ["0", "0", "0", "0", "", ""].map(str::to_owned).to_vec(),
        Row::Refund(_, refund) => vec![
            refund.refund_id.clone(),
            refund.out_refund_no.clone(),
            yuan(refund.fen),
            yuan(0),
            "ORIGINAL".to_owned(),
            match refund.state {
                RefundState::Success => "SUCCESS",
                RefundState::Processing => "PROCESSING",
                RefundState::Abnormal => "CHANGE",
                RefundState::Closed => "FAIL",
            }
            .to_owned(),
        ],
    }
}

#[derive(Default)]
struct Totals {
    settled_fen: i64,
    refunded_fen: i64,
    fee_fen: i64,
}

impl Totals {
    fn add(&mut self, row: &Row<'_>) {
        match row {
            Row::Payment(order, _) => {
                self.settled_fen += order.total_fen;
                self.fee_fen += fee_fen(order.total_fen);
            }
            Row::Refund(_, refund) => {
                self.refunded_fen += refund.fen;
                self.fee_fen -= refund.fee_fen;
            }
        }
    }

    fn show(&self, n_rows: usize, wanted: Rows) -> (&'static str, Vec<String>) {
        let n_rows = n_rows.to_string();
        let fee = format!("{}000", yuan(self.fee_fen));
        let (settled, refunded) = (yuan(self.settled_fen), yuan(self.refunded_fen));
        match wanted {
            Rows::Success => (SUCCESS_SUMMARY, vec![n_rows, settled.clone(), fee, settled]),
            Rows::All | Rows::Refund => (
                SUMMARY,
                vec![
                    n_rows,
                    settled.clone(),
                    refunded.clone(),
                    yuan(0),
                    fee,
                    settled,
                    refunded,
                ],
            ),
        }
    }
}

fn fund_bill(wechat: &Wechat, day: Day) -> Option<String> {
    let flows: Vec<&Flow> = wechat
        .account
        .flows
        .iter()
        .filter(|flow| day.has(flow.at_ms))
        .collect();
    if flows.is_empty() {
        return None;
    }
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
            yuan(flow.fen),
            yuan(flow.balance_fen),
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
        yuan(in_fen),
        format!("{n_out}.0"),
        yuan(out_fen),
    ]));
    Some(lines.join("\r\n") + "\r\n")
}
