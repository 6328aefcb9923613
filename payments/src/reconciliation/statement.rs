//! A day's statement in memory: each payment and refund with what the fund-flow statement says of it.
//!
//! Lines are small, because a day may have hundreds of thousands of them.

use std::collections::HashMap;

use domain::{PaymentNo, Timestamp};

use crate::gateway::bill::{FundLine, FundPart, RefundLine, TradeKind, TradeLine};

/// Limits the remembered movements that belong to no line.
const MOST_STRAYS: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Statement {
    pub lines: Vec<Line>,
    numbers: Numbers,
    /// Places of payments, sorted by our number; several have one number when a trade is listed twice.
    by_payment_no: Vec<u32>,
    /// Places of payments, sorted by the gateway's number.
    by_trade: Vec<u32>,
    refunds_by_no: HashMap<Box<str>, usize>,
    refunds_by_id: HashMap<Box<str>, usize>,
    /// `None`: there is no fund-flow statement. Net of its payments, refunds and fees.
    pub fund_net: Option<i64>,
    pub strays: Vec<Stray>,
}

/// Our number of the payment and the gateway's of the trade, of all lines, one after the other: hundreds of thousands of
/// small texts would take half as much again.
#[derive(Debug, Default)]
struct Numbers(String);

/// Place of a line in [`Numbers`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct NumbersOfLine {
    from: u32,
    n_payment_no: u16,
    n_transaction_id: u16,
}

impl Numbers {
    fn push(&mut self, payment_no: &str, transaction_id: &str) -> NumbersOfLine {
        let from = self.0.len().try_into().expect("a statement has less than 4 GB");
        NumbersOfLine {
            from,
            n_payment_no: self.push_one(payment_no),
            n_transaction_id: self.push_one(transaction_id),
        }
    }

    /// Returns the length of what was appended: a text of more than 64 KB is no number.
    fn push_one(&mut self, number: &str) -> u16 {
        let Ok(length) = number.len().try_into() else {
            return 0;
        };
        self.0.push_str(number);
        length
    }

    fn payment_no(&self, of: NumbersOfLine) -> &str {
        let from = to_index(of.from);
        &self.0[from..from + usize::from(of.n_payment_no)]
    }

    fn transaction_id(&self, of: NumbersOfLine) -> &str {
        let from = to_index(of.from) + usize::from(of.n_payment_no);
        &self.0[from..from + usize::from(of.n_transaction_id)]
    }
}

/// A payment or a refund.
#[derive(Debug)]
pub(super) struct Line {
    pub numbers: NumbersOfLine,
    /// Whether the payment, or the payment that is refunded, has a number of ours. Other programs may use the same merchant
    /// number.
    pub is_ours: bool,
    pub refund: Option<Box<RefundOfLine>>,
    pub amount: i64,
    pub settled: i64,
    /// Taken for a payment, given back for a refund.
    pub fee: i64,
    /// In millionths.
    pub rate: Option<i32>,
    pub at: Timestamp,
    pub flow: Flow,
    /// Whether the fund-flow statement has a movement of it.
    pub has_moved: bool,
    /// Found in the books, or told as a difference.
    pub is_judged: bool,
}

#[derive(Debug)]
pub(super) struct RefundOfLine {
    pub refund_no: Box<str>,
    pub state: RefundLine,
}

/// Movements of one line on the account, in the direction that is usual for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flow {
    pub gross: i64,
    pub fee: i64,
}

/// Movement of a payment or refund that no line of the trade statement has.
#[derive(Debug)]
pub(super) struct Stray {
    pub business_no: String,
    pub refund_no: Option<String>,
    pub fen: i64,
    pub at: Timestamp,
}

/// A line with its numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct NumberedLine<'a> {
    pub line: &'a Line,
    pub payment_no: &'a str,
    pub transaction_id: &'a str,
}

impl Line {
    fn new(line: TradeLine, numbers: NumbersOfLine) -> Line {
        let is_ours = PaymentNo::is_made_by_us(&line.payment_no);
        let refund = match line.kind {
            TradeKind::Payment => None,
            TradeKind::Refund { refund_no, state, .. } => Some(Box::new(RefundOfLine {
                refund_no: refund_no.into(),
                state,
            })),
        };
        Line {
            numbers,
            is_ours,
            refund,
            amount: line.amount.fen(),
            settled: line.settled.fen(),
            fee: line.fee.fen(),
            rate: line.rate.and_then(|rate| rate.try_into().ok()),
            at: line.at,
            flow: Flow::default(),
            has_moved: false,
            is_judged: false,
        }
    }

    /// Part that the merchant's own coupons paid.
    pub fn discount(&self) -> i64 {
        self.amount - self.settled
    }

    /// Net for the merchant: below zero for a refund.
    pub fn net(&self) -> i64 {
        match &self.refund {
            None => self.settled - self.fee,
            Some(refund) if refund.state == RefundLine::Failed => 0,
            Some(_) => self.fee - self.settled,
        }
    }
}

impl Statement {
    pub fn push(&mut self, line: TradeLine) {
        if let TradeKind::Refund {
            refund_no,
            gateway_refund_id,
            ..
        } = &line.kind
        {
            let place = self.lines.len();
            self.refunds_by_no.insert(refund_no.as_str().into(), place);
            if let Some(id) = gateway_refund_id {
                self.refunds_by_id.insert(id.as_str().into(), place);
            }
        }
        let numbers = self.numbers.push(&line.payment_no, &line.transaction_id);
        self.lines.push(Line::new(line, numbers));
    }

    pub fn numbered(&self, place: usize) -> NumberedLine<'_> {
        let line = &self.lines[place];
        NumberedLine {
            line,
            payment_no: self.numbers.payment_no(line.numbers),
            transaction_id: self.numbers.transaction_id(line.numbers),
        }
    }

    fn payment_no_at(&self, place: u32) -> &str {
        self.numbers.payment_no(self.lines[to_index(place)].numbers)
    }

    fn transaction_id_at(&self, place: u32) -> &str {
        self.numbers.transaction_id(self.lines[to_index(place)].numbers)
    }

    /// Orders the lines for lookups; after the last [`Statement::push`].
    pub fn sort(&mut self) {
        let payments = (0..).zip(&self.lines).filter(|(_, line)| line.refund.is_none());
        let mut by_payment_no: Vec<u32> = payments.map(|(place, _)| place).collect();
        let mut by_trade = by_payment_no.clone();
        by_payment_no.sort_by(|a, b| self.payment_no_at(*a).cmp(self.payment_no_at(*b)));
        by_trade.sort_by(|a, b| self.transaction_id_at(*a).cmp(self.transaction_id_at(*b)));
        self.by_payment_no = by_payment_no;
        self.by_trade = by_trade;
    }

    /// Adds a movement of the fund-flow statement to its line; after [`Statement::sort`].
    pub fn add_fund(&mut self, fund: &FundLine) {
        let fen = fund.amount.fen();
        let signed = if fund.is_income { fen } else { -fen };
        if fund.part == FundPart::Other {
            return;
        }
        self.fund_net = Some(self.fund_net.unwrap_or(0) + signed);
        let Some(place) = self.place_of(fund) else {
            if fund.part != FundPart::Fee && self.strays.len() < MOST_STRAYS {
                self.strays.push(Stray {
                    business_no: fund.business_no.clone(),
                    refund_no: fund.refund_no.clone(),
                    fen: signed,
                    at: fund.at,
                });
            }
            return;
        };
        let line = &mut self.lines[place];
        let usual = if line.refund.is_some() { -signed } else { signed };
        let inside = fund.fee_inside.map_or(0, domain::Money::fen);
        line.has_moved = true;
        if fund.part == FundPart::Fee {
            line.flow.fee -= usual;
        } else {
            line.flow.gross += usual + inside;
            line.flow.fee += inside;
        }
    }

    fn place_of(&self, fund: &FundLine) -> Option<usize> {
        let of_refund = fund
            .refund_no
            .as_deref()
            .and_then(|number| self.refunds_by_no.get(number))
            .or_else(|| self.refunds_by_id.get(fund.business_no.as_str()));
        match of_refund {
            Some(place) => Some(*place),
            None if fund.part == FundPart::Refund => None,
            None => self.payment_of_trade(&fund.business_no),
        }
    }

    pub fn payment_of_trade(&self, transaction_id: &str) -> Option<usize> {
        let found = self
            .by_trade
            .binary_search_by(|place| self.transaction_id_at(*place).cmp(transaction_id));
        found.ok().map(|index| to_index(self.by_trade[index]))
    }

    /// Payments with this number: one, unless a trade is listed twice.
    pub fn payments_of(&self, payment_no: &str) -> Vec<usize> {
        let number = |place: &u32| self.payment_no_at(*place);
        let from = self
            .by_payment_no
            .partition_point(|place| number(place) < payment_no);
        let to = self
            .by_payment_no
            .partition_point(|place| number(place) <= payment_no);
        self.by_payment_no[from..to]
            .iter()
            .copied()
            .map(to_index)
            .collect()
    }

    pub fn refund_of(&self, refund_no: &str) -> Option<usize> {
        self.refunds_by_no.get(refund_no).copied()
    }
}

/// Index of a place. Places are `u32`, because a day has two for each line.
fn to_index(place: u32) -> usize {
    place.try_into().expect("memory holds all lines")
}
