//! Methods that a payer can choose here, and how each is offered on the payer's device.

use domain::{Method, Money, Product};

use super::{Situation, money, spending};
use crate::context::Request;
use crate::device::{Device, PayMode};
use crate::i18n::{Words, fill};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodChoice {
    pub method: Method,
    pub name: &'static str,
    pub help: String,
    /// The method of the payment shown.
    pub is_current: bool,
    /// Marked when the methods are shown as a list.
    pub is_chosen: bool,
}

/// The other mode of the method shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherWay {
    pub method: Method,
    pub way: PayMode,
    pub label: &'static str,
}

/// Instructions for a method that the wallet app around the page does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guide {
    pub text: &'static str,
    /// The page's whole address, to be opened elsewhere.
    pub url: String,
}

/// Returns the available methods. One that cannot work here is left out; [`Guide`] explains the alternative.
///
/// `balance` is the user's balance and the order's price, where the order may be paid with it.
pub fn choices(
    situation: &Situation<'_>,
    balance: Option<(Money, Money)>,
    request: &Request,
) -> Vec<MethodChoice> {
    let words = request.words();
    let offered: Vec<Method> = request
        .site
        .methods
        .iter()
        .copied()
        .filter(|method| !request.products(*method, None).is_empty())
        .chain(balance.map(|_| Method::Balance))
        .collect();
    let is_spending = matches!(situation, Situation::Spending { .. } | Situation::Short { .. });
    // Payments of an app or a mini program cannot be paid on this page, so every method is another one.
    let current = situation
        .payment()
        .filter(|payment| !payment.product.is_for_clients())
        .map(domain::Payment::method);
    let current = current.or(is_spending.then_some(Method::Balance));
    // The method that has just failed stays available, but is not preselected.
    let is_refused =
        |method: &Method| matches!(situation, Situation::Unavailable { .. }) && Some(*method) == current;
    let chosen = current.filter(|method| offered.contains(method) && !is_refused(method));
    let chosen = chosen.or_else(|| offered.iter().copied().find(|method| !is_refused(method)));
    let chosen = chosen.or_else(|| offered.first().copied());
    let choice = |method: Method| MethodChoice {
        method,
        name: method_name(method, words),
        help: match (method, balance) {
            (Method::Balance, Some((available, price))) => balance_help(available, price, words),
            _ => method_help(method, request).to_owned(),
        },
        is_current: Some(method) == current,
        is_chosen: Some(method) == chosen,
    };
    offered.into_iter().map(choice).collect()
}

pub fn other_mode(situation: &Situation<'_>, request: &Request) -> Option<OtherWay> {
    let (Situation::Waiting { payment, .. } | Situation::Unavailable { payment }) = situation else {
        return None;
    };
    let words = request.words();
    let method = payment.method();
    let way = request
        .device
        .other_mode(payment.product, request.site.products)?;
    let label = match (way, method, request.device) {
        (PayMode::Scan, _, Device::Desktop) => words.scan_here,
        (PayMode::Scan, _, _) => words.scan_elsewhere,
        (PayMode::Open, Method::Wechat, _) => words.open_wechat_here,
        (PayMode::Open, Method::Alipay, Device::Desktop) => words.open_alipay_page,
        (PayMode::Open, Method::Alipay, _) => words.open_alipay_here,
        (PayMode::Open, Method::Balance, _) => return None,
    };
    Some(OtherWay { method, way, label })
}

/// Returns the instructions, only while there is something to pay.
pub fn guide(situation: &Situation<'_>, token: &str, request: &Request) -> Option<Guide> {
    if !situation.is_payable() {
        return None;
    }
    let text = guide_text(situation, request)?;
    Some(Guide {
        text,
        url: request.checkout_url(token),
    })
}

fn guide_text(situation: &Situation<'_>, request: &Request) -> Option<&'static str> {
    let words = request.words();
    let best = |method| request.products(method, None).first().copied();
    let is_nothing_offered = best(Method::Wechat).is_none() && best(Method::Alipay).is_none();
    match request.device {
        // Paid right here: the payer's openid is learnt by the page, or was given by the merchant's program.
        Device::Wechat if best(Method::Wechat) == Some(Product::Jsapi) && !shows_code(situation) => None,
        Device::Wechat if situation.payment().map(|payment| payment.product) == Some(Product::Jsapi) => None,
        Device::Wechat => Some(words.inside_wechat_guide),
        Device::Alipay if request.site.methods.contains(&Method::Wechat) => Some(words.inside_alipay_guide),
        Device::Alipay if is_nothing_offered => Some(words.nothing_here_guide),
        Device::Desktop if is_nothing_offered => Some(words.nothing_on_desk_guide),
        Device::Phone if is_nothing_offered => Some(words.nothing_here_guide),
        Device::Desktop | Device::Phone | Device::Alipay => None,
    }
}

fn shows_code(situation: &Situation<'_>) -> bool {
    situation.payment().map(|payment| payment.product) == Some(Product::Native)
}

/// The link that corrects the detected device, and its text.
pub const fn correction(device: Device, words: &Words) -> (Device, &'static str) {
    match device {
        Device::Desktop => (Device::Phone, words.show_as_phone),
        Device::Phone => (Device::Desktop, words.show_as_desk),
        Device::Wechat | Device::Alipay => (Device::Phone, words.show_everything),
    }
}

pub const fn method_name(method: Method, words: &Words) -> &'static str {
    match method {
        Method::Wechat => words.wechat,
        Method::Alipay => words.alipay,
        Method::Balance => words.balance,
    }
}

/// Text for the balance: the available amount, and how much is missing.
fn balance_help(available: Money, price: Money, words: &Words) -> String {
    let has = money::text(available);
    match spending::left(available, price) {
        Ok(_) => fill(words.balance_has, &[("amount", &has)]),
        Err(missing) => fill(
            words.balance_lacks,
            &[("amount", &has), ("missing", &money::text(missing))],
        ),
    }
}

/// Text for what the method does on this device.
fn method_help(method: Method, request: &Request) -> &'static str {
    let words = request.words();
    let product = request.products(method, None).first().copied();
    match (product, request.device) {
        (Some(Product::Native), Device::Desktop) => words.wechat_help,
        (Some(Product::Native), _) => words.wechat_elsewhere_help,
        (Some(Product::H5), _) => words.wechat_open_help,
        (Some(Product::Jsapi), _) => words.wechat_here_help,
        (Some(Product::Qr), Device::Desktop) => words.alipay_help,
        (Some(Product::Qr), _) => words.alipay_elsewhere_help,
        (Some(Product::Wap | Product::Page), Device::Desktop) => words.alipay_page_help,
        (Some(Product::Wap | Product::Page), _) => words.alipay_open_help,
        _ => words.balance_help,
    }
}
