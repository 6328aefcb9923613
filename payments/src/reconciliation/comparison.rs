//! Comparison of a whole day: each line of the statement finds its payment or refund, and the reverse. The fees of what
//! agrees are posted page by page, so that a run that was cut off goes on where it ended.

use std::time::Duration;

use domain::{Payment, PaymentNo, PaymentState, RefundId, RefundState};
use futures_util::FutureExt;

use super::compare::{BookState, Deviation, Rates, judge};
use super::fees::{Fee, post_fees};
use super::statement::{NumberedLine, Statement};
use crate::calendar::beijing;
use crate::gateway::Gateway;
use crate::gateway::bill::{BillDay, RefundLine};
use crate::model::reconciliation::{DayFigures, Difference, DifferenceKind, DifferenceState};
use crate::store::payments::days::{DayCursor, PaidRow, has_trade, list_paid};
use crate::store::refunds::days::{RefundOfDayRow, find_of_number, list_of_day};
use crate::store::{StoreError, fee_entries, payments};
use crate::{Error, Services};

/// Rows of the books that are compared in one step, and whose fees are posted in one transaction.
const PAGE: i64 = 500;
/// A refund of the last hour may stand in the statement of the next day.
const EDGE: Duration = Duration::from_hours(1);
/// Limits the differences of one day. A statement of something else would have as many as it has lines.
const MOST_DIFFERENCES: usize = 10_000;

/// Result of one look.
#[derive(Debug, Default)]
pub(super) struct Comparison {
    pub figures: DayFigures,
    pub differences: Vec<Difference>,
    /// Queries of the gateway that may settle differences.
    pub questions: Vec<Question>,
}

/// Payment or refund that the statement knows better than the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    Payment(PaymentNo),
    Refund(RefundId),
}

/// One look at a day.
pub(super) struct Look<'a> {
    pub services: &'a Services,
    pub gateway: &'a Gateway,
    pub day: BillDay,
    pub statement: &'a mut Statement,
    pub rates: &'a Rates,
}

impl Look<'_> {
    pub async fn compare(mut self) -> Result<Comparison, Error> {
        for line in &mut self.statement.lines {
            line.is_judged = false;
        }
        let mut found = Comparison::default();
        self.compare_payments(&mut found).await?;
        self.compare_refunds(&mut found).await?;
        self.compare_rest(&mut found).await?;
        self.compare_strays(&mut found).await?;
        self.sum(&mut found);
        let (channel, date) = (self.gateway.channel(), self.day.date);
        found.figures.books.fees = self
            .services
            .db
            .read_one(|tx| async move { fee_entries::sum_of_day(tx, date, channel).await }.boxed())
            .await?;
        Ok(found)
    }

    /// End of the day, when there is a fund-flow statement to compare with.
    fn funds_until(&self) -> Option<domain::Timestamp> {
        self.statement.fund_net.map(|_| self.day.to)
    }

    async fn compare_payments(&mut self, found: &mut Comparison) -> Result<(), Error> {
        let (channel, account) = (self.gateway.channel(), self.gateway.account());
        let mut after = DayCursor {
            at: self.day.from.millis(),
            id: String::new(),
        };
        loop {
            let (cursor, to) = (&after, self.day.to);
            let page: Vec<PaidRow> = self
                .services
                .db
                .read_one(|tx| {
                    async move { list_paid(tx, (channel, account), cursor, to, PAGE).await }.boxed()
                })
                .await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = DayCursor {
                at: last.paid_at,
                id: last.id.clone(),
            };
            let mut fees = Vec::new();
            for row in &page {
                found.figures.books.payments += row.amount;
                fees.extend(self.judge_paid(row, found));
            }
            post_fees(self.services, (self.day.date, channel), &fees).await?;
        }
    }

    /// Compares a paid payment with its line, and returns the fee to post.
    fn judge_paid<'r>(&mut self, row: &'r PaidRow, found: &mut Comparison) -> Option<Fee<'r>> {
        let funds_until = self.funds_until();
        let places = self.statement.payments_of(&row.payment_no);
        let own = |place: &&usize| self.statement.numbered(**place).transaction_id == row.transaction_id;
        let Some(place) = places.iter().find(own).or(places.first()).copied() else {
            found.add(Difference {
                kind: DifferenceKind::MissingInStatement,
                subject: row.payment_no.clone(),
                payment_no: Some(row.payment_no.clone()),
                refund_no: None,
                transaction_id: Some(row.transaction_id.clone()),
                statement_amount: None,
                book_amount: Some(row.amount),
                state: DifferenceState::Open,
                evidence: format!(
                    "books: paid {} at {}, trade {}; the trade statement has no such payment",
                    format_yuan(row.amount),
                    beijing(domain::Timestamp::from_millis(row.paid_at)),
                    row.transaction_id
                ),
                explanation: None,
                explained_by: None,
            });
            return None;
        };
        for other in places.iter().filter(|other| **other != place) {
            found.add(duplicate_difference(self.statement.numbered(*other)));
            self.statement.lines[*other].is_judged = true;
        }
        self.statement.lines[place].is_judged = true;
        let numbered = self.statement.numbered(place);
        let line = numbered.line;
        if let Some(deviation) = judge(line, row.amount, BookState::Paid, self.rates, funds_until) {
            found.add(difference_of_line(numbered, &deviation, "paid"));
        }
        Some(Fee {
            reference: &row.id,
            refund: None,
            fen: line.fee,
            posted: Some(row.fee),
        })
    }

    async fn compare_refunds(&mut self, found: &mut Comparison) -> Result<(), Error> {
        let (channel, account) = (self.gateway.channel(), self.gateway.account());
        let mut after = DayCursor {
            at: (self.day.from - EDGE).millis(),
            id: String::new(),
        };
        loop {
            let (cursor, to) = (&after, self.day.to);
            let page: Vec<RefundOfDayRow> = self
                .services
                .db
                .read_one(|tx| {
                    async move { list_of_day(tx, (channel, account), cursor, to, PAGE).await }.boxed()
                })
                .await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = DayCursor {
                at: last.at,
                id: last.id.clone(),
            };
            let mut fees = Vec::new();
            for row in &page {
                match self.statement.refund_of(&row.refund_no) {
                    Some(place) => fees.extend(self.judge_refund(place, row, found)?),
                    None => self.judge_missing_refund(row, found),
                }
            }
            post_fees(self.services, (self.day.date, channel), &fees).await?;
        }
    }

    fn judge_refund<'r>(
        &mut self,
        place: usize,
        row: &'r RefundOfDayRow,
        found: &mut Comparison,
    ) -> Result<Option<Fee<'r>>, Error> {
        let funds_until = self.funds_until();
        self.statement.lines[place].is_judged = true;
        let numbered = self.statement.numbered(place);
        let line = numbered.line;
        let state = RefundState::parse(&row.state).ok_or(StoreError::Corrupt("refunds.state"))?;
        let id = RefundId::parse(&row.id).ok_or(StoreError::Corrupt("refunds.id"))?;
        let is_failed = line
            .refund
            .as_ref()
            .is_some_and(|refund| refund.state == RefundLine::Failed);
        if state != RefundState::Failed && !(is_failed && state != RefundState::Succeeded) {
            found.figures.books.refunds += row.amount;
        }
        let deviation = judge(
            line,
            row.amount,
            BookState::Refund(state),
            self.rates,
            funds_until,
        );
        if let Some(deviation) = &deviation {
            found.add(difference_of_line(numbered, deviation, state.as_str()));
            if deviation.kind == DifferenceKind::Status {
                found.questions.push(Question::Refund(id.clone()));
            }
        }
        let fen = if is_failed { 0 } else { -line.fee };
        Ok(Some(Fee {
            reference: &row.id,
            refund: Some(id),
            fen,
            posted: row.statement_day.as_ref().map(|_| row.fee),
        }))
    }

    /// A refund that the statement does not list. Only one whose money moved, as far as we know, must stand in it.
    fn judge_missing_refund(&self, row: &RefundOfDayRow, found: &mut Comparison) {
        let at = domain::Timestamp::from_millis(row.at);
        let today = self.day.date.to_string();
        let is_of_other_day =
            row.statement_day.as_ref().is_some_and(|day| *day != today) || at >= self.day.to - EDGE;
        if is_of_other_day || row.state != RefundState::Succeeded.as_str() {
            return;
        }
        found.figures.books.refunds += row.amount;
        found.add(Difference {
            kind: DifferenceKind::MissingInStatement,
            subject: row.refund_no.clone(),
            payment_no: Some(row.payment_no.clone()),
            refund_no: Some(row.refund_no.clone()),
            transaction_id: row.transaction_id.clone(),
            statement_amount: None,
            book_amount: Some(row.amount),
            state: DifferenceState::Open,
            evidence: format!(
                "books: refunded {}, sent or ended at {}; the trade statement has no such refund",
                format_yuan(row.amount),
                beijing(at)
            ),
            explanation: None,
            explained_by: None,
        });
    }

    /// Lines that no payment or refund of the day has claimed.
    async fn compare_rest(&mut self, found: &mut Comparison) -> Result<(), Error> {
        for place in 0..self.statement.lines.len() {
            let line = &self.statement.lines[place];
            if line.is_judged || !line.is_ours {
                continue;
            }
            match &line.refund {
                None => self.judge_unclaimed_payment(place, found).await?,
                Some(_) => self.judge_unclaimed_refund(place, found).await?,
            }
        }
        Ok(())
    }

    async fn judge_unclaimed_payment(&mut self, place: usize, found: &mut Comparison) -> Result<(), Error> {
        let channel = self.gateway.channel();
        let number = PaymentNo::parse(self.statement.numbered(place).payment_no);
        let payment: Option<Payment> = match &number {
            Some(number) => self
                .services
                .db
                .read_one(|tx| async move { payments::find_by_number(tx, number).await }.boxed())
                .await?
                .map(|(payment, _)| payment)
                .filter(|payment| payment.method().channel() == Some(channel)),
            None => None,
        };
        let funds_until = self.funds_until();
        let others = self
            .statement
            .payments_of(self.statement.numbered(place).payment_no);
        self.statement.lines[place].is_judged = true;
        let numbered = self.statement.numbered(place);
        let line = numbered.line;
        let Some(payment) = payment else {
            found.add(unknown_difference(numbered));
            return Ok(());
        };
        let is_paid = payment.state == PaymentState::Paid;
        let state = if is_paid {
            BookState::Paid
        } else {
            BookState::Unpaid
        };
        let deviation = judge(line, payment.amount.fen(), state, self.rates, funds_until);
        if let Some(deviation) = &deviation {
            found.add(difference_of_line(numbered, deviation, payment.state.as_str()));
        }
        if !is_paid {
            found
                .questions
                .push(Question::Payment(payment.payment_no.clone()));
        } else if !self.day.has(payment.paid_at.unwrap_or(self.day.from)) {
            // Booked on another day than the gateway says: it belongs to the day of the statement.
            found.figures.books.payments += payment.amount.fen();
            let fee = Fee {
                reference: payment.id.as_str(),
                refund: None,
                fen: line.fee,
                posted: None,
            };
            post_fees(self.services, (self.day.date, channel), &[fee]).await?;
        }
        for other in others.into_iter().filter(|other| *other != place) {
            if !self.statement.lines[other].is_judged {
                found.add(duplicate_difference(self.statement.numbered(other)));
                self.statement.lines[other].is_judged = true;
            }
        }
        Ok(())
    }

    async fn judge_unclaimed_refund(&mut self, place: usize, found: &mut Comparison) -> Result<(), Error> {
        let channel = self.gateway.channel();
        let number = self.statement.lines[place]
            .refund
            .as_ref()
            .map(|refund| refund.refund_no.to_string());
        let number = number.as_deref().unwrap_or_default();
        let row: Option<RefundOfDayRow> = self
            .services
            .db
            .read_one(|tx| async move { find_of_number(tx, channel, number).await }.boxed())
            .await?;
        let Some(row) = row else {
            self.statement.lines[place].is_judged = true;
            let numbered = self.statement.numbered(place);
            let is_failed = numbered
                .line
                .refund
                .as_ref()
                .is_some_and(|refund| refund.state == RefundLine::Failed);
            if !is_failed {
                found.add(unknown_difference(numbered));
            }
            return Ok(());
        };
        let fee = self.judge_refund(place, &row, found)?;
        let fees: Vec<Fee<'_>> = fee.into_iter().collect();
        post_fees(self.services, (self.day.date, channel), &fees).await
    }

    /// Movements on the account that the trade statement does not have.
    async fn compare_strays(&mut self, found: &mut Comparison) -> Result<(), Error> {
        let channel = self.gateway.channel();
        let begun = self.day.from + Duration::from_mins(5);
        for stray in &self.statement.strays {
            let trade = stray.business_no.as_str();
            let is_told = found.differences.iter().any(|difference| {
                difference.transaction_id.as_deref() == Some(trade)
                    || difference.refund_no.is_some() && difference.refund_no == stray.refund_no
            });
            // A refund is known by its own number: the one of its trade is that of the payment too.
            let refund_no = stray.refund_no.as_deref();
            let is_known = self
                .services
                .db
                .read_one(|tx| {
                    async move {
                        match refund_no {
                            Some(number) => Ok(find_of_number(tx, channel, number).await?.is_some()),
                            None => has_trade(tx, channel, trade).await,
                        }
                    }
                    .boxed()
                })
                .await?;
            // A trade of the last minutes of the day before, or one whose missing line is told already.
            if is_told || (is_known && stray.at < begun) {
                continue;
            }
            let kind = if is_known {
                DifferenceKind::MissingInStatement
            } else {
                DifferenceKind::MissingInBooks
            };
            found.add(Difference {
                kind,
                subject: stray
                    .refund_no
                    .clone()
                    .unwrap_or_else(|| stray.business_no.clone()),
                payment_no: None,
                refund_no: stray.refund_no.clone(),
                transaction_id: Some(stray.business_no.clone()),
                statement_amount: Some(stray.fen.abs()),
                book_amount: None,
                state: DifferenceState::Open,
                evidence: format!(
                    "fund-flow statement: {} at {}, number {}; the trade statement has no such line",
                    signed_yuan(stray.fen),
                    beijing(stray.at),
                    stray.business_no
                ),
                explanation: None,
                explained_by: None,
            });
        }
        Ok(())
    }

    fn sum(&self, found: &mut Comparison) {
        let figures = &mut found.figures;
        for line in &self.statement.lines {
            if !line.is_ours {
                figures.n_foreign += 1;
                figures.foreign_net += line.net();
                continue;
            }
            match &line.refund {
                None => {
                    figures.n_payments += 1;
                    figures.statement.payments += line.amount;
                    figures.statement.fees += line.fee;
                    figures.discounts += line.discount();
                }
                Some(refund) if refund.state == RefundLine::Failed => {}
                Some(_) => {
                    figures.n_refunds += 1;
                    figures.statement.refunds += line.amount;
                    figures.statement.fees -= line.fee;
                    figures.discounts -= line.discount();
                }
            }
        }
        figures.fund_net = self.statement.fund_net;
        figures.rate = self.rates.main();
    }
}

impl Comparison {
    fn add(&mut self, difference: Difference) {
        if self.differences.len() < MOST_DIFFERENCES {
            self.differences.push(difference);
        }
    }
}

fn difference_of_line(numbered: NumberedLine<'_>, deviation: &Deviation, books: &str) -> Difference {
    let refund_no = numbered
        .line
        .refund
        .as_ref()
        .map(|refund| refund.refund_no.to_string());
    Difference {
        kind: deviation.kind,
        subject: refund_no
            .clone()
            .unwrap_or_else(|| numbered.payment_no.to_owned()),
        payment_no: Some(numbered.payment_no.to_owned()),
        refund_no,
        transaction_id: Some(numbered.transaction_id.to_owned()),
        statement_amount: Some(deviation.statement),
        book_amount: Some(deviation.books),
        state: DifferenceState::Open,
        evidence: format!("{}; {}; books: {books}", deviation.why, describe_line(numbered)),
        explanation: None,
        explained_by: None,
    }
}

/// A line whose number is ours in form, and which the books do not have.
fn unknown_difference(numbered: NumberedLine<'_>) -> Difference {
    let deviation = Deviation {
        kind: DifferenceKind::MissingInBooks,
        statement: numbered.line.amount,
        books: 0,
        why: "the statement has it, and the books have nothing under this number",
    };
    Difference {
        book_amount: None,
        ..difference_of_line(numbered, &deviation, "nothing")
    }
}

fn duplicate_difference(numbered: NumberedLine<'_>) -> Difference {
    let deviation = Deviation {
        kind: DifferenceKind::Duplicate,
        statement: numbered.line.amount,
        books: 0,
        why: "the statement has another trade under the same number",
    };
    Difference {
        subject: numbered.transaction_id.to_owned(),
        book_amount: None,
        ..difference_of_line(numbered, &deviation, "another trade")
    }
}

/// Line of the statement in words.
fn describe_line(numbered: NumberedLine<'_>) -> String {
    let line = numbered.line;
    let what = match &line.refund {
        None => "payment".to_owned(),
        Some(refund) => format!("refund {} ({:?})", refund.refund_no, refund.state),
    };
    let rate = line
        .rate
        .map(|rate| format!(" at {}.{:02} %", rate / 10_000, rate % 10_000 / 100))
        .unwrap_or_default();
    let flow = if line.has_moved {
        format!(
            "; fund-flow statement: {} and fee {}",
            format_yuan(line.flow.gross),
            format_yuan(line.flow.fee)
        )
    } else {
        String::new()
    };
    format!(
        "trade statement: {what} {}, trade {}, at {}, amount {}, settled {}, fee {}{rate}{flow}",
        numbered.payment_no,
        numbered.transaction_id,
        beijing(line.at),
        format_yuan(line.amount),
        format_yuan(line.settled),
        format_yuan(line.fee)
    )
}

/// Formats fen of either sign as yuan.
pub(super) fn signed_yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

fn format_yuan(fen: i64) -> String {
    signed_yuan(fen)
}
