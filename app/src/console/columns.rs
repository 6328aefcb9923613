//! Columns of the files for accountants: a line is a column, with its heading and its cells.
//!
//! A number that is a name (of an order, a payment, a trade) is text, or a spreadsheet would round it.

use domain::{PaymentNo, Product, Timestamp};
use payments::console::{EntryLine, LineKind, OrderLine, PaymentLine, RefundLine};
use payments::gateway::bill::{FundLine, FundPart, RefundLine as RefundState, TradeKind, TradeLine};
use payments::reconciliation::{Reconciliation, ReconciliationStatus};

use super::format;
use crate::i18n::{ConsoleWords, FileWords};

/// Texts of files: their own, and those that they share with the pages.
#[derive(Debug, Clone, Copy)]
pub struct FileTexts {
    pub console: &'static ConsoleWords,
    pub files: &'static FileWords,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Empty,
    Text(String),
    /// A count, or a place in a sequence.
    Number(i64),
    /// Fen, shown in yuan.
    Amount(i64),
    /// Day in Beijing, `2026-11-27`.
    Date(String),
    /// Instant, shown in Beijing.
    Beijing(Timestamp),
    /// Instant, shown in UTC.
    Utc(Timestamp),
}

/// A column: its heading, and the cell of a line.
#[derive(Debug, Clone, Copy)]
pub struct Column<T: 'static> {
    pub name: fn(FileTexts) -> &'static str,
    pub cell: fn(&T, FileTexts) -> Cell,
}

pub const fn column<T>(name: fn(FileTexts) -> &'static str, cell: fn(&T, FileTexts) -> Cell) -> Column<T> {
    Column { name, cell }
}

pub fn text(text: impl ToString) -> Cell {
    Cell::Text(text.to_string())
}

fn optional_cell<T>(value: Option<T>, cell: impl FnOnce(T) -> Cell) -> Cell {
    value.map_or(Cell::Empty, cell)
}

fn paid_at(line: &OrderLine) -> Option<Timestamp> {
    line.order.paid_at
}

#[rustfmt::skip]
pub const ORDERS: &[Column<OrderLine>] = &[
    column(|words| words.console.order_no, |line, _| text(&line.order.order_no)),
    column(|words| words.console.user, |line, _| text(&line.order.user_id)),
    column(|words| words.console.subject_of_order, |line, _| text(&line.order.subject)),
    column(|words| words.files.amount_cny, |line, _| Cell::Amount(line.order.amount.fen())),
    column(|words| words.files.refunded_cny, |line, _| Cell::Amount(line.order.refunded.fen())),
    column(|words| words.console.status, |line, words| text(format::order_status_name(line.order.status(), words.console))),
    column(|words| words.console.method, |line, words| optional_cell(line.paid_by.as_ref(), |paid| text(format::method(paid.product.method(), words.console)))),
    column(|words| words.files.product, |line, words| optional_cell(line.paid_by.as_ref(), |paid| text(product_word(paid.product, words)))),
    column(|words| words.console.payment_no, |line, _| optional_cell(line.paid_by.as_ref(), |paid| text(&paid.payment_no))),
    column(|words| words.console.transaction, |line, _| optional_cell(line.paid_by.as_ref(), |paid| text(&paid.transaction_id))),
    column(|words| words.files.created_at_beijing, |line, _| Cell::Beijing(line.order.created_at)),
    column(|words| words.files.paid_at_beijing, |line, _| optional_cell(paid_at(line), Cell::Beijing)),
    column(|words| words.files.paid_at_utc, |line, _| optional_cell(paid_at(line), Cell::Utc)),
    column(|words| words.console.reason, |line, words| optional_cell(line.order.cancel_reason.as_deref(), |reason| text(format::reason_text(reason, words.console)))),
    column(|words| words.console.id, |line, _| text(&line.order.id)),
];

#[rustfmt::skip]
pub const PAYMENTS: &[Column<PaymentLine>] = &[
    column(|words| words.console.payment_no, |line, _| text(&line.payment_no)),
    column(|words| words.console.transaction, |line, _| text(&line.transaction_id)),
    column(|words| words.console.order_no, |line, _| text(&line.order_no)),
    column(|words| words.console.user, |line, _| text(&line.user_id)),
    column(|words| words.console.subject_of_order, |line, _| text(&line.subject)),
    column(|words| words.console.method, |line, words| text(format::method(line.product.method(), words.console))),
    column(|words| words.files.product, |line, words| text(product_word(line.product, words))),
    column(|words| words.files.amount_cny, |line, _| Cell::Amount(line.amount.fen())),
    column(|words| words.files.fee_cny, |line, _| optional_cell(line.fee, Cell::Amount)),
    column(|words| words.files.net_cny, |line, _| Cell::Amount(line.amount.fen() - line.fee.unwrap_or(0))),
    column(|words| words.files.refunded_cny, |line, _| Cell::Amount(line.refunded.fen())),
    column(|words| words.files.paid_at_beijing, |line, _| Cell::Beijing(line.paid_at)),
    column(|words| words.files.paid_at_utc, |line, _| Cell::Utc(line.paid_at)),
    column(|words| words.console.surplus, |line, words| text(if line.settles { words.console.no } else { words.console.yes })),
    column(|words| words.console.id, |line, _| text(&line.id)),
];

#[rustfmt::skip]
pub const REFUNDS: &[Column<RefundLine>] = &[
    column(|words| words.console.refund_no, |line, _| text(&line.refund_no)),
    column(|words| words.console.gateway_refund, |line, _| optional_cell(line.gateway_refund_id.as_ref(), text)),
    column(|words| words.console.payment_no, |line, _| text(&line.payment_no)),
    column(|words| words.console.transaction, |line, _| optional_cell(line.transaction_id.as_ref(), text)),
    column(|words| words.console.order_no, |line, _| text(&line.order_no)),
    column(|words| words.console.user, |line, _| text(&line.user_id)),
    column(|words| words.console.method, |line, words| text(format::method(line.product.method(), words.console))),
    column(|words| words.files.amount_cny, |line, _| Cell::Amount(line.amount.fen())),
    column(|words| words.files.fee_returned_cny, |line, _| optional_cell(line.fee_returned, Cell::Amount)),
    column(|words| words.files.net_cny, |line, _| Cell::Amount(line.amount.fen() - line.fee_returned.unwrap_or(0))),
    column(|words| words.console.reason, |line, _| text(&line.reason)),
    column(|words| words.files.created_at_beijing, |line, _| Cell::Beijing(line.created_at)),
    column(|words| words.files.finished_at_beijing, |line, _| Cell::Beijing(line.finished_at)),
    column(|words| words.files.finished_at_utc, |line, _| Cell::Utc(line.finished_at)),
    column(|words| words.console.id, |line, _| text(&line.id)),
];

#[rustfmt::skip]
pub const ENTRIES: &[Column<EntryLine>] = &[
    column(|words| words.files.booked_at_beijing, |line, _| Cell::Beijing(line.created_at)),
    column(|words| words.files.booked_at_utc, |line, _| Cell::Utc(line.created_at)),
    column(|words| words.files.entry_kind, |line, words| text(line_kind(line.kind, words))),
    column(|words| words.files.ledger_account, |line, _| text(&line.account)),
    column(|words| words.files.amount_cny, |line, _| Cell::Amount(line.amount)),
    column(|words| words.console.balance_after, |line, _| optional_cell(line.balance_after, Cell::Amount)),
    column(|words| words.files.reference_number, |line, _| text(&line.reference)),
    column(|words| words.console.detail, |line, _| optional_cell(line.note.as_ref(), text)),
    column(|words| words.files.journal, |line, _| text(&line.journal)),
];

#[rustfmt::skip]
pub const DAYS: &[Column<Reconciliation>] = &[
    column(|words| words.console.day, |line, _| Cell::Date(line.day.to_string())),
    column(|words| words.console.method, |line, words| text(format::method(line.channel.method(), words.console))),
    column(|words| words.console.status, |line, words| text(day_status(line.status, words))),
    column(|words| words.files.statement_payments_cny, |line, _| of_statement(line, line.figures.statement.payments)),
    column(|words| words.files.statement_refunds_cny, |line, _| of_statement(line, line.figures.statement.refunds)),
    column(|words| words.files.statement_fees_cny, |line, _| of_statement(line, line.figures.statement.fees)),
    column(|words| words.files.statement_net_cny, |line, _| of_statement(line, line.figures.statement.net())),
    column(|words| words.files.book_payments_cny, |line, _| of_statement(line, line.figures.books.payments)),
    column(|words| words.files.book_refunds_cny, |line, _| of_statement(line, line.figures.books.refunds)),
    column(|words| words.files.book_fees_cny, |line, _| of_statement(line, line.figures.books.fees)),
    column(|words| words.files.book_net_cny, |line, _| of_statement(line, line.figures.books.net())),
    column(|words| words.files.fund_net_cny, |line, _| optional_cell(line.figures.fund_net, Cell::Amount)),
    column(|words| words.files.foreign_net_cny, |line, _| of_statement(line, line.figures.foreign_net)),
    column(|words| words.files.closed_at_beijing, |line, _| optional_cell(line.close.as_ref(), |close| Cell::Beijing(close.at))),
];

#[rustfmt::skip]
pub const TRADES: &[Column<TradeLine>] = &[
    column(|words| words.files.entry_kind, |line, words| text(if refund_of(line).is_some() { words.files.line_refund } else { words.files.line_payment })),
    column(|words| words.files.at_beijing, |line, _| Cell::Beijing(line.at)),
    column(|words| words.files.at_utc, |line, _| Cell::Utc(line.at)),
    column(|words| words.console.payment_no, |line, _| text(&line.payment_no)),
    column(|words| words.console.transaction, |line, _| text(&line.transaction_id)),
    column(|words| words.console.refund_no, |line, _| optional_cell(refund_of(line), |refund| text(refund.refund_no))),
    column(|words| words.console.gateway_refund, |line, _| optional_cell(refund_of(line).and_then(|refund| refund.gateway_refund_id), text)),
    column(|words| words.files.refund_state, |line, words| optional_cell(refund_of(line), |refund| text(refund_state(refund.state, words)))),
    column(|words| words.files.amount_cny, |line, _| Cell::Amount(signed(line, line.amount.fen()))),
    column(|words| words.files.settled_cny, |line, _| Cell::Amount(signed(line, line.settled.fen()))),
    column(|words| words.files.fee_cny, |line, _| Cell::Amount(signed(line, line.fee.fen()))),
    column(|words| words.files.rate, |line, _| optional_cell(line.rate, |rate| text(format_args!("{}.{:02}%", rate / 10_000, rate % 10_000 / 100)))),
    column(|words| words.files.net_cny, |line, _| Cell::Amount(signed(line, line.settled.fen() - line.fee.fen()))),
    column(|words| words.files.program, |line, words| text(if PaymentNo::is_made_by_us(&line.payment_no) { words.files.program_own } else { words.files.program_other })),
];

#[rustfmt::skip]
pub const FUNDS: &[Column<FundLine>] = &[
    column(|words| words.files.entry_kind, |line, words| text(fund_part(line.part, words))),
    column(|words| words.files.booked_at_beijing, |line, _| Cell::Beijing(line.at)),
    column(|words| words.files.booked_at_utc, |line, _| Cell::Utc(line.at)),
    column(|words| words.files.flow_no, |line, _| text(&line.flow_no)),
    column(|words| words.files.business_no, |line, _| text(&line.business_no)),
    column(|words| words.console.refund_no, |line, _| optional_cell(line.refund_no.as_ref(), text)),
    column(|words| words.files.amount_cny, |line, _| Cell::Amount(if line.is_income { line.amount.fen() } else { -line.amount.fen() })),
    column(|words| words.files.fee_inside_cny, |line, _| optional_cell(line.fee_inside, |fee| Cell::Amount(fee.fen()))),
];

/// Refund of a line of a trade statement.
struct RefundOfLine<'a> {
    refund_no: &'a str,
    gateway_refund_id: Option<&'a str>,
    state: RefundState,
}

fn refund_of(line: &TradeLine) -> Option<RefundOfLine<'_>> {
    match &line.kind {
        TradeKind::Payment => None,
        TradeKind::Refund {
            refund_no,
            gateway_refund_id,
            state,
        } => Some(RefundOfLine {
            refund_no,
            gateway_refund_id: gateway_refund_id.as_deref(),
            state: *state,
        }),
    }
}

/// Fen of a line so that a column can be summed: refunds are negative, and one that failed is nothing.
fn signed(line: &TradeLine, fen: i64) -> i64 {
    match refund_of(line) {
        None => fen,
        Some(refund) if refund.state == RefundState::Failed => 0,
        Some(_) => -fen,
    }
}

const fn refund_state(state: RefundState, words: FileTexts) -> &'static str {
    match state {
        RefundState::Done => words.files.refund_done,
        RefundState::InProgress => words.files.refund_in_progress,
        RefundState::Failed => words.files.refund_failed,
    }
}

const fn fund_part(part: FundPart, words: FileTexts) -> &'static str {
    match part {
        FundPart::Payment => words.files.line_payment,
        FundPart::Refund => words.files.line_refund,
        FundPart::Fee => words.files.fee,
        FundPart::Other => words.files.line_other,
    }
}

/// Amounts of a day that waits for its statement are unknown, not nothing.
fn of_statement(line: &Reconciliation, fen: i64) -> Cell {
    match line.status {
        ReconciliationStatus::Pending => Cell::Empty,
        ReconciliationStatus::Matched | ReconciliationStatus::Differences => Cell::Amount(fen),
    }
}

const fn day_status(status: ReconciliationStatus, words: FileTexts) -> &'static str {
    match status {
        ReconciliationStatus::Pending => words.files.day_pending,
        ReconciliationStatus::Matched => words.files.day_matched,
        ReconciliationStatus::Differences => words.files.day_differs,
    }
}

const fn line_kind(kind: LineKind, words: FileTexts) -> &'static str {
    match kind {
        LineKind::Entry(kind) => format::entry_kind(kind, words.console),
        LineKind::Fee => words.files.fee,
        LineKind::FeeReturned => words.files.fee_returned,
    }
}

pub const fn product_word(product: Product, words: FileTexts) -> &'static str {
    match product {
        Product::Native | Product::Qr => words.files.product_code,
        Product::H5 | Product::Wap => words.files.product_phone,
        Product::Jsapi => words.files.product_inside_wechat,
        Product::Page => words.files.product_desktop,
        Product::WechatApp | Product::AlipayApp => words.files.product_app,
        Product::WechatMini | Product::AlipayMini => words.files.product_mini,
        Product::Balance => words.console.balance,
    }
}
