//! Persists the gateways' state over a restart: trades, refunds, undelivered notifications, money and the clock.
//!
//! Faults are not kept: they are switches of a test. Cashier sessions and addresses of bills are valid for hours only, and a
//! payer or a merchant gets new ones.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::alipay::{Bill, Funds};
use crate::outbox::{Outbox, QueuedNotification};
use crate::settings::AlipaySigning;
use crate::state::State;
use crate::statement::usual_rate;
use crate::time::DAY_MS;
use crate::wechat::{Flow, Order, Refund};

const VERSION: u32 = 1;
/// Newest trades of each gateway that are kept: more than a shop that is being tried out makes, and a file of some megabytes.
const MAX_TRADES: usize = 20_000;
const MAX_FLOWS: usize = 2 * MAX_TRADES;
/// Retention of delivered notifications, which may be looked at or sent again.
const DELIVERED_MS: i64 = DAY_MS;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved<'a> {
    version: u32,
    /// Offset of the simulator's clock to the machine's.
    pub(crate) ahead_ms: i64,
    orders: Vec<Cow<'a, Order>>,
    refunds: Vec<Cow<'a, Refund>>,
    balance_fen: i64,
    flows: Vec<Cow<'a, Flow>>,
    #[serde(default = "usual_rate")]
    rate: i64,
    refund_delay_ms: i64,
    rotated: bool,
    bills: Vec<Cow<'a, Bill>>,
    #[serde(rename = "till")]
    funds: Cow<'a, Funds>,
    signing: AlipaySigning,
    #[serde(rename = "parcels")]
    queue: Vec<Cow<'a, QueuedNotification>>,
}

impl Saved<'_> {
    pub(crate) fn of(state: &State, now_ms: i64, ahead_ms: i64) -> Saved<'_> {
        let wechat = &state.wechat;
        let orders = newest_first(wechat.orders.values().collect(), |order| order.created_ms);
        let bills = newest_first(state.alipay.bills.values().collect(), |bill| bill.created_ms);
        let order_numbers: BTreeSet<&str> = orders.iter().map(|order| order.out_trade_no.as_str()).collect();
        let bill_numbers: BTreeSet<&str> = bills.iter().map(|bill| bill.out_trade_no.as_str()).collect();
        let is_kept = |number: &str| order_numbers.contains(number) || bill_numbers.contains(number);
        let refunds = wechat.refunds.values();
        let refunds = refunds.filter(|refund| order_numbers.contains(refund.out_trade_no.as_str()));
        let n_old_flows = wechat.account.flows.len().saturating_sub(MAX_FLOWS);
        Saved {
            version: VERSION,
            ahead_ms,
            refunds: refunds.map(Cow::Borrowed).collect(),
            balance_fen: wechat.account.balance_fen,
            flows: wechat.account.flows[n_old_flows..]
                .iter()
                .map(Cow::Borrowed)
                .collect(),
            rate: wechat.account.rate,
            refund_delay_ms: wechat.refund_delay_ms,
            rotated: wechat.rotated,
            funds: Cow::Borrowed(&state.alipay.funds),
            signing: state.alipay.signing,
            queue: borrow_all(state.outbox.to_save(is_kept, now_ms - DELIVERED_MS)),
            orders: borrow_all(orders),
            bills: borrow_all(bills),
        }
    }

    /// Restores the saved state into a new one.
    pub(crate) fn restore(self, state: &mut State) {
        let wechat = &mut state.wechat;
        for order in self.orders.into_iter().map(Cow::into_owned) {
            wechat
                .codes
                .insert(order.code.clone(), order.out_trade_no.clone());
            wechat.orders.insert(order.out_trade_no.clone(), order);
        }
        for refund in self.refunds.into_iter().map(Cow::into_owned) {
            wechat.refunds.insert(refund.out_refund_no.clone(), refund);
        }
        wechat.account.balance_fen = self.balance_fen;
        wechat.account.flows = self.flows.into_iter().map(Cow::into_owned).collect();
        wechat.account.rate = self.rate;
        wechat.refund_delay_ms = self.refund_delay_ms;
        wechat.rotated = self.rotated;
        let alipay = &mut state.alipay;
        for bill in self.bills.into_iter().map(Cow::into_owned) {
            if !bill.code.is_empty() {
                alipay.codes.insert(bill.code.clone(), bill.out_trade_no.clone());
            }
            alipay.bills.insert(bill.out_trade_no.clone(), bill);
        }
        alipay.funds = self.funds.into_owned();
        alipay.signing = self.signing;
        state.outbox = Outbox::restore(self.queue.into_iter().map(Cow::into_owned).collect());
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers, texts and lists can be written as JSON")
    }
}

fn borrow_all<T: Clone>(items: Vec<&T>) -> Vec<Cow<'_, T>> {
    items.into_iter().map(Cow::Borrowed).collect()
}

fn newest_first<T>(mut items: Vec<&T>, created_ms: impl Fn(&T) -> i64) -> Vec<&T> {
    if items.len() > MAX_TRADES {
        items.sort_by_key(|item| std::cmp::Reverse(created_ms(item)));
        items.truncate(MAX_TRADES);
    }
    items
}

/// Loads the saved state. An unreadable file is put aside: starting without it is better than not starting.
pub(crate) fn load(path: &Path) -> io::Result<Option<Saved<'static>>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match serde_json::from_slice::<Saved<'static>>(&bytes) {
        Ok(saved) if saved.version == VERSION => Ok(Some(saved)),
        read => {
            let reason = read
                .err()
                .map_or_else(|| "another version".to_owned(), |error| error.to_string());
            let aside = path.with_extension("unreadable");
            let shown = path.display();
            tracing::warn!(
                reason,
                "the simulator's books in {shown} cannot be read; they are put aside"
            );
            fs::rename(path, aside)?;
            Ok(None)
        }
    }
}

/// Replaces the file atomically: a reader finds the old state or the new one. Only its owner can read it.
pub(crate) fn store(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}
