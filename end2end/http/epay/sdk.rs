//! The crate `epay-sdk` 1.0.0, unedited, as a client: its requests, its strict reading of answers, its check of notifications.
//!
//! Its own HTTP client is a second version of one that we have, so it is given ours, with the same rules.

use std::time::{Duration, Instant};

use epay_sdk::error::TransportErrorKind;
use epay_sdk::transport::BoxFuture;
use epay_sdk::{
    Client as Sdk, Device, Error, FormPaymentRequest, Money, NotifyData, OrderDetail, PayType,
    PaymentRequest, Transport, TransportOptions, Url, parse_notify_params,
};

use crate::api::{client, pay, send};
use crate::epay::client::{KEY, start};
use crate::epay::notifications::Receiver;

const NAME: &str = "专业版 100% + \"月付\" & more";
const PATIENCE: Duration = Duration::from_secs(30);

/// HTTP without redirects; an answer that is not 2xx is an error, as with the crate's own.
struct Http(reqwest::Client);

async fn read(request: reqwest::RequestBuilder) -> epay_sdk::Result<Vec<u8>> {
    let failed = |error: reqwest::Error| Error::transport(TransportErrorKind::Other, error.without_url());
    let answer = request.send().await.map_err(failed)?;
    let status = answer.status();
    let body = answer.bytes().await.map_err(failed)?.to_vec();
    if status.is_success() {
        Ok(body)
    } else {
        Err(Error::http(status.as_u16(), &body))
    }
}

impl Transport for Http {
    fn get<'a>(
        &'a self,
        url: &'a Url,
        _options: TransportOptions,
    ) -> BoxFuture<'a, epay_sdk::Result<Vec<u8>>> {
        Box::pin(read(self.0.get(url.as_str())))
    }

    fn post_form<'a>(
        &'a self,
        url: &'a Url,
        form: &'a [(&'a str, &'a str)],
        _options: TransportOptions,
    ) -> BoxFuture<'a, epay_sdk::Result<Vec<u8>>> {
        Box::pin(read(self.0.post(url.as_str()).form(form)))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

fn sdk(url: &str, key: &str, notify_url: &str) -> Sdk {
    Sdk::builder(1001, key, url)
        .allow_insecure_http(true)
        .allow_insecure_callback_http(true)
        .notify_url(notify_url)
        .return_url("https://shop.example/thanks")
        .transport(Http(client()))
        .build()
        .unwrap()
}

fn verify(sdk: &Sdk, query: &str) -> epay_sdk::Result<NotifyData> {
    sdk.verify_notify(&parse_notify_params(Some(query), None)?)
}

async fn wait_until_paid(sdk: &Sdk, number: &str) -> OrderDetail {
    let started = Instant::now();
    loop {
        let found = sdk.query_order_by_out_trade_no(number).await.unwrap();
        if found.is_paid() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "{found:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn the_crate_epay_sdk_orders_verifies_queries_and_refunds() {
    let receiver = Receiver::start(&[(200, epay_sdk::NOTIFY_SUCCESS)]).await;
    let (server, _) = start(&[("EPAY_REFUND", "on")]);
    let sdk_of = |key| sdk(&server.url, key, &receiver.url);
    let shop = sdk_of(KEY);
    let price = Money::from_yuan_str("9.90").unwrap();
    let order = PaymentRequest::new(PayType::Alipay, "crate1", NAME, price)
        .client_ip("203.0.113.7")
        .device(Device::Pc)
        .param("a=1&b=2");
    let stranger = sdk_of("another-key-0123456789-abcdefghijkl");
    assert!(stranger.create_payment(&order).await.is_err());
    let made = shop.create_payment(&order).await.unwrap();
    assert!(made.pay_url.starts_with(&server.url), "{}", made.pay_url);
    let open = shop.query_order_by_trade_no(&made.trade_no).await.unwrap();
    assert!(open.is_unpaid() && open.amount().unwrap() == price, "{open:?}");

    pay(server.wallet.as_deref().unwrap(), &made.qr_code.clone().into()).await;
    let heard = receiver.wait_for(1).await.remove(0);
    let told = verify(&shop, &heard)
        .unwrap()
        .try_into_success()
        .unwrap()
        .into_inner();
    assert_eq!(
        (told.out_trade_no.as_str(), told.trade_no.as_str()),
        ("crate1", made.trade_no.as_str())
    );
    assert_eq!((told.name.as_str(), told.param.as_str()), (NAME, "a=1&b=2"));
    assert!(told.money_matches(price));
    assert!(verify(&shop, &heard.replace("9.90", "0.01")).is_err());
    assert!(verify(&stranger, &heard).is_err());

    let paid = wait_until_paid(&shop, "crate1").await;
    assert_eq!((paid.pid, paid.name.as_str()), (1001, NAME));
    let listed = shop.query_orders(20, 1).await.unwrap();
    assert_eq!(listed.orders.len(), 1);
    let merchant = shop.query_merchant().await.unwrap();
    assert_eq!((merchant.pid, merchant.active), (1001, 1));
    assert!(shop.query_settlements().await.is_ok());
    let too_much = Money::from_yuan_str("9.91").unwrap();
    assert!(shop.refund_by_out_trade_no("crate1", too_much).await.is_err());
    shop.refund_by_trade_no(&made.trade_no, price).await.unwrap();
}

#[tokio::test]
async fn the_link_of_the_crate_epay_sdk_leads_to_the_checkout() {
    let receiver = Receiver::start(&[(200, epay_sdk::NOTIFY_SUCCESS)]).await;
    let (server, _) = start(&[]);
    let shop = sdk(&server.url, KEY, &receiver.url);
    let price = Money::from_yuan_str("9.90").unwrap();
    let form = FormPaymentRequest::new("crate2", NAME, price).sitename("店 铺");
    let link = shop.build_form_payment_url(&form).unwrap();
    let answer = send(client().get(link)).await;
    let location = answer.header("location").unwrap();
    assert!(
        location.starts_with(&format!("{}/checkout/", server.url)),
        "{location}"
    );
    let found = shop.query_order_by_out_trade_no("crate2").await.unwrap();
    assert!(found.is_unpaid(), "{found:?}");
}
