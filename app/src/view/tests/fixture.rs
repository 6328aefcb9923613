//! Orders and payments as the store returns them, made by hand.

use std::sync::Arc;

use domain::{
    Method, Money, Order, OrderId, OrderNo, OrderState, Payment, PaymentId, PaymentNo, PaymentState, Product,
    Products, Purpose, Timestamp,
};
use payments::Checkout;

use crate::context::{PageSettings, Request};
use crate::device::Device;
use crate::i18n::Language;
use crate::return_url::ReturnHosts;
use crate::theme::Theme;

/// 2023-11-15 06:13:20 in Beijing.
pub const NOW: i64 = 1_700_000_000_000;
pub const MINUTE: i64 = 60_000;

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn fen(fen: i64) -> Money {
    Money::from_fen(fen).unwrap()
}

pub fn request(language: Language) -> Request {
    let site = PageSettings {
        codes: crate::qr::DrawnCodes::default(),
        merchant: "Shop".to_owned(),
        theme: Theme::plain(),
        public_url: "http://127.0.0.1:3000".to_owned(),
        is_simulator: true,
        demo_shop: None,
        unencrypted: Vec::new(),
        findings: Vec::new(),
        wallet_url: Some("http://127.0.0.1:9/wallet".to_owned()),
        return_hosts: ReturnHosts::default(),
        methods: vec![Method::Wechat, Method::Alipay],
        products: Products::all().without(Product::Jsapi),
        form_targets: String::new(),
    };
    Request {
        site: Arc::new(site),
        language,
        is_language_chosen: false,
        device: Device::Desktop,
        is_device_chosen: false,
        request_id: "r1".to_owned(),
        payer_ip: None,
        visitor: None,
    }
}

pub fn checkout(state: OrderState, payments: Vec<Payment>) -> Checkout {
    let order = Order {
        id: OrderId::new(at(NOW), [1; 10]),
        order_no: OrderNo::new(at(NOW), [2; 10]),
        token: "token".to_owned(),
        user_id: "u".to_owned(),
        purpose: Purpose::Sale,
        allows_balance: true,
        subject: "Tea".to_owned(),
        amount: fen(123_450),
        state,
        return_url: None,
        metadata: None,
        expires_at: at(NOW + 30 * MINUTE),
        paid_at: None,
        cancel_reason: None,
        refunded: Money::ZERO,
        refund_reason: None,
        created_at: at(NOW),
        updated_at: at(NOW),
        version: 1,
    };
    Checkout {
        order,
        payments,
        is_epay: false,
    }
}

pub fn payment(product: Product, state: PaymentState) -> Payment {
    Payment {
        id: PaymentId::new(at(NOW), [3; 10]),
        payment_no: PaymentNo::new(at(NOW), [4; 10]),
        order_id: OrderId::new(at(NOW), [1; 10]),
        product,
        amount: fen(123_450),
        state,
        settles: false,
        account: None,
        transaction_id: Some("4200001".to_owned()),
        request: String::new(),
        return_url: None,
        prompted_at: None,
        prompt: Some("weixin://wxpay/bizpayurl?pr=abc".to_owned()),
        failure_reason: None,
        refunded: Money::ZERO,
        refunding: Money::ZERO,
        refund_reason: None,
        refunded_at: None,
        expires_at: at(NOW + 15 * MINUTE),
        paid_at: Some(at(NOW)),
        created_at: at(NOW),
        updated_at: at(NOW),
        version: 1,
    }
}

pub fn pending() -> Payment {
    payment(Product::Native, PaymentState::Pending)
}
