//! Entries of Alipay's bills: payments, and refunds at the time of their end.

use super::super::Alipay;
use super::super::bill::{Bill, Trade};
use super::{Wanted, ledger};
use crate::books::Gateway;
use crate::state::State;
use crate::statement::{self, Entry, Period, RefundPart, RefundWord, StatementFault, fee_of};

/// Opening balance, so that no balance is negative.
const OPENING_FEN: i64 = 100_000_000;

/// The entries of a bill, with the differences that a test wants in it. Alipay lists only refunds that succeeded.
pub(super) fn planted(state: &State, wanted: &Wanted) -> Vec<Entry> {
    let period = wanted.true_period();
    if wanted.fault == Some(StatementFault::Missing) {
        return Vec::new();
    }
    let mut entries = state.alipay.entries(&period);
    let mut plants = state.plants.clone();
    plants.extend(wanted.fault.and_then(|fault| fault.plant(&entries)));
    let rate = state.alipay.funds.rate;
    statement::apply(
        &plants,
        Gateway::Alipay,
        wanted.kind.table(),
        &period,
        rate,
        &mut entries,
    );
    entries.retain(is_listed);
    entries
}

fn is_listed(entry: &Entry) -> bool {
    entry
        .refund
        .as_ref()
        .is_none_or(|refund| refund.state == RefundWord::Success)
}

impl Alipay {
    /// Returns the payments and refunds of a period in their order, also refunds that are under way.
    fn entries(&self, period: &Period) -> Vec<Entry> {
        let trades = self
            .bills
            .values()
            .filter_map(|bill| Some((bill, bill.trade.as_ref()?)));
        let mut entries: Vec<Entry> = trades
            .flat_map(|(bill, trade)| entries_of(bill, trade, period))
            .collect();
        entries.sort_by_key(|entry| entry.at_ms);
        entries
    }

    /// Balance of the account at this time.
    pub(super) fn balance_fen(&self, at_ms: i64) -> i64 {
        let since_ever = Period {
            from_ms: 0,
            until_ms: at_ms,
            made_ms: at_ms,
        };
        let mut entries = self.entries(&since_ever);
        entries.retain(is_listed);
        OPENING_FEN + ledger::moved_fen(&entries)
    }
}

fn entries_of(bill: &Bill, trade: &Trade, period: &Period) -> Vec<Entry> {
    let paid = trade
        .paid_ms
        .filter(|at_ms| period.has(*at_ms))
        .map(|at_ms| Entry {
            fen: bill.total_fen,
            coupon_fen: trade.coupon_fen,
            merchant_coupon_fen: trade.merchant_coupon_fen,
            fee_fen: fee_of(trade.settled_fen(bill.total_fen), trade.rate),
            ..entry_of(bill, trade, at_ms)
        });
    let refunds = trade.refunds.iter().filter_map(|refund| {
        let at_ms = refund.done_ms.unwrap_or(refund.accepted_ms);
        let state = if refund.is_done() {
            RefundWord::Success
        } else {
            RefundWord::Processing
        };
        period.has(at_ms).then(|| Entry {
            fen: refund.fen,
            coupon_fen: refund.coupon_fen,
            merchant_coupon_fen: refund.merchant_coupon_fen,
            fee_fen: refund.fee_fen,
            refund: Some(RefundPart {
                refund_no: refund.request_no.clone(),
                gateway_no: String::new(),
                state,
                ended_ms: refund.done_ms,
            }),
            ..entry_of(bill, trade, at_ms)
        })
    });
    paid.into_iter().chain(refunds).collect()
}

fn entry_of(bill: &Bill, trade: &Trade, at_ms: i64) -> Entry {
    Entry {
        at_ms,
        created_ms: trade.created_ms,
        out_trade_no: bill.out_trade_no.clone(),
        gateway_no: trade.trade_no.clone(),
        title: bill.subject.clone(),
        attach: String::new(),
        store: bill.store_id.clone().unwrap_or_default(),
        device: bill.terminal_id.clone().unwrap_or_default(),
        payer: trade.buyer_logon_id(),
        product: "",
        fen: 0,
        coupon_fen: 0,
        merchant_coupon_fen: 0,
        fee_fen: 0,
        rate: trade.rate,
        refund: None,
    }
}
