//! The way back to the merchant, the receipt's sums, and payments that open elsewhere.

use domain::{Method, OrderState, Payment, PaymentState, Product};

use super::fixture::{MINUTE, NOW, at, checkout, fen, payment, request};
use super::{english, on};
use crate::device::Device;
use crate::i18n::Language;
use crate::view::{PageState, Paper, ReceiptView};

#[test]
fn only_one_who_has_just_paid_is_sent_back() {
    let settling = Payment {
        settles: true,
        ..payment(Product::Native, PaymentState::Paid)
    };
    let mut paid = checkout(OrderState::Paid, vec![settling]);
    paid.order.paid_at = Some(at(NOW));
    assert!(!english(&paid, NOW).returns_soon, "there is nowhere to go");
    paid.order.return_url = Some("https://shop.example/thanks".to_owned());
    let view = english(&paid, NOW);
    assert!(view.returns_soon && !view.returns_without_script);
    assert_eq!(view.return_url.as_deref(), Some("/checkout/token/return"));
    assert!(
        !english(&paid, NOW + 11 * MINUTE).returns_soon,
        "a later look is for the page"
    );
    paid.is_epay = true;
    assert!(english(&paid, NOW).returns_without_script);
    // A page of ours needs no result.
    paid.is_epay = false;
    paid.order.return_url = Some("http://127.0.0.1:3000/checkout/other?pay=balance".to_owned());
    assert_eq!(english(&paid, NOW).return_url, paid.order.return_url);
}

#[test]
fn a_receipt_has_the_status_and_the_total_after_refunds() {
    let settling = Payment {
        settles: true,
        ..payment(Product::Native, PaymentState::Paid)
    };
    let mut paid = checkout(OrderState::Paid, vec![settling]);
    let facts = |checkout: &payments::Checkout| {
        let receipt = ReceiptView::new(checkout, &[], Paper::A4, &request(Language::English)).unwrap();
        receipt.facts
    };
    assert_eq!(facts(&paid)[0].value, "Paid");
    assert!(
        facts(&paid)
            .iter()
            .all(|fact| fact.label != "Total after refunds")
    );
    paid.order.refunded = fen(23_450);
    let after = facts(&paid);
    assert_eq!(after[0].value, "Partly refunded");
    assert_eq!(
        after.last().map(|fact| (fact.label, fact.value.as_str())),
        Some(("Total after refunds", "¥1,000.00"))
    );
    paid.order.refunded = paid.order.amount;
    assert_eq!(facts(&paid)[0].value, "Refunded");
    assert_eq!(facts(&paid).last().unwrap().value, "¥0.00");
}

#[test]
fn a_payment_of_an_app_is_pointed_to_and_every_method_is_offered_beside_it() {
    for product in [
        Product::WechatApp,
        Product::WechatMini,
        Product::AlipayApp,
        Product::AlipayMini,
    ] {
        let open = checkout(OrderState::Open, vec![payment(product, PaymentState::Pending)]);
        let view = on(Device::Desktop, &open);
        assert_eq!(
            (view.state, view.title.as_str()),
            (PageState::Waiting, "Pay in the merchant's app")
        );
        assert!(view.code.is_none() && view.handover.is_none() && view.other_mode.is_none());
        let others: Vec<Method> = view.methods.iter().map(|choice| choice.method).collect();
        assert_eq!(others, [Method::Wechat, Method::Alipay]);
        assert!(view.methods.iter().all(|choice| !choice.is_current));
    }
}
