//! Refund notifications: numbers and amounts are compared with our rows before anything is applied.

use domain::{Money, Payment, PaymentState, Refund, RefundReport, RefundState};

use crate::gateway::RefundNews;
use crate::model::incident::IncidentKind;

/// Verdict on an authentic refund notification.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RefundVerdict<'a> {
    Apply(&'a Refund, &'a RefundReport),
    /// A hint: the gateway is queried about these.
    Ask(Vec<&'a Refund>),
    /// Authentic but wrong: nothing changes, a person must look.
    Incident(IncidentKind, &'static str),
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
        return Incident(
            IncidentKind::UnmatchedNotification,
            "a refund of a payment that we do not know",
        );
    };
    if payment.state != PaymentState::Paid {
        return Incident(
            IncidentKind::UnknownRefund,
            "a refund of a payment that is not paid here",
        );
    }
    let is_our_trade = |trade: &String| Some(trade.as_str()) == payment.transaction_id.as_deref();
    if !news.transaction_id.as_ref().is_none_or(is_our_trade) {
        return Incident(IncidentKind::RefundMismatch, "a refund of another trade");
    }
    if news.total.is_some_and(|total| total != payment.amount) {
        return Incident(
            IncidentKind::RefundMismatch,
            "a refund of a trade with another sum",
        );
    }
    match (&news.refund_no, named) {
        (Some(_), Some(refund)) if refund.payment_id == payment.id => judge_named(news, refund, ours),
        (Some(_), _) => Incident(
            IncidentKind::UnknownRefund,
            "a refund that was not asked for here",
        ),
        (None, _) => judge_unnamed(news, ours),
    }
}

fn judge_named<'a>(news: &'a RefundNews, refund: &'a Refund, ours: &[Refund]) -> RefundVerdict<'a> {
    if news.amount.is_some_and(|amount| amount != refund.amount) {
        return RefundVerdict::Incident(IncidentKind::RefundMismatch, "a refund of another sum");
    }
    if exceeds_ours(news.refunded, ours) {
        return RefundVerdict::Incident(
            IncidentKind::UnknownRefund,
            "more was given back than was asked for here",
        );
    }
    match (&news.report, refund.state) {
        (Some(report), _) => RefundVerdict::Apply(refund, report),
        (None, RefundState::Succeeded) => RefundVerdict::Known,
        // A failed number is never sent again, so there is nothing to query.
        (None, RefundState::Failed) => {
            RefundVerdict::Incident(IncidentKind::RefundRevived, "news about a refund that had failed")
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
        return RefundVerdict::Incident(
            IncidentKind::UnknownRefund,
            "a refund that was not asked for here",
        );
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
