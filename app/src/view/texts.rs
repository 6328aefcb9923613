//! Texts for each situation: what happened to the money, and what to do.

use domain::{Method, Money, Order, Payment, Product, Timestamp};

use super::methods::MethodChoice;
use super::{Fact, Situation, method_name, money};
use crate::context::Request;
use crate::device::{Device, PayMode};
use crate::i18n::{Words, fill};

/// Returns the title and the sentence under it; `methods` are those on the page.
pub fn of(
    situation: &Situation<'_>,
    order: &Order,
    methods: &[MethodChoice],
    request: &Request,
) -> (String, String) {
    let words = request.words();
    let (title, sentence, amount) = match situation {
        Situation::Choose if methods.is_empty() => (
            words.choose_nothing_title,
            words.choose_nothing_text,
            order.amount,
        ),
        Situation::Choose if opens_app(methods, request) => {
            (words.choose_title, words.choose_open_text, order.amount)
        }
        Situation::Choose => (words.choose_title, words.choose_text, order.amount),
        Situation::Spending { .. } => (words.spending_title, words.spending_text, order.amount),
        Situation::Short { missing } => (words.short_title, words.short_text, *missing),
        Situation::Waiting { payment, .. } => {
            let (title, sentence) = waiting_texts(payment.product, request.device, words);
            (title, sentence, payment.amount)
        }
        Situation::Confirming { .. } => (words.confirming_title, words.confirming_text, order.amount),
        Situation::Paid { .. } => (words.paid_title, words.paid_text, order.amount),
        Situation::Refunding { payment } => (words.refunding_title, words.refunding_text, payment.refunding),
        Situation::Refunded { .. } => (words.refunded_title, refunded_text(order, words), order.refunded),
        Situation::Expired { payment } if is_scanned(payment.product) => {
            (words.expired_title, words.expired_text, order.amount)
        }
        Situation::Expired { .. } => (words.lapsed_title, words.lapsed_text, order.amount),
        Situation::Closed { is_late: true } => (words.closed_title, words.closed_late_text, order.amount),
        Situation::Closed { is_late: false } => (words.closed_title, words.closed_text, order.amount),
        Situation::Unavailable { .. } => (words.unavailable_title, words.unavailable_text, order.amount),
        Situation::Late { payment } if is_back(payment) => {
            (words.late_done_title, words.late_done_text, payment.amount)
        }
        Situation::Late { payment } => (words.late_title, words.late_text, payment.amount),
        Situation::Twice { payment } if is_back(payment) => {
            (words.twice_done_title, words.twice_done_text, payment.amount)
        }
        Situation::Twice { payment } => (words.twice_title, words.twice_text, payment.amount),
    };
    let amount = money::text(amount);
    let method = situation.payment().map(Payment::method);
    let method = method.map_or("", |method| method_name(method, words));
    let account = refund_account(situation.payment(), words);
    let values = [
        ("amount", amount.as_str()),
        ("method", method),
        ("account", account),
    ];
    (fill(title, &values), fill(sentence, &values))
}

/// Returns the name of the account that a refund goes to: a gateway sends money back where it came from.
fn refund_account(payment: Option<&Payment>, words: &Words) -> &'static str {
    match payment.map(Payment::method) {
        Some(Method::Wechat) => words.account_wechat,
        Some(Method::Alipay) => words.account_alipay,
        Some(Method::Balance) => words.account_balance,
        None => words.account_unknown,
    }
}

/// Returns whether one of the methods continues on this device.
fn opens_app(methods: &[MethodChoice], request: &Request) -> bool {
    let opens = |choice: &MethodChoice| {
        let product = request.products(choice.method, None).first().copied();
        product.and_then(PayMode::of) == Some(PayMode::Open)
    };
    methods.iter().any(opens)
}

/// Returns whether the payer scans with another device.
pub const fn is_scanned(product: Product) -> bool {
    matches!(product, Product::Native | Product::Qr)
}

const fn waiting_texts(product: Product, device: Device, words: &Words) -> (&'static str, &'static str) {
    match product {
        Product::H5 | Product::Wap | Product::Page => (words.leave_title, words.leave_text),
        Product::Jsapi if matches!(device, Device::Wechat) => (words.inside_title, words.inside_here_text),
        Product::Jsapi => (words.inside_title, words.inside_text),
        Product::WechatApp | Product::WechatMini | Product::AlipayApp | Product::AlipayMini => {
            (words.elsewhere_title, words.elsewhere_text)
        }
        Product::Native | Product::Qr | Product::Balance => (words.waiting_title, words.waiting_text),
    }
}

/// Returns the facts about money that moved; none before.
pub fn facts(situation: &Situation<'_>, words: &Words) -> Vec<Fact> {
    let (Situation::Paid {
        payment: Some(payment),
    }
    | Situation::Refunded {
        payment: Some(payment),
    }
    | Situation::Refunding { payment }
    | Situation::Late { payment }
    | Situation::Twice { payment }) = *situation
    else {
        return Vec::new();
    };
    let mut facts = payment_facts(payment, words);
    let refunds = [
        (words.returned, payment.refunded),
        (words.returning, on_its_way(situation, payment)),
    ];
    for (label, amount) in refunds.into_iter().filter(|(_, amount)| !amount.is_zero()) {
        facts.push(labelled_fact(label, money::text(amount), false));
    }
    facts
}

const fn labelled_fact(label: &'static str, value: String, is_reference: bool) -> Fact {
    Fact {
        label,
        value,
        is_reference,
    }
}

/// Returns the facts about one payment.
pub fn payment_facts(payment: &Payment, words: &Words) -> Vec<Fact> {
    let mut facts = vec![
        labelled_fact(words.paid_amount, money::text(payment.amount), false),
        labelled_fact(
            words.method,
            method_name(payment.method(), words).to_owned(),
            false,
        ),
    ];
    if let Some(paid_at) = payment.paid_at {
        facts.push(labelled_fact(words.paid_at, moment(paid_at), false));
    }
    if let Some(number) = &payment.transaction_id {
        facts.push(labelled_fact(words.transaction, number.clone(), true));
    }
    facts
}

/// Formats Beijing time, with its name.
pub fn moment(instant: Timestamp) -> String {
    format!("{} GMT+8", payments::beijing(instant))
}

/// Returns the amount on its way back: all of a surplus, whether or not its refund has been sent already.
fn on_its_way(situation: &Situation<'_>, payment: &Payment) -> Money {
    match situation {
        Situation::Late { .. } | Situation::Twice { .. } => {
            payment.amount.checked_sub(payment.refunded).unwrap_or_default()
        }
        _ => payment.refunding,
    }
}

fn is_back(payment: &Payment) -> bool {
    payment.refunded >= payment.amount
}

fn refunded_text(order: &Order, words: &Words) -> &'static str {
    if order.refunded < order.amount {
        words.part_refunded_text
    } else {
        words.refunded_text
    }
}
