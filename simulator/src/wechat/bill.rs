//! `GET /v3/bill/tradebill`, `GET /v3/bill/fundflowbill`, and the file behind the address that both give (docs/gateway-facts.md 1.6.6).

mod fund;
mod trade;

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use sha1::Digest as _;

use super::{Answer, Order, Refund, Refusal, Wechat};
use crate::books::Gateway;
use crate::keys::{MCH_ID, hex};
use crate::state::State;
use crate::statement::{self, Entry, Period, RefundPart, StatementFault, Table, cut_off, damage};
use crate::time::{DAY_MS, HOUR_MS, SECOND_MS, parse_beijing};
use crate::wire::{Request, parse_form};

pub(super) const DOWNLOAD_PATH: &str = "/v3/billdownload/file";
const ADDRESS_LIFE_MS: i64 = 30 * SECOND_MS;
/// A day's bill is made at nine o'clock of the next one.
const READY_MS: i64 = 9 * HOUR_MS;
const OLDEST_MS: i64 = 92 * DAY_MS;
/// Another merchant, whose statement a fault hands out.
const OTHER_MCH_ID: &str = "1900000999";

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
    let params = parse_form(request.query()).ok_or_else(|| wrong_parameter("bill_date"))?;
    let param = |name: &str| {
        params
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    };
    let period = read_day(param("bill_date"), now_ms)?;
    let is_zipped = match param("tar_type") {
        None => false,
        Some("GZIP") => true,
        Some(_) => return Err(wrong_parameter("tar_type")),
    };
    let (fault, text) = match kind {
        Kind::Trade => {
            let rows = read_rows(param("bill_type"))?;
            let fault = StatementFault::draw(state, Gateway::Wechat, Table::Trade);
            (fault, trade_bill(state, period, rows, fault))
        }
        Kind::FundFlow => {
            let is_basic = read_account(param("account_type"))?;
            let fault = StatementFault::draw(state, Gateway::Wechat, Table::FundFlow);
            let text = is_basic.then(|| fund_bill(state, period, fault)).flatten();
            (fault, text)
        }
    };
    if fault == Some(StatementFault::NotReady) {
        return Err(still_creating());
    }
    let text = text
        .filter(|_| fault != Some(StatementFault::Missing))
        .ok_or_else(|| Refusal::new(400, "NO_STATEMENT_EXIST", "账单文件不存在", 268_437_505))?;
    let (hash, file) = pack_statement(text, is_zipped, fault);
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

/// Returns the hash, which is that of the text also when it is sent compressed, and the file.
fn pack_statement(text: String, is_zipped: bool, fault: Option<StatementFault>) -> (String, Vec<u8>) {
    let text = match fault {
        Some(StatementFault::CutOff) => cut_off(text),
        Some(StatementFault::OfOther) => text.replace(MCH_ID, OTHER_MCH_ID),
        _ => text,
    };
    let mut hash = sha1::Sha1::new().chain_update(&text);
    if fault == Some(StatementFault::WrongHash) {
        hash.update("of another file");
    }
    let mut file = if is_zipped {
        gzip_text(&text)
    } else {
        text.into_bytes()
    };
    if fault == Some(StatementFault::Damaged) {
        damage(&mut file);
    }
    (hex(&hash.finalize()), file)
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

fn read_day(date: Option<&str>, now_ms: i64) -> Result<Period, Refusal> {
    let date = date
        .filter(|date| date.len() == 10)
        .ok_or_else(|| wrong_parameter("bill_date"))?;
    let from_ms = parse_beijing(&format!("{date} 00:00:00")).ok_or_else(|| wrong_parameter("bill_date"))?;
    if from_ms < now_ms - OLDEST_MS {
        return Err(wrong_parameter("bill_date"));
    }
    let until_ms = from_ms + DAY_MS;
    let made_ms = until_ms + READY_MS;
    if now_ms < made_ms {
        return Err(still_creating());
    }
    Ok(Period {
        from_ms,
        until_ms,
        made_ms,
    })
}

fn still_creating() -> Refusal {
    Refusal::new(400, "STATEMENT_CREATING", "账单生成中，请稍后再试", 268_437_507)
}

fn read_rows(word: Option<&str>) -> Result<Rows, Refusal> {
    match word {
        None | Some("ALL") => Ok(Rows::All),
        Some("SUCCESS") => Ok(Rows::Success),
        Some("REFUND") => Ok(Rows::Refund),
        Some(_) => Err(wrong_parameter("bill_type")),
    }
}

/// Returns whether it is the account that this merchant has.
fn read_account(word: Option<&str>) -> Result<bool, Refusal> {
    match word {
        None | Some("BASIC") => Ok(true),
        Some("OPERATION" | "FEES") => Ok(false),
        Some(_) => Err(wrong_parameter("account_type")),
    }
}

fn wrong_parameter(field: &str) -> Refusal {
    Refusal::new(400, "PARAM_ERROR", format!("参数错误：{field}"), 268_435_461)
        .with_detail(json!({"location": "query", "field": field}))
}

fn gzip_text(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish())
        .expect("memory takes every byte")
}

fn trade_bill(state: &State, period: Period, rows: Rows, fault: Option<StatementFault>) -> Option<String> {
    let (period, mut entries) = planted_entries(state, period, Table::Trade, fault);
    entries.retain(|entry| match rows {
        Rows::All => true,
        Rows::Success => !entry.is_refund(),
        Rows::Refund => entry.is_refund(),
    });
    (!entries.is_empty()).then(|| trade::write(&entries, rows, &period))
}

fn fund_bill(state: &State, period: Period, fault: Option<StatementFault>) -> Option<String> {
    let (period, entries) = planted_entries(state, period, Table::FundFlow, fault);
    let flows = fund::flows(&state.wechat, &period, &entries, !state.plants.is_empty());
    (!flows.is_empty()).then(|| fund::write(&flows))
}

/// The entries of a statement, with the differences that a test wants in it.
fn planted_entries(
    state: &State,
    period: Period,
    table: Table,
    fault: Option<StatementFault>,
) -> (Period, Vec<Entry>) {
    let period = match fault {
        Some(StatementFault::OfOtherDay) => period.before(),
        _ => period,
    };
    let mut entries = state.wechat.entries(&period);
    let mut plants = state.plants.clone();
    plants.extend(fault.and_then(|fault| fault.plant(&entries)));
    let rate = state.wechat.account.rate;
    statement::apply(&plants, Gateway::Wechat, table, &period, rate, &mut entries);
    (period, entries)
}

impl Wechat {
    /// Returns the payments and refunds of a period in their order.
    fn entries(&self, period: &Period) -> Vec<Entry> {
        let paid = self.orders.values().filter_map(|order| {
            let payment = order.payment.as_ref()?;
            let entry = || Entry {
                fen: order.total_fen,
                coupon_fen: order.total_fen - payment.merchant_coupon_fen - payment.payer_total_fen,
                merchant_coupon_fen: payment.merchant_coupon_fen,
                fee_fen: payment.fee_fen(order.total_fen),
                ..entry_of(order, payment.paid_ms)
            };
            period.has(payment.paid_ms).then(entry)
        });
        let refunds = self.refunds.values().filter_map(|refund| {
            let order = &self.orders[&refund.out_trade_no];
            period
                .has(refund.created_ms)
                .then(|| refund_entry(order, refund, period))
        });
        let mut entries: Vec<Entry> = paid.chain(refunds).collect();
        entries.sort_by_key(|entry| entry.at_ms);
        entries
    }
}

fn entry_of(order: &Order, at_ms: i64) -> Entry {
    let device = order
        .params
        .get("scene_info")
        .and_then(|scene| scene["device_id"].as_str())
        .unwrap_or_default();
    Entry {
        at_ms,
        created_ms: order.created_ms,
        out_trade_no: order.out_trade_no.clone(),
        gateway_no: order.transaction_id().unwrap_or_default().to_owned(),
        title: order.description.clone(),
        attach: order.attach.clone().unwrap_or_default(),
        store: String::new(),
        device: device.to_owned(),
        payer: order.openid(),
        product: order.product.trade_type(),
        fen: 0,
        coupon_fen: 0,
        merchant_coupon_fen: 0,
        fee_fen: 0,
        rate: order.payment.as_ref().map_or(0, |payment| payment.rate),
        refund: None,
    }
}

/// A refund's time is that of its request, and its state that of the time at which the statement was made.
fn refund_entry(order: &Order, refund: &Refund, period: &Period) -> Entry {
    let ended_ms = refund.ended_ms.filter(|at_ms| *at_ms <= period.made_ms);
    Entry {
        fen: refund.fen,
        coupon_fen: refund.fen - refund.merchant_coupon_fen - refund.payer_fen,
        merchant_coupon_fen: refund.merchant_coupon_fen,
        fee_fen: refund.fee_fen,
        refund: Some(RefundPart {
            refund_no: refund.out_refund_no.clone(),
            gateway_no: refund.refund_id.clone(),
            state: refund.state.in_statement(ended_ms.is_some()),
            ended_ms,
        }),
        ..entry_of(order, refund.created_ms)
    }
}
