//! The journey of a payer without JavaScript, and the events of an open page.

use std::time::Duration;

use futures_util::StreamExt as _;

use super::api::{Api, client, pay, send};
use super::browser::Browser;
use super::server::Server;

async fn buy(server: &Server) -> (Browser, String) {
    let mut browser = Browser::open(&format!("{}/?lang=en", server.url)).await;
    assert_eq!(browser.page.status, 200);
    browser
        .submit("/ui/buy_plan", &[("plan", "team"), ("lang", "en")])
        .await;
    let token = browser
        .path
        .strip_prefix("/checkout/")
        .unwrap()
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    assert!(browser.page.text.contains("99.90"));
    (browser, token)
}

#[tokio::test]
async fn a_payer_without_javascript_buys_chooses_pays_and_sees_it() {
    let server = Server::simulated(&[]);
    for method in ["wechat", "alipay"] {
        let (mut browser, token) = buy(&server).await;
        assert_eq!(browser.state(), "choose");
        browser
            .submit(
                "/ui/start_payment",
                &[("token", &token), ("method", method), ("lang", "en")],
            )
            .await;
        assert_eq!(browser.state(), "waiting", "{}", browser.page.text);
        assert!(
            browser.page.text.contains("<svg"),
            "the code is drawn on the server"
        );
        let wallet = browser
            .attribute(&format!("href=\"{}?", server.wallet.as_deref().unwrap()))
            .unwrap();

        let mut phone = Browser::open(&format!("{}?{wallet}", server.wallet.as_deref().unwrap())).await;
        assert!(phone.page.text.contains("99.90"));
        let code = phone.attribute("name=\"code\" value=\"").unwrap();
        phone.submit("/wallet", &[("code", &code), ("act", "pay")]).await;

        for _ in 0..100 {
            browser.go(&format!("/checkout/{token}?lang=en")).await;
            if browser.state() == "paid" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(browser.state(), "paid");
    }
}

#[tokio::test]
async fn only_the_simulator_has_a_shop() {
    let dir = tempfile::TempDir::new().unwrap();
    let gateways = super::server::Gateways::start(dir.path());
    let server = Server::live(tempfile::TempDir::new().unwrap(), &gateways, &[]);
    assert_eq!(send(client().get(&server.url)).await.status, 404);
    let posted = send(
        client()
            .post(format!("{}/ui/buy_plan", server.url))
            .form(&[("plan", "team")]),
    )
    .await;
    assert!(
        !posted
            .header("location")
            .is_some_and(|location| location.contains("checkout")),
        "{posted:?}"
    );
    assert_eq!(
        Api::of(&server).get("/orders").await.ok(200)["data"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn an_open_page_receives_the_payment_event() {
    let mut server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    let payment = api.payment(&order, "wechat").await;
    let page = order["checkoutUrl"].as_str().unwrap();
    let status = send(client().get(format!("{page}/status"))).await.ok(200);
    assert_eq!(status["state"], "waiting");

    let response = client().get(format!("{page}/events")).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.bytes_stream();
    let mut heard = String::new();
    async fn hear(
        heard: &mut String,
        events: &mut (impl futures_util::Stream<Item = reqwest::Result<bytes::Bytes>> + Unpin),
        word: &str,
    ) {
        let wait = async {
            while !heard.contains(word) {
                let bytes = events.next().await.expect("the stream goes on").unwrap();
                heard.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .expect("the event comes");
    }
    hear(&mut heard, &mut events, "waiting").await;
    assert!(heard.contains("retry: 3000") && heard.contains("event: state") && heard.contains("id: "));
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    hear(&mut heard, &mut events, "\"paid\"").await;

    // A client that has received the last event gets nothing until there is another.
    let last = heard
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap()
        .to_owned();
    let resumed = client()
        .get(format!("{page}/events"))
        .header("last-event-id", last)
        .send()
        .await
        .unwrap();
    let mut resumed = resumed.bytes_stream();
    assert!(
        tokio::time::timeout(Duration::from_secs(2), resumed.next())
            .await
            .is_err()
    );

    // Streams do not hold up the end of the server.
    let (code, took) = server.terminate();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert!(
        events
            .next()
            .await
            .is_none_or(|rest| rest.is_err() || rest.is_ok_and(|rest| rest.is_empty()))
    );
}
