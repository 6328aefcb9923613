//! The receipt: payments that arrived, and their refunds.

use domain::{Order, OrderState, OrderStatus, Payment, PaymentState, Refund, RefundState};
use payments::Checkout;

use super::{Fact, money, texts};
use crate::context::Request;
use crate::i18n::Words;
use crate::links;

#[derive(Debug, Clone)]
pub struct ReceiptView {
    pub words: &'static Words,
    /// Title: a receipt of a purchase, or only the record of refunded money.
    pub title: &'static str,
    pub merchant: String,
    pub subject: String,
    /// Amount, excluding the currency sign.
    pub amount: String,
    /// About the order.
    pub facts: Vec<Fact>,
    pub payments: Vec<PaidPart>,
    pub paper: Paper,
    /// Address of this receipt for the other paper.
    pub other_paper_path: String,
    /// Address of the order's page.
    pub checkout_path: String,
}

/// One payment that arrived, and its refunds, oldest first.
#[derive(Debug, Clone)]
pub struct PaidPart {
    pub title: &'static str,
    pub facts: Vec<Fact>,
    pub refunds: Vec<RefundLine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundLine {
    pub amount: String,
    pub status: &'static str,
    pub at: String,
    pub number: String,
}

domain::words! {
    /// Value of `?paper=`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Paper {
        A4 => "a4",
        /// A receipt printer's roll of 80 mm.
        Roll => "80",
    }
}

impl Paper {
    const fn other(self) -> Paper {
        match self {
            Paper::A4 => Paper::Roll,
            Paper::Roll => Paper::A4,
        }
    }
}

/// Returns whether there is a receipt: only when money came.
pub fn has_receipt(checkout: &Checkout) -> bool {
    checkout.payments.iter().any(is_paid)
}

impl ReceiptView {
    /// `refunds` are those of all payments of the order, newest first.
    pub fn new(
        checkout: &Checkout,
        refunds: &[Refund],
        paper: Paper,
        request: &Request,
    ) -> Option<ReceiptView> {
        if !has_receipt(checkout) {
            return None;
        }
        let (order, words) = (&checkout.order, request.words());
        let language = request.chosen_language();
        let mut paid: Vec<&Payment> = checkout
            .payments
            .iter()
            .filter(|payment| is_paid(payment))
            .collect();
        // The settling payment comes first; surplus follows.
        paid.sort_by_key(|payment| (!payment.settles, payment.paid_at));
        let link = links::CheckoutLink {
            token: &order.token,
            language,
            device: request.chosen_device(),
            ..links::CheckoutLink::default()
        };
        Some(ReceiptView {
            words,
            title: if order.state == OrderState::Paid {
                words.receipt
            } else {
                words.record
            },
            merchant: request.site.merchant.clone(),
            subject: order.subject.clone(),
            amount: money::number(order.amount),
            facts: order_facts(order, words),
            payments: paid
                .iter()
                .map(|payment| paid_part(payment, refunds, words))
                .collect(),
            paper,
            other_paper_path: links::receipt_on(&order.token, paper.other().as_str(), language),
            checkout_path: link.path(),
        })
    }
}

/// Returns the facts about the order, with what is left of its money after refunds.
fn order_facts(order: &Order, words: &Words) -> Vec<Fact> {
    let fact = |label, value, is_reference| Fact {
        label,
        value,
        is_reference,
    };
    let status = match order.status() {
        OrderStatus::Pending | OrderStatus::Cancelled => words.status_closed,
        OrderStatus::Paid => words.status_paid,
        OrderStatus::PartiallyRefunded => words.status_part_refunded,
        OrderStatus::Refunded => words.status_refunded,
    };
    let mut facts = vec![
        fact(words.receipt_status, status.to_owned(), false),
        fact(words.order_no, order.order_no.to_string(), true),
        fact(words.ordered_at, texts::moment(order.created_at), false),
    ];
    if !order.refunded.is_zero() {
        let left = order
            .paid_amount()
            .checked_sub(order.refunded)
            .unwrap_or_default();
        facts.push(fact(words.total_refunded, money::text(order.refunded), false));
        facts.push(fact(words.net_total, money::text(left), false));
    }
    facts
}

fn is_paid(payment: &Payment) -> bool {
    payment.state == PaymentState::Paid
}

fn paid_part(payment: &Payment, refunds: &[Refund], words: &Words) -> PaidPart {
    let own = refunds
        .iter()
        .rev()
        .filter(|refund| refund.payment_id == payment.id);
    let mut facts = texts::payment_facts(payment, words);
    facts.push(Fact {
        label: words.payment_no,
        value: payment.payment_no.to_string(),
        is_reference: true,
    });
    PaidPart {
        title: if payment.settles {
            words.details
        } else {
            words.extra_payment
        },
        facts,
        refunds: own.map(|refund| refund_line(refund, words)).collect(),
    }
}

fn refund_line(refund: &Refund, words: &Words) -> RefundLine {
    RefundLine {
        amount: money::text(refund.amount),
        status: match refund.state {
            RefundState::Requested | RefundState::Pending => words.returning,
            RefundState::Succeeded => words.returned,
            // The money is not lost: a person has to refund it another way.
            RefundState::Failed | RefundState::Stuck => words.refund_in_hand,
        },
        at: texts::moment(refund.finished_at.unwrap_or(refund.created_at)),
        number: refund.refund_no.to_string(),
    }
}
