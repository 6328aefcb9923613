//! `alipay.data.dataservice.bill.downloadurl.query`, and the bill behind the address it gives.

mod entries;
mod ledger;
mod zip;

use std::collections::BTreeMap;

use encoding_rs::GBK;
use serde_json::{Map, Value};

use super::fields::text;
use super::node::{Node, Refusal};
use crate::books::Gateway;
use crate::keys::SELLER_ID;
use crate::rng::Rng;
use crate::state::State;
use crate::statement::{Period, StatementFault, Table, cut_off, damage};
use crate::time::{DAY_MS, HOUR_MS, SECOND_MS, parse_beijing};
use crate::wire::{Reply, Request, parse_form};
use entries::planted;

pub(crate) const DOWNLOAD_PATH: &str = "/alipay/bill";
const ADDRESS_LIFE_MS: i64 = 30 * SECOND_MS;
/// A day's bill is available from nine o'clock of the next one.
const DAY_READY_MS: i64 = 9 * HOUR_MS;
/// A month's bill is available on the third of the next one.
const MONTH_READY_MS: i64 = 2 * DAY_MS;
const OLDEST_MS: i64 = 6 * 366 * DAY_MS;
/// Another merchant, whose bill a fault hands out.
const OTHER_SELLER_ID: &str = "2088000000000999";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Sales and refunds.
    Trade,
    /// Movements of the account.
    Ledger,
}

#[derive(Debug, Clone)]
struct Wanted {
    kind: Kind,
    /// Day or month in file names: `20270115` or `202701`.
    label: String,
    period: Period,
    fault: Option<StatementFault>,
}

impl Wanted {
    fn true_period(&self) -> Period {
        match self.fault {
            Some(StatementFault::OfOtherDay) => self.period.before(),
            _ => self.period,
        }
    }
}

impl Kind {
    fn table(self) -> Table {
        match self {
            Kind::Trade => Table::Trade,
            Kind::Ledger => Table::FundFlow,
        }
    }
}

/// Download addresses, with their expiry.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    given: BTreeMap<String, (i64, Wanted)>,
}

pub(super) fn query(
    state: &mut State,
    now_ms: i64,
    biz: &Map<String, Value>,
    host: &str,
) -> Result<Node, Refusal> {
    let mut wanted = read_wanted(biz, now_ms)?;
    wanted.fault = StatementFault::draw(state, Gateway::Alipay, wanted.kind.table());
    if wanted.fault == Some(StatementFault::NotReady) {
        return Err(not_made());
    }
    let is_empty = planted(state, &wanted).is_empty();
    let State { alipay, rng, .. } = state;
    let token = keep_address(&mut alipay.addresses, rng, now_ms, wanted);
    let mut node = Node::success();
    if is_empty {
        node = node.with("bill_file_code", "EMPTY_DATA_WITH_BILL_FILE");
    }
    Ok(node.with(
        "bill_download_url",
        format!("http://{host}{DOWNLOAD_PATH}?bizType=B2C&token={token}"),
    ))
}

fn keep_address(addresses: &mut Addresses, rng: &mut Rng, now_ms: i64, wanted: Wanted) -> String {
    addresses.given.retain(|_, (until_ms, _)| now_ms < *until_ms);
    let token = rng.hex(32);
    addresses
        .given
        .insert(token.clone(), (now_ms + ADDRESS_LIFE_MS, wanted));
    token
}

fn read_wanted(biz: &Map<String, Value>, now_ms: i64) -> Result<Wanted, Refusal> {
    // The gateway's own spelling.
    let invalid = || Refusal::business("INVAILID_ARGUMENTS", "入参不合法");
    let word = |name: &str| text(biz, name, 20).map_err(|_| invalid())?.ok_or_else(invalid);
    let kind = match word("bill_type")?.as_str() {
        "trade" => Kind::Trade,
        "signcustomer" => Kind::Ledger,
        "merchant_act" | "trade_zft_merchant" | "zft_acc" | "promotion_zft" | "settlementMerge" => {
            return Err(Refusal::business("TYPE_NOT_SUPPORTED", "不支持的账单类型"));
        }
        _ => return Err(invalid()),
    };
    let date = word("bill_date")?;
    let midnight = |date: &str| parse_beijing(&format!("{date} 00:00:00"));
    let (from_ms, until_ms, ready_ms) = match date.len() {
        10 => {
            let from_ms = midnight(&date).ok_or_else(invalid)?;
            let until_ms = from_ms + DAY_MS;
            (from_ms, until_ms, until_ms + DAY_READY_MS)
        }
        7 => {
            let from_ms = midnight(&format!("{date}-01")).ok_or_else(invalid)?;
            // The first day of another month.
            let days = (28..=31).map(|n_days| from_ms + n_days * DAY_MS);
            let mut firsts = days.filter(|day_ms| crate::time::beijing_text(*day_ms)[8..10] == *"01");
            let until_ms = firsts.next().ok_or_else(invalid)?;
            (from_ms, until_ms, until_ms + MONTH_READY_MS)
        }
        _ => return Err(invalid()),
    };
    if from_ms < now_ms - OLDEST_MS {
        return Err(invalid());
    }
    if now_ms < ready_ms {
        return Err(not_made());
    }
    Ok(Wanted {
        kind,
        label: date.replace('-', ""),
        period: Period {
            from_ms,
            until_ms,
            made_ms: ready_ms,
        },
        fault: None,
    })
}

fn not_made() -> Refusal {
    Refusal::business("BILL_NOT_EXIST", "账单不存在")
}

/// Serves a bill to the holder of its address: nothing is signed here.
pub(crate) fn download(state: &mut State, now_ms: i64, request: &Request) -> Reply {
    let gone = || Reply::new(403, "text/html;charset=utf-8", "账单下载链接已失效");
    let pairs = parse_form(request.query()).unwrap_or_default();
    let token = pairs
        .iter()
        .find(|(name, _)| name == "token")
        .map(|(_, token)| token);
    let given = token.and_then(|token| state.alipay.addresses.given.get(token));
    let Some((_, wanted)) = given.filter(|(until_ms, _)| now_ms < *until_ms) else {
        return gone();
    };
    let entries = planted(state, wanted);
    let period = Period {
        made_ms: now_ms,
        ..wanted.true_period()
    };
    let tables = match wanted.kind {
        Kind::Trade => [
            ("业务明细", ledger::trades(&entries, &period)),
            ("业务明细(汇总)", ledger::trade_totals(&entries, &period)),
        ],
        Kind::Ledger => {
            let opening_fen = state.alipay.balance_fen(period.from_ms);
            [
                ("账务明细", ledger::movements(&entries, opening_fen, &period)),
                ("账务明细(汇总)", ledger::movement_totals(&entries, &period)),
            ]
        }
    };
    packed_statement(wanted, tables)
}

fn packed_statement(wanted: &Wanted, tables: [(&str, String); 2]) -> Reply {
    let account = match wanted.fault {
        Some(StatementFault::OfOther) => OTHER_SELLER_ID,
        _ => SELLER_ID,
    };
    let stem = format!("{account}0156_{}", wanted.label);
    let files = tables.map(|(name, csv)| {
        let csv = csv.replace(SELLER_ID, account);
        let csv = match wanted.fault {
            Some(StatementFault::CutOff) => cut_off(csv),
            _ => csv,
        };
        zip::File {
            name: in_gbk(&format!("{stem}_{name}.csv")),
            content: in_gbk(&csv),
        }
    });
    let mut archive = zip::pack(&files);
    if wanted.fault == Some(StatementFault::Damaged) {
        damage(&mut archive);
    }
    let attachment = format!("attachment; filename=\"{stem}.csv.zip\"");
    Reply::new(200, "application/octet-stream", archive).with_header("content-disposition", attachment)
}

/// Encodes in GBK; a question mark stands for a letter that GBK does not have.
fn in_gbk(text: &str) -> Vec<u8> {
    let (bytes, _, has_unmappable) = GBK.encode(text);
    if !has_unmappable {
        return bytes.into_owned();
    }
    let mut gbk = Vec::with_capacity(text.len());
    let mut letter = [0; 4];
    for character in text.chars() {
        let (bytes, _, is_unmappable) = GBK.encode(character.encode_utf8(&mut letter));
        if is_unmappable {
            gbk.push(b'?');
        } else {
            gbk.extend_from_slice(&bytes);
        }
    }
    gbk
}
