//! Checkout pages inside WeChat: two presses to pay, and a code for another phone when WeChat names no payer.

use serde_json::{Value, json};

use super::api::{Answer, Api, client, send};
use super::console::visitor::run_sql;
use super::server::Server;

const AGENT: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) MicroMessenger/8.0.49(0x18003137)";

/// A browser inside WeChat: it keeps cookies and shows every step.
struct Wechat {
    client: reqwest::Client,
    server: String,
}

impl Wechat {
    fn at(server: &Server) -> Wechat {
        Wechat {
            client: client(),
            server: server.url.clone(),
        }
    }

    async fn get(&self, url: &str) -> Answer {
        let url = if url.starts_with('/') {
            format!("{}{url}", self.server)
        } else {
            url.to_owned()
        };
        send(self.client.get(url).header("user-agent", AGENT)).await
    }

    /// Presses the button of the payment, and returns where it leads.
    async fn choose(&self, token: &str) -> String {
        let request = self
            .client
            .post(format!("{}/ui/start_payment", self.server))
            .header("user-agent", AGENT)
            .header("origin", &self.server)
            .form(&[("token", token), ("method", "wechat"), ("lang", "en")]);
        let answer = send(request).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.header("location").unwrap().to_owned()
    }

    /// Follows WeChat's redirect back, and returns where our answer leads.
    async fn come_back(&self, authorize: &str) -> String {
        let sent_back = self.get(authorize).await;
        assert_eq!(sent_back.status, 302, "{}", sent_back.text);
        let back = self.get(sent_back.header("location").unwrap()).await;
        assert_eq!(back.status, 303, "{}", back.text);
        back.header("location").unwrap().to_owned()
    }
}

fn token_of(order: &Value) -> &str {
    order["checkoutUrl"].as_str().unwrap().rsplit('/').next().unwrap()
}

async fn slip(server: &Server, kind: &str) {
    let request = client().post(format!("{}/oauth", server.control()));
    send(request.json(&json!({ "slip": kind }))).await.ok(200);
}

#[tokio::test]
async fn a_page_inside_wechat_pays_in_two_presses() {
    let server = Server::simulated(&[]);
    let (api, wechat) = (Api::of(&server), Wechat::at(&server));
    let order = api.order().await;
    let token = token_of(&order);
    let shown = wechat.get(&format!("/checkout/{token}?lang=en")).await;
    assert!(
        shown.text.contains("Pays right here inside WeChat"),
        "{}",
        shown.text
    );
    let policy = shown.header("content-security-policy").unwrap();
    let gateway = server.control().replace("/_control", "");
    assert!(
        policy.contains(&gateway),
        "a form may be redirected there: {policy}"
    );
    let authorize = wechat.choose(token).await;
    assert!(authorize.contains("/connect/oauth2/authorize?") && authorize.contains("scope=snsapi_base"));
    let page = wechat.come_back(&authorize).await;
    assert_eq!(page, format!("/checkout/{token}?open=1&lang=en"));
    let waiting = wechat.get(&page).await;
    assert!(waiting.text.contains("class=\"bridge\""), "{}", waiting.text);
    assert!(
        waiting.text.contains("data-opens=\"once\""),
        "no second press is needed"
    );
    let words = wechat.get(&format!("/checkout/{token}/invocation")).await.ok(200);
    let bridge = format!("{}/bridge", server.control());
    send(client().post(bridge).json(&words)).await.ok(200);
    let payments = api
        .get(&format!("/payments?orderId={}", order["id"].as_str().unwrap()))
        .await
        .ok(200);
    api.wait_for(&payments["data"][0], "success").await;
    // The next order of the same visitor needs no authorisation.
    let next = api.order().await;
    assert_eq!(
        wechat.choose(token_of(&next)).await,
        format!("/checkout/{}?open=1&lang=en", token_of(&next))
    );
    // Opened later, the page waits for a press.
    let later = wechat.get(&format!("/checkout/{}", token_of(&next))).await.text;
    assert!(
        later.contains("class=\"bridge\"") && !later.contains("data-opens"),
        "{later}"
    );
}

#[tokio::test]
async fn a_refused_code_leads_to_a_code_for_another_phone() {
    let server = Server::simulated(&[]);
    let (api, wechat) = (Api::of(&server), Wechat::at(&server));
    for kind in ["usedCode", "expiredCode", "foreignApp"] {
        let order = api.order().await;
        slip(&server, kind).await;
        let authorize = wechat.choose(token_of(&order)).await;
        let page = wechat.come_back(&authorize).await;
        assert!(page.contains("error=not_authorized"), "{kind}: {page}");
        let shown = wechat.get(&page).await.text;
        assert!(shown.contains("WeChat did not say who pays"), "{kind}");
        assert!(
            shown.contains("data-testid=\"guide\"") && !shown.contains("class=\"bridge\""),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn an_address_of_somebody_else_starts_nothing() {
    let server = Server::simulated(&[]);
    let (api, wechat, victim) = (Api::of(&server), Wechat::at(&server), Wechat::at(&server));
    let order = api.order().await;
    let token = token_of(&order);
    let authorize = wechat.choose(token).await;
    let sent_back = wechat.get(&authorize).await;
    let address = sent_back.header("location").unwrap();
    for brought in [
        victim.get(address).await,
        wechat
            .get(&format!("/checkout/{token}/wechat?code=a&state=b"))
            .await,
        wechat.get(&format!("/checkout/{token}/wechat")).await,
    ] {
        assert_eq!(brought.status, 303, "{}", brought.text);
        assert!(
            brought
                .header("location")
                .unwrap()
                .contains("error=not_authorized")
        );
    }
    slip(&server, "swappedState").await;
    let swapped = wechat.come_back(&wechat.choose(token).await).await;
    assert!(swapped.contains("error=not_authorized"), "{swapped}");
    let payments = api
        .get(&format!("/payments?orderId={}", order["id"].as_str().unwrap()))
        .await
        .ok(200);
    assert_eq!(payments["data"].as_array().unwrap().len(), 0);
    assert_eq!(
        wechat.get("/checkout/unknown/wechat?code=a&state=b").await.status,
        404
    );
}

#[tokio::test]
async fn a_return_that_cannot_be_read_leads_to_the_checkout_and_not_to_404() {
    let server = Server::simulated(&[]);
    let (api, wechat) = (Api::of(&server), Wechat::at(&server));
    let order = api.order().await;
    let token = token_of(&order);
    let address = format!("/checkout/{token}/wechat?code=a&state=b&lang=en");
    run_sql(&server, "alter table orders rename to hidden").await;
    let back = wechat.get(&address).await;
    run_sql(&server, "alter table hidden rename to orders").await;
    assert_eq!(back.status, 303, "{}", back.text);
    let location = back.header("location").unwrap();
    assert_eq!(location, format!("/checkout/{token}?error=internal&lang=en"));
}

#[tokio::test]
async fn without_jsapi_the_page_gives_advice_instead() {
    let server = Server::simulated(&[("WECHAT_PRODUCTS", "native"), ("ALIPAY_PRODUCTS", "qr")]);
    let (api, wechat) = (Api::of(&server), Wechat::at(&server));
    let order = api.order().await;
    let token = token_of(&order);
    let shown = wechat.get(&format!("/checkout/{token}?lang=en")).await.text;
    assert!(shown.contains("data-testid=\"guide\"") && shown.contains("on another phone"));
    assert_eq!(wechat.choose(token).await, format!("/checkout/{token}?lang=en"));
}
