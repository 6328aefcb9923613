//! What a checkout page shows, as plain values: text already chosen, amounts already written, the code already drawn.
//!
//! Pages and components only place these values; every decision about them is made here, where it can be tested.

mod deadline;
mod handover;
mod live;
mod methods;
pub(crate) mod money;
mod qr;
mod receipt;
mod situation;
pub(crate) mod spending;
mod texts;

use domain::{Money, Order, Product, Purpose, Timestamp};
use payments::Checkout;

pub use deadline::Deadline;
pub use handover::{Handover, handed_over, referrer_policy};
pub use live::{LiveState, live_state};
pub use methods::{Guide, MethodChoice, OtherWay, method_name};
pub use qr::Qr;
pub use receipt::{PaidPart, Paper, ReceiptView, RefundLine, has_receipt};
pub use situation::{PageState, Situation};

use crate::context::Request;
use crate::error::UiError;
use crate::i18n::{Words, fill};
use crate::links;

/// How often a browser without JavaScript comes back by itself.
pub const MAX_REFRESHES: u32 = 10;

/// What this visit says in its URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageRequest {
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
    /// For `?lang=` and hidden fields, when the payer chose one.
    pub language: Option<&'static str>,
    /// The same for `?device=`.
    pub device: Option<&'static str>,
    pub words: &'static Words,
    /// What the order was when this was drawn; the watcher compares it with the news.
    pub live: LiveState,
    /// What is shown: `live.state`, except that *waiting* is *confirming* to somebody who says it is paid.
    pub state: PageState,
    pub title: String,
    pub sentence: String,
    pub alert: Option<&'static str>,
    pub merchant: String,
    pub subject: String,
    pub order_no: String,
    pub ordered_at: String,
    /// Without its sign.
    pub amount: String,
    pub deadline: Option<Deadline>,
    pub methods: Vec<MethodChoice>,
    pub other_mode: Option<OtherWay>,
    pub guide: Option<Guide>,
    /// Where the page is as for another device, and what leads there.
    pub correction: (String, &'static str),
    pub code: Option<Code>,
    /// Where there is no code to scan.
    pub handover: Option<Handover>,
    /// What starts another attempt after this one is called.
    pub again: &'static str,
    pub facts: Vec<Fact>,
    /// What one press takes from the balance, or what one top-up would add to it.
    pub spending_amount: String,
    pub return_url: Option<String>,
    /// What the way back is called.
    pub back: &'static str,
    pub has_receipt: bool,
    pub n_refreshes: u32,
}

/// A code to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    pub qr: Qr,
    pub instruction: String,
    /// What a screen reader says instead of the drawing.
    pub label: String,
    /// The simulated phone with this code in it, in simulator mode.
    pub wallet: Option<String>,
}

/// One line of the list of what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    pub label: &'static str,
    pub value: String,
    /// A number to compare or to read aloud: fixed-width, and it may break anywhere.
    pub is_reference: bool,
}

impl CheckoutView {
    /// `available` is what the order's user has, where the order may be paid with it.
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
        let situation = shown(Situation::of(checkout, now), available, order, page_request);
        let balance = available.map(|available| (available, order.amount));
        let state = situation.state();
        let (title, sentence) = texts::of(&situation, order, request.device, words);
        CheckoutView {
            token: order.token.clone(),
            language: request.chosen_language(),
            device: request.chosen_device(),
            words,
            live: live_state(checkout, now),
            state,
            title,
            sentence,
            alert: alert(page_request, state, words),
            merchant: request.site.merchant.clone(),
            subject: order.subject.clone(),
            order_no: order.order_no.to_string(),
            ordered_at: texts::moment(order.created_at),
            amount: money::number(order.amount),
            deadline: Deadline::of(&situation, order, now),
            methods: methods::choices(&situation, balance, request),
            other_mode: methods::other_mode(&situation, request),
            guide: methods::guide(&situation, &order.token, request),
            correction: correction(&order.token, request),
            code: code(&situation, request),
            handover: Handover::of(&situation, &order.token, request),
            again: again(&situation, words),
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
            return_url: way_back(order, request),
            back: if order.purpose == Purpose::Topup {
                words.back_from_topup
            } else {
                words.back
            },
            has_receipt: has_receipt(checkout),
            n_refreshes: page_request.n_refreshes,
        }
    }

    /// `¥99.90`.
    pub fn price(&self) -> String {
        format!("{}{}", money::SIGN, self.amount)
    }

    /// The page's address without anything that was said only once.
    pub fn path(&self) -> String {
        self.link().path()
    }

    /// Only what money came for has a receipt.
    pub fn receipt_path(&self) -> Option<String> {
        self.has_receipt
            .then(|| links::receipt(&self.token, self.language))
    }

    /// Where a browser without JavaScript goes next by itself; after some times it is left to the payer.
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

    /// Nothing more will happen to a paid order that its payer waits for, unless money is on its way back.
    pub const fn is_watched(&self) -> bool {
        !matches!(self.state, PageState::Paid | PageState::Refunded)
    }

    /// A code whose time is over is renewed once without being asked, while somebody looks.
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

/// Somebody who says *I have paid* is not told to scan; whoever did not pay finds the way back to the code. Somebody who
/// chose the balance is asked once more.
fn shown<'a>(
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

/// An error is repeated only where the page does not say the same already.
fn alert(page_request: PageRequest, state: PageState, words: &Words) -> Option<&'static str> {
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

fn code(situation: &Situation<'_>, request: &Request) -> Option<Code> {
    let Situation::Waiting { payment, prompt } = situation else {
        return None;
    };
    let words = request.words();
    let amount = money::text(payment.amount);
    let scan = match payment.product {
        Product::Native => words.wechat_scan,
        Product::Qr => words.alipay_scan,
        // What these ask for is a link to open, not a code to scan.
        Product::H5 | Product::Jsapi | Product::Wap | Product::Page | Product::Balance => return None,
    };
    let method = method_name(payment.method(), words);
    let wallet = request.site.wallet_url.as_deref();
    Some(Code {
        qr: Qr::draw(prompt)?,
        instruction: fill(scan, &[("amount", &amount)]),
        label: fill(words.qr_label, &[("method", method), ("amount", &amount)]),
        wallet: wallet.map(|wallet| links::wallet(wallet, prompt)),
    })
}

fn correction(token: &str, request: &Request) -> (String, &'static str) {
    let (device, label) = methods::correction(request.device, request.words());
    let link = links::CheckoutLink {
        token,
        language: request.chosen_language(),
        device: Some(device.as_str()),
        ..links::CheckoutLink::default()
    };
    (link.path(), label)
}

fn again(situation: &Situation<'_>, words: &Words) -> &'static str {
    match situation.payment().map(|payment| payment.product) {
        Some(Product::H5 | Product::Wap | Product::Page) => words.start_again,
        _ => words.new_code,
    }
}

/// Checked when it was given, and again here: the operator may have become stricter since.
fn way_back(order: &Order, request: &Request) -> Option<String> {
    let url = order.return_url.clone();
    let ours = format!("{}/checkout/", request.site.public_url);
    url.filter(|url| url.starts_with(&ours) || request.site.return_hosts.allow(url))
}

#[cfg(test)]
mod tests;
