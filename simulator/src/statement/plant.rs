//! Differences that a test plants in the statements of a day, by the numbers of a trade or a refund. They stay until
//! they are cleared; the gateways' own books and answers do not change.

use serde::{Deserialize, Serialize};

use super::entry::RefundWord;
use super::{Entry, Period, fee_of};
use crate::books::{Books, Gateway};
use crate::time::{DAY_MS, compact, parse_beijing};

const MAX_FOREIGN: u32 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PlantKind {
    /// It is not listed.
    Omit,
    /// Another amount is listed.
    Amount,
    /// Another fee is listed, or taken.
    Fee,
    /// A successful refund is listed as failed, any other one as successful. Alipay lists only successful ones.
    Status,
    /// The payment is listed once more under another number of the gateway: two trades, one `out_trade_no`.
    Duplicate,
    /// A copy is listed under numbers that do not exist, but look like ours.
    Invent,
    /// Payments of another program on the same merchant number.
    Foreign,
}

/// The two statements of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Table {
    Trade,
    FundFlow,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plant {
    pub kind: PlantKind,
    /// A payment; or `refund_no`, a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_trade_no: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund_no: Option<String>,
    /// Added to the amount or the fee, 1 when absent; the amount of each foreign payment, 100 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fen: Option<i64>,
    /// Both statements when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<Table>,
    /// Foreign payments only, as are `day` and `count`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// Beijing day, `2027-01-15`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

impl Plant {
    fn new(kind: PlantKind) -> Plant {
        Plant {
            kind,
            out_trade_no: None,
            refund_no: None,
            fen: None,
            table: None,
            gateway: None,
            day: None,
            count: None,
        }
    }

    pub fn of_trade(kind: PlantKind, out_trade_no: &str) -> Plant {
        Plant {
            out_trade_no: Some(out_trade_no.to_owned()),
            ..Plant::new(kind)
        }
    }

    pub fn of_refund(kind: PlantKind, refund_no: &str) -> Plant {
        Plant {
            refund_no: Some(refund_no.to_owned()),
            ..Plant::new(kind)
        }
    }

    /// So many payments of another program on this day, over the whole of it.
    pub fn foreign(gateway: Gateway, day: &str, count: u32) -> Plant {
        Plant {
            gateway: Some(gateway),
            day: Some(day.to_owned()),
            count: Some(count),
            ..Plant::new(PlantKind::Foreign)
        }
    }

    /// In one of the two statements only.
    #[must_use]
    pub fn only_in(self, table: Table) -> Plant {
        Plant {
            table: Some(table),
            ..self
        }
    }

    #[must_use]
    pub fn by(self, fen: i64) -> Plant {
        Plant {
            fen: Some(fen),
            ..self
        }
    }

    /// Refuses a difference that could never show, because a test would look for it in vain.
    pub(crate) fn check(&self, books: &Books) -> Result<(), String> {
        let is_foreign = self.kind == PlantKind::Foreign;
        if !is_foreign && (self.gateway.is_some() || self.day.is_some() || self.count.is_some()) {
            return Err("gateway, day and count are for foreign only".to_owned());
        }
        match (&self.out_trade_no, &self.refund_no) {
            (None, None) if is_foreign => return self.check_foreign(),
            (Some(number), None) if !is_foreign => {
                let trade = books.trade(number).filter(|trade| trade.paid_fen > 0);
                trade.ok_or_else(|| format!("no payment is called {number}"))?;
                if self.kind == PlantKind::Status {
                    return Err("status is for a refund: give refundNo".to_owned());
                }
            }
            (None, Some(number)) if !is_foreign => {
                let refund = books.refund(number);
                refund.ok_or_else(|| format!("no refund is called {number}"))?;
                if self.kind == PlantKind::Duplicate {
                    return Err("duplicate is for a payment: give outTradeNo".to_owned());
                }
            }
            _ if is_foreign => return Err("foreign has gateway and day, and no number".to_owned()),
            _ => return Err("outTradeNo or refundNo, one of them".to_owned()),
        }
        match (self.kind, self.fen) {
            (PlantKind::Amount | PlantKind::Fee, Some(0)) => Err("fen is what is added, not 0".to_owned()),
            (PlantKind::Amount | PlantKind::Fee, _) | (_, None) => Ok(()),
            _ => Err("fen is for amount, fee and foreign only".to_owned()),
        }
    }

    fn check_foreign(&self) -> Result<(), String> {
        if self.gateway.is_none() || self.begins_ms().is_none() {
            return Err("foreign needs gateway and day, as in 2027-01-15".to_owned());
        }
        if !(1..=MAX_FOREIGN).contains(&self.count()) {
            return Err(format!("count is 1 to {MAX_FOREIGN}"));
        }
        if self.foreign_fen() < 1 {
            return Err("fen is positive".to_owned());
        }
        Ok(())
    }

    fn count(&self) -> u32 {
        self.count.unwrap_or(1)
    }

    fn added_fen(&self) -> i64 {
        self.fen.unwrap_or(1)
    }

    fn foreign_fen(&self) -> i64 {
        self.fen.unwrap_or(100)
    }

    fn begins_ms(&self) -> Option<i64> {
        parse_beijing(&format!("{} 00:00:00", self.day.as_ref()?))
    }

    fn is_about(&self, entry: &Entry) -> bool {
        match &entry.refund {
            Some(refund) => self.refund_no.as_ref() == Some(&refund.refund_no),
            None => self.out_trade_no.as_ref() == Some(&entry.out_trade_no),
        }
    }

    /// The payments of another program; their numbers are the same at each reading.
    fn foreign_entries(&self, gateway: Gateway, rate: i64) -> Vec<Entry> {
        let Some(from_ms) = self.begins_ms() else {
            return Vec::new();
        };
        let fen = self.foreign_fen();
        let day = compact(from_ms)[..8].to_owned();
        let n_entries = i64::from(self.count());
        (0..n_entries)
            .map(|place| Entry {
                at_ms: from_ms + place * DAY_MS / n_entries,
                created_ms: from_ms + place * DAY_MS / n_entries,
                out_trade_no: format!("SHOP_{day}_{place:07}"),
                gateway_no: match gateway {
                    Gateway::Wechat => format!("42000{day}9{place:014}"),
                    Gateway::Alipay => format!("{day}22009{place:015}"),
                },
                title: "其他系统的商品".to_owned(),
                attach: String::new(),
                store: String::new(),
                device: String::new(),
                payer: match gateway {
                    Gateway::Wechat => "oForeign00000000000000000000".to_owned(),
                    Gateway::Alipay => "for***@sandbox.example".to_owned(),
                },
                product: "NATIVE",
                fen,
                coupon_fen: 0,
                merchant_coupon_fen: 0,
                fee_fen: fee_of(fen, rate),
                rate,
                refund: None,
            })
            .collect()
    }
}

/// Plants the differences of this statement and orders its entries by time. `rate` is that of foreign payments.
pub(crate) fn apply(
    plants: &[Plant],
    gateway: Gateway,
    table: Table,
    period: &Period,
    rate: i64,
    entries: &mut Vec<Entry>,
) {
    for plant in plants {
        if plant.table.is_some_and(|only| only != table) {
            continue;
        }
        if plant.kind == PlantKind::Foreign {
            if plant.gateway == Some(gateway) && plant.begins_ms().is_some_and(|at_ms| period.has(at_ms)) {
                entries.extend(plant.foreign_entries(gateway, rate));
            }
            continue;
        }
        let Some(place) = entries.iter().position(|entry| plant.is_about(entry)) else {
            continue;
        };
        match plant.kind {
            PlantKind::Omit => drop(entries.remove(place)),
            PlantKind::Amount => change_amount(&mut entries[place], plant.added_fen()),
            PlantKind::Fee => entries[place].fee_fen += plant.added_fen(),
            PlantKind::Status => change_status(&mut entries[place]),
            PlantKind::Duplicate => {
                let mut copy = entries[place].clone();
                copy.gateway_no = invented_number(&copy.gateway_no);
                entries.insert(place + 1, copy);
            }
            PlantKind::Invent => {
                let copy = invented_entry(&entries[place]);
                entries.insert(place + 1, copy);
            }
            PlantKind::Foreign => {}
        }
    }
    entries.sort_by_key(|entry| entry.at_ms);
}

/// The fee of a payment follows its amount, so that only the amount is wrong.
fn change_amount(entry: &mut Entry, fen: i64) {
    entry.fen = (entry.fen + fen).max(1);
    if !entry.is_refund() {
        entry.fee_fen = fee_of(entry.settled_fen(), entry.rate);
    }
}

fn change_status(entry: &mut Entry) {
    let at_ms = entry.at_ms;
    if let Some(refund) = &mut entry.refund {
        (refund.state, refund.ended_ms) = match refund.state {
            RefundWord::Success => (RefundWord::Fail, None),
            _ => (RefundWord::Success, Some(at_ms)),
        };
    }
}

fn invented_entry(entry: &Entry) -> Entry {
    let mut copy = entry.clone();
    match &mut copy.refund {
        Some(refund) => {
            refund.refund_no = invented_number(&refund.refund_no);
            refund.gateway_no = invented_number(&refund.gateway_no);
        }
        None => {
            copy.out_trade_no = invented_number(&copy.out_trade_no);
            copy.gateway_no = invented_number(&copy.gateway_no);
        }
    }
    copy
}

/// A number that does not exist, as long as the real one.
fn invented_number(number: &str) -> String {
    let kept = number.char_indices().nth_back(5).map_or(0, |(place, _)| place);
    let zeros = "0".repeat(number.chars().count().min(6));
    format!("{}{zeros}", &number[..kept])
}
