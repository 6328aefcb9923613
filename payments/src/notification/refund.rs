//! Refund notifications: numbers and amounts are compared with our rows before anything is applied.

use domain::{Money, Payment, PaymentState, Refund, RefundReport, RefundState};

use crate::gateway::RefundNews;
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;

/// Verdict on an authentic refund notification.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RefundVerdict<'a> {
    Apply(&'a Refund, &'a RefundReport),
    /// A hint: the gateway is queried about these.
    Ask(Vec<&'a Refund>),
    /// Authentic but wrong: nothing changes, a person must look.
    Incident(IncidentKind, Sentence),
    /// Nothing new.
    Known,
}

/// `named` is the refund with the notification's number, of any payment; `ours` are all refunds of the payment.
pub(super) fn judge<'a>(
    news: &'a RefundNews,
    payment: Option<&Payment>,
    named: Option<&'a Refund>,
    ours: &'a [Refund],
) -> RefundVerdict<'a> {
    use RefundVerdict::Incident;
    let Some(payment) = payment else {
        return Incident(IncidentKind::UnmatchedNotification, Sentence::RefundOfUnknown);
    };
    if payment.state != PaymentState::Paid {
        return Incident(IncidentKind::UnknownRefund, Sentence::RefundOfUnpaid);
    }
    let is_our_trade = |trade: &String| Some(trade.as_str()) == payment.transaction_id.as_deref();
    if !news.transaction_id.as_ref().is_none_or(is_our_trade) {
        return Incident(IncidentKind::RefundMismatch, Sentence::RefundOfOtherTrade);
    }
    if news.total.is_some_and(|total| total != payment.amount) {
        return Incident(IncidentKind::RefundMismatch, Sentence::RefundOfOtherTotal);
    }
    match (&news.refund_no, named) {
        (Some(_), Some(refund)) if refund.payment_id == payment.id => judge_named(news, refund, ours),
        (Some(_), _) => Incident(IncidentKind::UnknownRefund, Sentence::RefundNotAsked),
        (None, _) => judge_unnamed(news, ours),
    }
}

fn judge_named<'a>(news: &'a RefundNews, refund: &'a Refund, ours: &[Refund]) -> RefundVerdict<'a> {
    if news.amount.is_some_and(|amount| amount != refund.amount) {
        return RefundVerdict::Incident(IncidentKind::RefundMismatch, Sentence::RefundOfOtherSum);
    }
    if exceeds_ours(news.refunded, ours) {
        return RefundVerdict::Incident(IncidentKind::UnknownRefund, Sentence::RefundTooMuch);
    }
    match (&news.report, refund.state) {
        (Some(report), _) => RefundVerdict::Apply(refund, report),
        (None, RefundState::Succeeded) => RefundVerdict::Known,
        // A failed number is never sent again, so there is nothing to query.
        (None, RefundState::Failed) => {
            RefundVerdict::Incident(IncidentKind::RefundRevived, Sentence::RefundHadFailed)
        }
        (None, RefundState::Requested | RefundState::Pending | RefundState::Stuck) => {
            RefundVerdict::Ask(vec![refund])
        }
    }
}

/// Alipay notifies a full refund without our number (T-37): any refund in progress may be meant.
fn judge_unnamed<'a>(news: &RefundNews, ours: &'a [Refund]) -> RefundVerdict<'a> {
    let under_way: Vec<&Refund> = ours.iter().filter(|refund| !refund.state.is_final()).collect();
    let is_any_done = ours.iter().any(|refund| refund.state == RefundState::Succeeded);
    if exceeds_ours(news.refunded, ours) || (under_way.is_empty() && !is_any_done) {
        return RefundVerdict::Incident(IncidentKind::UnknownRefund, Sentence::RefundNotAsked);
    }
    if under_way.is_empty() {
        RefundVerdict::Known
    } else {
        RefundVerdict::Ask(under_way)
    }
}

/// Whether the gateway counts more than all refunds here that have not failed.
fn exceeds_ours(refunded: Option<Money>, ours: &[Refund]) -> bool {
    let asked: i64 = ours
        .iter()
        .filter(|refund| refund.state != RefundState::Failed)
        .map(|refund| refund.amount.fen())
        .sum();
    refunded.is_some_and(|refunded| refunded.fen() > asked)
}

#[cfg(test)]
mod tests;
