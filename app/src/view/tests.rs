//! The view of orders in every state that a payer can see.

mod finish;
mod fixture;

use domain::{Method, OrderState, Payment, PaymentState, Products, Refund, RefundId, RefundNo, RefundState};

use self::fixture::{MINUTE, NOW, at, checkout, fen, payment, pending, request};
use super::*;
use crate::device::{Device, PayMode};
use crate::i18n::Language;

fn english(checkout: &Checkout, now: i64) -> CheckoutView {
    CheckoutView::new(
        checkout,
        None,
        at(now),
        &request(Language::English),
        PageRequest::default(),
    )
}

fn on(device: Device, checkout: &Checkout) -> CheckoutView {
    let request = Request {
        device,
        ..request(Language::English)
    };
    CheckoutView::new(checkout, None, at(NOW), &request, PageRequest::default())
}

fn asked(checkout: &Checkout) -> CheckoutView {
    let page_request = PageRequest {
        is_asked: true,
        ..PageRequest::default()
    };
    CheckoutView::new(checkout, None, at(NOW), &request(Language::English), page_request)
}

#[test]
fn a_new_order_asks_for_a_method_until_its_own_deadline() {
    let view = english(&checkout(OrderState::Open, vec![]), NOW);
    assert_eq!(view.state, PageState::Choose);
    assert_eq!(view.price(), "¥1,234.50");
    assert_eq!(view.deadline.as_ref().unwrap().time, "06:43");
    assert_eq!(view.deadline.unwrap().millis_left, 30 * 60_000);
    assert!(view.methods.iter().all(|choice| !choice.is_current));
    assert!(view.methods[0].is_chosen);
}

#[test]
fn an_open_payment_shows_its_code_and_its_own_deadline() {
    let view = english(&checkout(OrderState::Open, vec![pending()]), NOW);
    assert_eq!(view.state, PageState::Waiting);
    let code = view.code.unwrap();
    assert_eq!(code.qr.content, "weixin://wxpay/bizpayurl?pr=abc");
    assert!(code.instruction.contains("¥1,234.50"));
    assert!(
        code.wallet
            .unwrap()
            .starts_with("http://127.0.0.1:9/wallet?code=weixin%3A")
    );
    assert_eq!(view.deadline.unwrap().time, "06:28");
    assert!(view.methods[0].is_current);
}

#[test]
fn a_view_is_whole_again_after_its_texts_were_taken_out() {
    for payments in [Vec::new(), vec![pending()]] {
        let view = english(&checkout(OrderState::Open, payments), NOW);
        let page = hollow::Hollow::of(view.clone());
        assert_eq!(format!("{:?}", page.whole()), format!("{view:?}"));
    }
}

#[test]
fn a_deadline_on_another_day_says_so() {
    let mut open = checkout(OrderState::Open, vec![]);
    open.order.expires_at = at(NOW + 24 * 60 * MINUTE);
    let view = english(&open, NOW);
    assert_eq!(view.deadline.unwrap().time, "2023-11-16 06:13");
}

#[test]
fn after_i_have_paid_the_page_does_not_ask_to_pay() {
    let view = asked(&checkout(OrderState::Open, vec![pending()]));
    assert_eq!(view.state, PageState::Confirming);
    assert_eq!(view.live.state, PageState::Waiting);
    assert!(view.sentence.contains("do not pay again"));
    assert!(view.code.is_none());
    assert_eq!(view.refresh_path().unwrap(), "/checkout/token?asked=1&n=1");
}

#[test]
fn an_expired_payment_is_confirming_until_the_gateway_reports() {
    let over = NOW + 31 * MINUTE;
    let open = checkout(OrderState::Open, vec![pending()]);
    assert_eq!(english(&open, over).state, PageState::Confirming);
    let untried = checkout(OrderState::Open, vec![]);
    assert_eq!(english(&untried, over).state, PageState::Closed);
}

#[test]
fn an_expired_code_offers_a_new_one() {
    let over = checkout(OrderState::Open, vec![pending()]);
    assert_eq!(english(&over, NOW + 16 * MINUTE).state, PageState::Expired);
    let closed = payment(Product::Native, PaymentState::Closed);
    let closed = checkout(OrderState::Open, vec![closed]);
    assert_eq!(english(&closed, NOW).state, PageState::Expired);
}

#[test]
fn a_method_that_gave_no_code_is_unavailable() {
    let declined = payment(Product::Native, PaymentState::Declined);
    let unheard = Payment {
        prompt: None,
        ..payment(Product::Qr, PaymentState::Created)
    };
    for payment in [declined, unheard] {
        let view = english(&checkout(OrderState::Open, vec![payment]), NOW);
        assert_eq!(view.state, PageState::Unavailable);
        // The other one is marked, the failed one still available.
        assert!(
            view.methods
                .iter()
                .all(|choice| choice.is_chosen != choice.is_current)
        );
    }
}

#[test]
fn a_paid_order_shows_how_it_was_paid() {
    let settling = Payment {
        settles: true,
        ..payment(Product::Qr, PaymentState::Paid)
    };
    let view = english(&checkout(OrderState::Paid, vec![settling]), NOW);
    assert_eq!(
        (view.state, view.title.as_str()),
        (PageState::Paid, "Payment received")
    );
    let values: Vec<&str> = view.facts.iter().map(|fact| fact.value.as_str()).collect();
    assert_eq!(
        values,
        ["¥1,234.50", "Alipay", "2023-11-15 06:13:20 GMT+8", "4200001"]
    );
    assert!(view.refresh_path().is_none());
}

#[test]
fn only_a_paid_order_has_a_receipt() {
    let settling = Payment {
        settles: true,
        ..payment(Product::Native, PaymentState::Paid)
    };
    let paid = checkout(OrderState::Paid, vec![settling]);
    let receipt = ReceiptView::new(&paid, &[], Paper::A4, &request(Language::English)).unwrap();
    assert_eq!(
        (receipt.amount.as_str(), receipt.title),
        ("1,234.50", "Receipt (not a tax invoice)")
    );
    assert_eq!(receipt.payments[0].facts.len(), 5);
    assert!(receipt.payments[0].refunds.is_empty());
    assert_eq!(
        english(&paid, NOW).receipt_path().unwrap(),
        "/checkout/token/receipt"
    );
    let open = checkout(OrderState::Open, vec![]);
    assert!(ReceiptView::new(&open, &[], Paper::A4, &request(Language::English)).is_none());
}

#[test]
fn a_refund_is_shown_with_its_amount() {
    let mut paid = checkout(OrderState::Paid, vec![]);
    paid.order.refunded = fen(10_000);
    let view = english(&paid, NOW);
    assert_eq!(
        (view.state, view.title.as_str()),
        (PageState::Refunded, "Refunded ¥100.00")
    );
    assert!(view.sentence.contains("¥100.00"));
    assert!(!view.is_watched());
}

#[test]
fn a_refund_under_way_is_not_shown_as_done() {
    let settling = Payment {
        settles: true,
        refunding: fen(3_450),
        ..payment(Product::Qr, PaymentState::Paid)
    };
    let view = english(&checkout(OrderState::Paid, vec![settling]), NOW);
    assert_eq!(view.state, PageState::Refunding);
    assert!(
        view.sentence
            .starts_with("¥34.50 is being refunded to the Alipay balance or bank card that you paid with")
    );
    assert_eq!(view.facts.last().unwrap().label, "Being refunded");
    assert!(view.is_watched(), "its end is news");
}

#[test]
fn late_money_is_shown_as_on_its_way_back() {
    let surplus = payment(Product::Native, PaymentState::Paid);
    let late = english(&checkout(OrderState::Cancelled, vec![surplus.clone()]), NOW);
    assert_eq!(late.state, PageState::Returning);
    assert!(late.title.starts_with("Order was closed"));
    assert_eq!(late.facts.last().unwrap().label, "Being refunded");

    let twice = english(&checkout(OrderState::Paid, vec![surplus.clone()]), NOW);
    assert!(twice.title.starts_with("Paid twice"));

    let back = Payment {
        refunded: surplus.amount,
        ..surplus
    };
    let done = english(&checkout(OrderState::Cancelled, vec![back]), NOW);
    assert_eq!(done.title, "Order was closed; your money has been returned");
    assert_eq!(done.facts.last().unwrap().label, "Refunded");
}

#[test]
fn a_cancelled_order_says_whether_time_closed_it() {
    let cancelled = checkout(OrderState::Cancelled, vec![]);
    assert!(english(&cancelled, NOW).sentence.contains("cancelled"));
    let mut expired = cancelled;
    expired.order.cancel_reason = Some(payments::EXPIRED_REASON.to_owned());
    assert!(english(&expired, NOW).sentence.contains("time to pay"));
}

#[test]
fn every_change_of_a_row_changes_the_version() {
    let untried = checkout(OrderState::Open, vec![]);
    let started = checkout(OrderState::Open, vec![pending()]);
    let changed = Payment {
        version: 2,
        ..pending()
    };
    let changed = checkout(OrderState::Open, vec![changed]);
    let version = |checkout| live_state(checkout, at(NOW)).version;
    assert!(version(&untried) < version(&started));
    assert!(version(&started) < version(&changed));
}

#[test]
fn a_refund_changes_the_version_when_requested_and_when_done() {
    let paid = payment(Product::Native, PaymentState::Paid);
    let refunding = Payment {
        refunding: paid.amount,
        ..paid.clone()
    };
    let refunded = Payment {
        refunded: paid.amount,
        ..paid.clone()
    };
    let version = |payment| live_state(&checkout(OrderState::Cancelled, vec![payment]), at(NOW)).version;
    let (paid, refunding, refunded) = (version(paid), version(refunding), version(refunded));
    assert!(paid < refunding && refunding < refunded);
}

#[test]
fn refreshes_without_javascript_are_limited() {
    let open = checkout(OrderState::Open, vec![pending()]);
    let page_request = PageRequest {
        n_refreshes: MAX_REFRESHES,
        ..PageRequest::default()
    };
    let view = CheckoutView::new(&open, None, at(NOW), &request(Language::English), page_request);
    assert_eq!(view.refresh_path(), None);
}

#[test]
fn an_error_is_shown_unless_the_page_already_shows_it() {
    let page_request = PageRequest {
        error: Some(UiError::Unreachable),
        ..PageRequest::default()
    };
    let open = checkout(OrderState::Open, vec![]);
    let view = CheckoutView::new(&open, None, at(NOW), &request(Language::Chinese), page_request);
    assert!(view.alert.unwrap().contains("请勿重复支付"));
    let paid = checkout(OrderState::Paid, vec![]);
    let view = CheckoutView::new(&paid, None, at(NOW), &request(Language::Chinese), page_request);
    assert_eq!(view.alert, None);
}

#[test]
fn a_return_link_that_could_run_something_is_not_shown() {
    let mut paid = checkout(OrderState::Paid, vec![]);
    paid.order.return_url = Some("javascript:alert(1)".to_owned());
    assert_eq!(english(&paid, NOW).return_url, None);
    paid.order.return_url = Some("https://shop.example/thanks".to_owned());
    assert!(english(&paid, NOW).return_url.is_some());
    let mut strict = request(Language::English);
    let mut site = (*strict.site).clone();
    site.return_hosts = crate::return_url::ReturnHosts::parse("other.example").unwrap();
    strict.site = std::sync::Arc::new(site);
    let view = CheckoutView::new(&paid, None, at(NOW), &strict, PageRequest::default());
    assert_eq!(view.return_url, None);
}

#[test]
fn a_wallet_browser_shows_only_its_methods_and_how_to_leave() {
    let open = checkout(OrderState::Open, vec![]);
    let methods = |device| -> Vec<Method> {
        let view = on(device, &open);
        view.methods.iter().map(|choice| choice.method).collect()
    };
    assert_eq!(methods(Device::Desktop), [Method::Wechat, Method::Alipay]);
    assert_eq!(methods(Device::Phone), [Method::Wechat, Method::Alipay]);
    assert_eq!(methods(Device::Wechat), [Method::Wechat]);
    assert_eq!(methods(Device::Alipay), [Method::Alipay]);
    assert!(on(Device::Phone, &open).guide.is_none());
    let guide = on(Device::Wechat, &open).guide.unwrap();
    assert_eq!(guide.url, "http://127.0.0.1:3000/checkout/token");
    // A payer whose openid the merchant gave needs no instructions.
    let named = checkout(
        OrderState::Open,
        vec![payment(Product::Jsapi, PaymentState::Pending)],
    );
    assert!(on(Device::Wechat, &named).guide.is_none());
    assert!(on(Device::Alipay, &named).guide.is_some());
}

#[test]
fn every_detected_device_can_be_corrected() {
    let open = checkout(OrderState::Open, vec![]);
    for (device, path) in [
        (Device::Desktop, "/checkout/token?device=phone"),
        (Device::Phone, "/checkout/token?device=desk"),
        (Device::Wechat, "/checkout/token?device=phone"),
        (Device::Alipay, "/checkout/token?device=phone"),
    ] {
        assert_eq!(on(device, &open).correction.0, path);
    }
}

#[test]
fn code_and_app_link_to_each_other_where_both_work() {
    let way = |device, product| {
        let open = checkout(OrderState::Open, vec![payment(product, PaymentState::Pending)]);
        on(device, &open).other_mode.map(|other| other.way)
    };
    assert_eq!(way(Device::Phone, Product::H5), Some(PayMode::Scan));
    assert_eq!(way(Device::Phone, Product::Native), Some(PayMode::Open));
    assert_eq!(way(Device::Desktop, Product::Native), None);
    assert_eq!(way(Device::Desktop, Product::Qr), Some(PayMode::Open));
}

#[test]
fn a_receipt_lists_every_refund_with_its_time_and_state() {
    let settling = Payment {
        settles: true,
        ..payment(Product::Native, PaymentState::Paid)
    };
    let refund = |seed: u8, state, finished_at| Refund {
        id: RefundId::new(at(NOW), [seed; 10]),
        refund_no: RefundNo::new(at(NOW), [seed; 10]),
        payment_id: settling.id.clone(),
        amount: fen(100),
        reason: "asked".to_owned(),
        state,
        gateway_refund_id: None,
        failure_reason: None,
        created_at: at(NOW),
        updated_at: at(NOW),
        finished_at,
        version: 0,
    };
    let refunds = [
        refund(2, RefundState::Stuck, None),
        refund(1, RefundState::Succeeded, Some(at(NOW + MINUTE))),
    ];
    let paid = checkout(OrderState::Paid, vec![settling.clone()]);
    let receipt = ReceiptView::new(&paid, &refunds, Paper::Roll, &request(Language::English)).unwrap();
    let lines = &receipt.payments[0].refunds;
    assert_eq!((lines[0].amount.as_str(), lines[0].status), ("¥1.00", "Refunded"));
    assert_eq!(lines[0].at, "2023-11-15 06:14:20 GMT+8");
    assert_eq!(lines[1].status, "The merchant is seeing to it");
    assert_eq!(receipt.other_paper_path, "/checkout/token/receipt?paper=a4");
}

#[test]
fn late_money_has_a_record_of_its_refund() {
    let surplus = payment(Product::Native, PaymentState::Paid);
    let late = checkout(OrderState::Cancelled, vec![surplus]);
    let receipt = ReceiptView::new(&late, &[], Paper::A4, &request(Language::English)).unwrap();
    assert_eq!(receipt.title, "Payment record");
    assert_eq!(receipt.payments[0].title, "Duplicate payment");
    assert!(english(&late, NOW).receipt_path().is_some());
}

#[test]
fn a_balance_is_offered_only_where_the_merchant_allowed_it() {
    let spend = |checkout: &Checkout, available: i64, is_spending| {
        let page_request = PageRequest {
            is_spending,
            ..PageRequest::default()
        };
        CheckoutView::new(
            checkout,
            Some(fen(available)),
            at(NOW),
            &request(Language::English),
            page_request,
        )
    };
    let open = checkout(OrderState::Open, vec![]);
    let offered = spend(&open, 200_000, false);
    assert_eq!(offered.state, PageState::Choose);
    assert_eq!(offered.methods.last().unwrap().help, "¥2,000.00 available");

    let asked = spend(&open, 200_000, true);
    assert_eq!(asked.state, PageState::Balance);
    let values: Vec<&str> = asked.facts.iter().map(|fact| fact.value.as_str()).collect();
    assert_eq!(values, ["¥2,000.00", "¥1,234.50", "¥765.50"]);

    let short = spend(&open, 100_000, true);
    assert_eq!(
        (short.state, short.title.as_str()),
        (PageState::Short, "Balance is short by ¥234.50")
    );
    assert_eq!(short.spending_amount, "¥234.50");

    for refuse in [
        |order: &mut Order| order.allows_balance = false,
        |order: &mut Order| order.purpose = Purpose::Topup,
        |order: &mut Order| order.state = OrderState::Paid,
    ] {
        let mut other = checkout(OrderState::Open, vec![]);
        refuse(&mut other.order);
        let view = spend(&other, 200_000, true);
        assert!(view.methods.iter().all(|choice| choice.method != Method::Balance));
        assert!(!matches!(view.state, PageState::Balance | PageState::Short));
    }
}

/// The page of an open order for one device and the products that are signed.
fn signed_on(device: Device, products: Products, payments: Vec<Payment>) -> CheckoutView {
    let mut request = request(Language::English);
    request.device = device;
    let mut site = (*request.site).clone();
    site.products = products;
    request.site = std::sync::Arc::new(site);
    let open = checkout(OrderState::Open, payments);
    CheckoutView::new(&open, None, at(NOW), &request, PageRequest::default())
}

#[test]
fn every_set_of_signed_products_ends_in_a_method_or_in_a_plain_sentence_on_every_device() {
    let of_gateways: Vec<Product> = Product::ALL
        .into_iter()
        .filter(|product| *product != Product::Balance && !product.is_for_clients())
        .collect();
    for bits in 0_u32..1 << of_gateways.len() {
        let is_in = |place: usize| bits & (1 << place) != 0;
        let places = of_gateways.iter().enumerate().filter(|(place, _)| is_in(*place));
        let signed: Vec<Product> = places.map(|(_, product)| *product).collect();
        for device in Device::ALL {
            let products = Products::of(&signed);
            let view = signed_on(device, products, vec![]);
            for choice in &view.methods {
                let offered = device.products(choice.method, None, products);
                assert!(offered.iter().all(|product| signed.contains(product)));
                assert!(
                    !offered.is_empty() && !choice.help.is_empty(),
                    "{device:?} {signed:?}"
                );
            }
            let needs_words = view.methods.is_empty();
            assert_eq!(
                needs_words,
                view.title == "You cannot pay here",
                "{device:?} {signed:?}"
            );
            if needs_words {
                assert!(view.guide.is_some(), "{device:?} {signed:?}");
            }
            // The page of an open payment never leads to a product that is not signed.
            for product in &signed {
                let waiting = signed_on(device, products, vec![payment(*product, PaymentState::Pending)]);
                if let Some(other) = waiting.other_mode {
                    let next = device.products(other.method, Some(other.way), products);
                    assert!(
                        next.first()
                            .is_some_and(|next| signed.contains(next) && next != product)
                    );
                }
            }
        }
    }
}

#[test]
fn inside_wechat_a_payer_is_sent_to_the_browser_only_when_jsapi_is_not_offered() {
    let with = signed_on(
        Device::Wechat,
        Products::of(&[Product::Jsapi, Product::Native]),
        vec![],
    );
    assert!(with.guide.is_none());
    assert_eq!(with.methods[0].help, "Pays right here inside WeChat");
    let without = signed_on(Device::Wechat, Products::of(&[Product::Native]), vec![]);
    assert!(without.guide.is_some());
    assert_eq!(without.methods[0].help, "Scan with WeChat on another phone");
}
