//! T-51: no log line of any level contains a secret.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use domain::{OrderStatus, Product};
use payments::StartPayment;
use simulator::{Alteration, SignedBy};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::shop::{BOTH, Engine, Shop};

const OPENID: &str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

/// Records every log line, of all levels.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<String>>);

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0, "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Listener {
    // The simulator knows the secrets of both sides, and is no part of the product.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !metadata.target().starts_with("simulator")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Writer(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Writer(&mut self.0.lock().unwrap()));
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Writer(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn t_51_no_log_line_holds_a_secret() {
    let listener = Listener::default();
    // While a process has one subscriber, `tracing` caches for all threads what the first thread to pass a call site
    // answers, and the threads of the other tests have none.
    let _second = tracing::Dispatch::new(Listener::default());
    let guard = tracing::subscriber::set_default(listener.clone());
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        let order = shop.order("9.99").await;
        let payment = shop.start(&order, method).await;
        for signed_by in [SignedBy::Stranger, SignedBy::Nobody] {
            let forged = Alteration {
                signed_by,
                ..Alteration::default()
            };
            let letter = shop.sim.letter(payment.payment_no.as_str(), &forged).unwrap();
            assert_eq!(shop.deliver(&letter).await, 401);
        }
        shop.scan_and_pay(&payment).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    }
    let order = shop.order("9.99").await;
    let start = StartPayment {
        openid: Some(OPENID.to_owned()),
        ..StartPayment::new(order.id.clone(), Product::Jsapi)
    };
    payments::start_payment(&shop.services, start, None)
        .await
        .unwrap();
    shop.run_jobs().await;
    drop(guard);

    let said = listener.0.lock().unwrap().clone();
    assert!(said.contains("settled as Paid"), "the listener heard the product");
    let given = shop.sim.credentials();
    let body_of = |pem: &str| pem.lines().nth(1).unwrap().to_owned();
    for (what, secret) in [
        ("an APIv3 key", given.wechat_api_v3_key.clone()),
        ("WeChat's private key", body_of(&given.wechat_private_key)),
        ("Alipay's private key", body_of(&given.alipay_private_key)),
        (
            "an Authorization header",
            "WECHATPAY2-SHA256-RSA2048 mchid".to_owned(),
        ),
        ("an openid", OPENID.to_owned()),
        ("a notice", "ciphertext".to_owned()),
        ("a form", "buyer_logon_id".to_owned()),
        ("a signature", "sign=".to_owned()),
    ] {
        assert!(!said.contains(&secret), "{what} was logged");
    }
    shop.close().await;
}
