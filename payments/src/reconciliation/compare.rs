//! Comparison of one line of a statement with one payment or refund of the books: pure rules, by numbers, then amount, then
//! status, then the movement of money, then the fee.

use std::time::Duration;

use domain::{RefundState, Timestamp};

use super::statement::{Flow, Line};
use crate::gateway::bill::RefundLine;
use crate::model::reconciliation::DifferenceKind;

/// A movement may be booked this much later than its trade, and so on the next day.
const BOOKING: Duration = Duration::from_mins(5);
/// Rates of Alipay in millionths: steps of 0.05 %, and 0.38 %. Used only when no day has shown a rate yet.
const RATE_STEP: i64 = 500;
const ODD_RATE: i64 = 3800;
/// A rate that fewer payments of a day show is no rate.
const MIN_OF_RATE: usize = 3;
/// Payments from which rates are learnt.
const MAX_OF_RATE: usize = 5000;
const MAX_RATE: i64 = 30_000;
const MILLION: i64 = 1_000_000;

/// A difference between a line and the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deviation {
    pub kind: DifferenceKind,
    pub statement: i64,
    pub books: i64,
    pub why: &'static str,
}

/// State in the books of the payment or refund of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BookState {
    Paid,
    /// Open, ended or declined.
    Unpaid,
    Refund(RefundState),
}

/// Rates that fees are judged by, in millionths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rates(Vec<i64>);

/// Compares a line with the books. `funds_until` is the end of the day when there is a fund-flow statement; without one only
/// the trade statement is compared.
pub(super) fn judge(
    line: &Line,
    amount: i64,
    state: BookState,
    rates: &Rates,
    funds_until: Option<Timestamp>,
) -> Option<Deviation> {
    judge_amount(line, amount)
        .or_else(|| judge_status(line, state))
        .or_else(|| funds_until.and_then(|until| judge_flow(line, until)))
        .or_else(|| judge_fee(line, rates))
}

fn deviation_of(kind: DifferenceKind, statement: i64, books: i64, why: &'static str) -> Option<Deviation> {
    Some(Deviation {
        kind,
        statement,
        books,
        why,
    })
}

fn judge_amount(line: &Line, amount: i64) -> Option<Deviation> {
    if line.amount == amount {
        return None;
    }
    deviation_of(
        DifferenceKind::Amount,
        line.amount,
        amount,
        "the statement has another amount",
    )
}

/// A statement is a snapshot: a refund that was in progress then may have ended since.
fn judge_status(line: &Line, state: BookState) -> Option<Deviation> {
    let status = |why| deviation_of(DifferenceKind::Status, line.amount, line.amount, why);
    match (line.refund.as_ref().map(|refund| refund.state), state) {
        (None, BookState::Unpaid) => status("the statement says paid, and the books say unpaid"),
        (Some(RefundLine::Done), BookState::Refund(RefundState::Failed)) => {
            status("the statement says refunded, and the books say failed")
        }
        (Some(RefundLine::Done), BookState::Refund(state)) if state != RefundState::Succeeded => {
            status("the statement says refunded, and the books do not know it yet")
        }
        (Some(RefundLine::Failed), BookState::Refund(RefundState::Succeeded)) => {
            status("the statement says that the refund failed, and the books say refunded")
        }
        _ => None,
    }
}

/// Compares a line with its movements on the account.
pub(super) fn judge_flow(line: &Line, until: Timestamp) -> Option<Deviation> {
    if line
        .refund
        .as_ref()
        .is_some_and(|refund| refund.state == RefundLine::Failed)
    {
        return None;
    }
    let Flow { gross, fee } = line.flow;
    if !line.has_moved {
        let is_nothing = line.settled == 0 && line.fee == 0;
        let may_be_later = line.at + BOOKING >= until;
        if is_nothing || may_be_later {
            return None;
        }
        return deviation_of(
            DifferenceKind::MissingInStatement,
            0,
            line.settled,
            "the trade statement has it, and no money moved in the fund-flow statement",
        );
    }
    // A refund may be one movement that contains the fee without naming it.
    let is_net = line.refund.is_some() && fee == 0 && gross == line.settled - line.fee;
    if is_net {
        return None;
    }
    if gross != line.settled {
        return deviation_of(
            DifferenceKind::Amount,
            gross,
            line.settled,
            "another amount moved in the fund-flow statement",
        );
    }
    if fee != line.fee {
        return deviation_of(
            DifferenceKind::Fee,
            fee,
            line.fee,
            "the fund-flow statement has another fee than the trade statement",
        );
    }
    None
}

/// Compares a fee with rate × amount. The fee of a refund is the difference of two rounded fees.
pub(super) fn judge_fee(line: &Line, rates: &Rates) -> Option<Deviation> {
    let rates = match line.rate {
        Some(rate) => &[i64::from(rate)][..],
        None => &rates.0,
    };
    let first = *rates.first()?;
    if line.refund.is_some() && (line.fee == 0 || line.rate.is_none()) {
        // Given back only where the contract says so.
        return None;
    }
    let is_right = rates.iter().any(|rate| {
        if line.refund.is_some() {
            (line.settled * rate / MILLION..=(line.settled * rate + MILLION - 1) / MILLION)
                .contains(&line.fee)
        } else {
            fits_rate(line.settled, line.fee, *rate)
        }
    });
    if is_right {
        return None;
    }
    deviation_of(
        DifferenceKind::Fee,
        line.fee,
        round_fee(line.settled, first),
        "the fee is not rate × amount",
    )
}

fn round_fee(amount: i64, rate: i64) -> i64 {
    (amount * rate + MILLION / 2) / MILLION
}

/// Whether a fee is rate × amount, rounded to the nearest fen; exactly half a fen may be rounded down.
fn fits_rate(amount: i64, fee: i64, rate: i64) -> bool {
    (amount * rate - fee * MILLION).abs() * 2 <= MILLION
}

impl Rates {
    /// Rates that the payments of a day show, for a gateway that does not tell them; else the rate of an earlier day; else the
    /// rates that the gateway is known to sign.
    pub fn learn<'a>(lines: impl Iterator<Item = &'a Line>, earlier: Option<i64>) -> Rates {
        let mut left: Vec<(i64, i64)> = lines
            .filter(|line| line.refund.is_none() && line.rate.is_none() && line.settled > 0)
            .map(|line| (line.settled, line.fee))
            .collect();
        // Large amounts narrow a rate down; a few thousand of them are enough.
        left.sort_unstable_by(|a, b| b.cmp(a));
        left.truncate(MAX_OF_RATE);
        let n_all = left.len();
        let mut rates: Vec<i64> = Vec::new();
        while let Some(rate) = most_frequent(&left) {
            let n_before = left.len();
            left.retain(|(amount, fee)| !fits_rate(*amount, *fee, rate));
            let n_of_rate = n_before - left.len();
            if n_of_rate < MIN_OF_RATE.max(n_all / 100) {
                break;
            }
            rates.push(rate);
        }
        if rates.is_empty() && n_all > 0 {
            rates = match earlier {
                Some(rate) => vec![rate],
                None => (0..=MAX_RATE / RATE_STEP)
                    .map(|step| step * RATE_STEP)
                    .chain([ODD_RATE])
                    .collect(),
            };
        }
        Rates(rates)
    }

    /// The rate of most payments, when the day itself shows it.
    pub fn main(&self) -> Option<i64> {
        match self.0.as_slice() {
            [] => None,
            rates if rates.len() > 20 => None,
            rates => rates.first().copied(),
        }
    }
}

/// The whole hundredth of a percent that explains the most of these fees; the largest amounts narrow it down best.
fn most_frequent(left: &[(i64, i64)]) -> Option<i64> {
    let mut votes: std::collections::BTreeMap<i64, usize> = std::collections::BTreeMap::new();
    for (amount, fee) in left {
        // Rates whose rounded fee this is.
        let lowest = ((fee * MILLION - MILLION / 2) / amount).max(0) / 100 * 100;
        let highest = ((fee * MILLION + MILLION / 2) / amount).min(MAX_RATE);
        let mut rate = lowest;
        while rate <= highest {
            if fits_rate(*amount, *fee, rate) {
                *votes.entry(rate).or_default() += 1;
            }
            rate += 100;
        }
    }
    let most = votes.values().max()?;
    // Of several that explain as many, one that gateways sign.
    let best = votes.iter().filter(|(_, n)| *n == most).map(|(rate, _)| *rate);
    best.min_by_key(|rate| (rate % RATE_STEP != 0 && *rate != ODD_RATE, (*rate - 6000).abs()))
}

#[cfg(test)]
mod tests;
