//! View of a checkout page as plain values: texts chosen, amounts formatted, codes drawn.
//!
//! Pages and components only place these values; every decision is made here, where it can be tested.

mod deadline;
mod handover;
pub mod hollow;
mod live;
mod methods;
pub(crate) mod money;
mod receipt;
mod situation;
pub(crate) mod spending;
mod texts;

use std::time::Duration;

use domain::{Money, Order, Product, Purpose, Timestamp};
use payments::Checkout;

pub use deadline::Deadline;
pub use handover::{Handover, handed_over, referrer_policy};
pub use live::{LiveState, live_state};
pub use methods::{Guide, MethodChoice, OtherWay, method_name};
pub use receipt::{PaidPart, Paper, ReceiptView, RefundLine, has_receipt};
pub use situation::{PageState, Situation};
pub use texts::moment;

use crate::context::Request;
use crate::error::UiError;
use crate::i18n::{Words, fill};
use crate::links;
use crate::qr::Qr;

/// Most automatic refreshes of a browser without JavaScript.
pub const MAX_REFRESHES: u32 = 10;
/// Time after the payment in which the page leaves for the merchant's by itself: one who opens it later stays on it.
const SENT_BACK_WITHIN: Duration = Duration::from_mins(10);

/// Parameters of this visit in its URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// The payer has just pressed the button of a payment that opens inside WeChat.
    pub opens: bool,
    /// The payer pressed *I have paid*.
    pub is_asked: bool,
    /// The payer chose the balance.
    pub is_spending: bool,
    pub error: Option<UiError>,
    pub n_refreshes: u32,
}

#[derive(Debug, Clone)]
pub struct CheckoutView {
    pub token: String,
    /// Value of `?lang=` and hidden fields, when the payer chose one.
    pub language: Option<&'static str>,
    /// The same for `?device=`.
    pub device: Option<&'static str>,
    pub words: &'static Words,
    /// State of the order when this was drawn; the watcher compares it with each event.
    pub live: LiveState,
    /// State shown: `live.state`, except that *waiting* is *confirming* after the payer said it is paid.
    pub state: PageState,
    pub title: String,
    pub sentence: String,
    pub alert: Option<&'static str>,
    pub merchant: String,
    pub subject: String,
    pub order_no: String,
    pub ordered_at: String,
    /// Amount, excluding the currency sign.
    pub amount: String,
    pub deadline: Option<Deadline>,
    pub methods: Vec<MethodChoice>,
    pub other_mode: Option<OtherWay>,
    pub guide: Option<Guide>,
    /// Address of this page for another device, and the text of its link.
    pub correction: (String, &'static str),
    pub code: Option<Code>,
    /// Link to the gateway, when there is no code to scan.
    pub handover: Option<Handover>,
    /// Label of the button that starts another attempt.
    pub again: &'static str,
    pub facts: Vec<Fact>,
    /// Amount that one press takes from the balance, or that one top-up would add to it.
    pub spending_amount: String,
    pub return_url: Option<String>,
    /// Whether the page leads back to `return_url` before it is paid. The way back of the epay protocol says how it ended, so
    /// it is not offered before the end.
    pub can_leave: bool,
    /// Whether the page leaves for `return_url` by itself, a few seconds after it was drawn.
    pub returns_soon: bool,
    /// Whether it does so in a browser without JavaScript too: payers of the epay protocol are used to it.
    pub returns_without_script: bool,
    /// The money was for the payer's own balance, and what it is for comes next.
    pub is_topup: bool,
    /// Label of the link back.
    pub back: &'static str,
    pub has_receipt: bool,
    pub n_refreshes: u32,
}

/// A code to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub qr: Qr,
    pub instruction: String,
    /// Text for screen readers in place of the drawing.
    pub label: String,
    /// The simulated wallet with this code in it, in simulator mode.
    pub wallet: Option<String>,
}

/// One name and value of the details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: &'static str,
    pub value: String,
    /// A number to compare or to read aloud: fixed-width, and it may break anywhere.
    pub is_reference: bool,
}

impl CheckoutView {
    /// `available` is the balance of the order's user, where the order may be paid with it.
    pub fn new(
        checkout: &Checkout,
        available: Option<Money>,
        now: Timestamp,
        request: &Request,
        page_request: PageRequest,
    ) -> CheckoutView {
        let order = &checkout.order;
        let words = request.words();
        let available = available.filter(|_| spending::is_allowed(order));
        let situation = situation_shown(Situation::of(checkout, now), available, order, page_request);
        let balance = available.map(|available| (available, order.amount));
        let state = situation.state();
        let methods = methods::choices(&situation, balance, request);
        let (title, sentence) = texts::of(&situation, order, &methods, request);
        CheckoutView {
            token: order.token.clone(),
            language: request.chosen_language(),
            device: request.chosen_device(),
            words,
            live: live_state(checkout, now),
            state,
            title,
            sentence,
            alert: alert_text(page_request, state, words),
            merchant: request.site.merchant.clone(),
            subject: order.subject.clone(),
            order_no: order.order_no.to_string(),
            ordered_at: texts::moment(order.created_at),
            amount: money::number(order.amount),
            deadline: Deadline::of(&situation, order, now),
            methods,
            other_mode: methods::other_mode(&situation, request),
            guide: methods::guide(&situation, &order.token, request),
            correction: correct_link(&order.token, request),
            code: payment_code(&situation, request),
            handover: Handover::of(&situation, &order.token, page_request.opens, request),
            again: retry_label(&situation, words),
            facts: match (&situation, available) {
                (Situation::Spending { .. } | Situation::Short { .. }, Some(available)) => {
                    spending::facts(available, order.amount, words)
                }
                _ => texts::facts(&situation, words),
            },
            spending_amount: money::text(match situation {
                Situation::Short { missing } => missing,
                _ => order.amount,
            }),
            can_leave: !checkout.is_epay && can_leave(state),
            returns_soon: returns_soon(checkout, state, now),
            returns_without_script: checkout.is_epay && returns_soon(checkout, state, now),
            return_url: way_back(checkout, request),
            is_topup: order.purpose == Purpose::Topup,
            back: if order.purpose == Purpose::Topup {
                words.back_from_topup
            } else {
                words.back
            },
            has_receipt: has_receipt(checkout),
            n_refreshes: page_request.n_refreshes,
        }
    }

    /// Returns the shop's address while the payer can still leave without having paid.
    pub fn leave_url(&self) -> Option<String> {
        self.return_url.clone().filter(|_| self.can_leave)
    }

    /// Formats the price: `¥99.90`.
    pub fn price(&self) -> String {
        format!("{}{}", money::SIGN, self.amount)
    }

    /// Returns the page's address without parameters of a single visit.
    pub fn path(&self) -> String {
        self.link().path()
    }

    /// Returns the receipt's address; only orders with money have one.
    pub fn receipt_path(&self) -> Option<String> {
        self.has_receipt
            .then(|| links::receipt(&self.token, self.language))
    }

    /// Returns the next automatic refresh of a browser without JavaScript; `None` after [`MAX_REFRESHES`].
    pub fn refresh_path(&self) -> Option<String> {
        (self.state.is_pending() && self.n_refreshes < MAX_REFRESHES).then(|| {
            let link = links::CheckoutLink {
                is_asked: self.state != self.live.state,
                n_refreshes: self.n_refreshes + 1,
                ..self.link()
            };
            link.path()
        })
    }

    /// Returns whether the page can still change: a paid order does so only while a refund is under way.
    pub const fn is_watched(&self) -> bool {
        !matches!(self.state, PageState::Paid | PageState::Refunded)
    }

    /// Returns whether an expired code may be renewed automatically: once, while the page is visible.
    pub const fn may_renew(&self) -> bool {
        matches!(self.state, PageState::Expired)
    }

    fn link(&self) -> links::CheckoutLink<'_> {
        links::CheckoutLink {
            token: &self.token,
            language: self.language,
            device: self.device,
            ..links::CheckoutLink::default()
        }
    }
}

/// Returns the situation shown. After *I have paid* the page does not ask to scan, but offers a way back to the code. Paying
/// with the balance is confirmed first.
fn situation_shown<'a>(
    situation: Situation<'a>,
    available: Option<Money>,
    order: &Order,
    page_request: PageRequest,
) -> Situation<'a> {
    if let Some(available) = available.filter(|_| page_request.is_spending && situation.is_payable()) {
        return match spending::left(available, order.amount) {
            Ok(left) => Situation::Spending { left },
            Err(missing) => Situation::Short { missing },
        };
    }
    match situation {
        Situation::Waiting { payment, .. } if page_request.is_asked => Situation::Confirming { payment },
        other => other,
    }
}

/// Returns the error to show, unless the page already says the same.
fn alert_text(page_request: PageRequest, state: PageState, words: &Words) -> Option<&'static str> {
    let error = page_request.error?;
    match state {
        PageState::Choose
        | PageState::Balance
        | PageState::Short
        | PageState::Waiting
        | PageState::Confirming
        | PageState::Expired => Some(error.text(words)),
        PageState::Paid
        | PageState::Refunding
        | PageState::Refunded
        | PageState::Closed
        | PageState::Unavailable
        | PageState::Returning => None,
    }
}

fn payment_code(situation: &Situation<'_>, request: &Request) -> Option<Code> {
    let Situation::Waiting { payment, prompt } = situation else {
        return None;
    };
    let words = request.words();
    let amount = money::text(payment.amount);
    let scan = match payment.product {
        Product::Native => words.wechat_scan,
        Product::Qr => words.alipay_scan,
        // These have a link to open, not a code to scan.
        _ => return None,
    };
    let method = method_name(payment.method(), words);
    let wallet = request.site.wallet_url.as_deref();
    Some(Code {
        qr: request.site.codes.draw(prompt)?,
        instruction: fill(scan, &[("amount", &amount)]),
        label: fill(words.qr_label, &[("method", method), ("amount", &amount)]),
        wallet: wallet.map(|wallet| links::wallet(wallet, prompt)),
    })
}

fn correct_link(token: &str, request: &Request) -> (String, &'static str) {
    let (device, label) = methods::correction(request.device, request.words());
    let link = links::CheckoutLink {
        token,
        language: request.chosen_language(),
        device: Some(device.as_str()),
        ..links::CheckoutLink::default()
    };
    (link.path(), label)
}

fn retry_label(situation: &Situation<'_>, words: &Words) -> &'static str {
    match situation.payment().map(|payment| payment.product) {
        Some(Product::H5 | Product::Wap | Product::Page) => words.start_again,
        Some(product) if product.is_for_clients() => words.start_again,
        _ => words.new_code,
    }
}

/// Returns the way back if the operator still allows it: the setting may be stricter now than when it was given.
///
/// It is an address of ours, where the result is signed at the moment it is taken.
fn way_back(checkout: &Checkout, request: &Request) -> Option<String> {
    let order = &checkout.order;
    let url = order.return_url.as_deref()?;
    let ours = format!("{}/checkout/", request.site.public_url);
    if url.starts_with(&ours) {
        return Some(url.to_owned());
    }
    let is_allowed = request.site.return_hosts.allow(url);
    is_allowed.then(|| links::way_back(&order.token))
}

/// Returns whether a payer may leave without having paid.
const fn can_leave(state: PageState) -> bool {
    matches!(
        state,
        PageState::Choose
            | PageState::Balance
            | PageState::Short
            | PageState::Waiting
            | PageState::Expired
            | PageState::Unavailable
    )
}

/// Returns whether the payer has just paid and is wanted back by the merchant.
fn returns_soon(checkout: &Checkout, state: PageState, now: Timestamp) -> bool {
    let is_recent = |paid_at| now.duration_since(paid_at) < SENT_BACK_WITHIN;
    state == PageState::Paid
        && checkout.order.return_url.is_some()
        && checkout.order.paid_at.is_some_and(is_recent)
}

#[cfg(test)]
mod tests;
