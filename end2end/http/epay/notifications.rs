//! Notifications: after the payment, until they are received, and signed so that every client reads them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::response::IntoResponse as _;

use crate::api::{client, pay, send};
use crate::epay::client::{KEY, Pairs, md5_of, start, text_of, with};
use crate::epay::version2::{self, Merchant};

/// A shop's own server: answers each notification with the next of its answers, the last one for ever.
#[derive(Clone)]
pub struct Receiver {
    answers: Arc<Mutex<Vec<(u16, String)>>>,
    pub heard: Arc<Mutex<Vec<String>>>,
    pub url: String,
}

impl Receiver {
    pub async fn start(answers: &[(u16, &str)]) -> Receiver {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        let answers = answers
            .iter()
            .map(|(status, body)| (*status, (*body).to_owned()))
            .collect();
        let receiver = Receiver {
            answers: Arc::new(Mutex::new(answers)),
            heard: Arc::default(),
            url,
        };
        let router = axum::Router::new().fallback(hear).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub async fn wait_for(&self, n: usize) -> Vec<String> {
        let started = Instant::now();
        loop {
            let heard = self.heard.lock().unwrap().clone();
            if heard.len() >= n {
                return heard;
            }
            assert!(started.elapsed() < Duration::from_secs(40), "only {heard:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn hear(State(receiver): State<Receiver>, request: Request) -> axum::response::Response {
    assert_eq!(request.method(), "GET");
    let agent = request.headers().get("user-agent").unwrap().to_str().unwrap();
    assert!(agent.starts_with("Mozilla/5.0 (compatible; Tongqian/"), "{agent}");
    receiver
        .heard
        .lock()
        .unwrap()
        .push(request.uri().query().unwrap_or_default().to_owned());
    let mut answers = receiver.answers.lock().unwrap();
    let (status, body) = if answers.len() > 1 {
        answers.remove(0)
    } else {
        answers[0].clone()
    };
    (axum::http::StatusCode::from_u16(status).unwrap(), body).into_response()
}

pub fn fields_of(query: &str) -> Pairs {
    let url = reqwest::Url::parse(&format!("http://x/?{query}")).unwrap();
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn e_03_e_33_e_37_a_paid_order_is_told_once_with_fields_that_every_client_can_sign() {
    let receiver = Receiver::start(&[(200, "success")]).await;
    let (_server, shop) = start(&[]);
    let order = with(
        &shop.order("told"),
        "notify_url",
        &format!("{}?shop=1#part", receiver.url),
    );
    let order = with(&order, "name", "a b+c&d 会员");
    let made = shop.mapi(&order).await;
    assert!(
        receiver.heard.lock().unwrap().is_empty(),
        "nothing before it is paid"
    );
    pay(&shop.wallet, &made["qrcode"]).await;
    let query = receiver.wait_for(1).await.remove(0);
    let (own, ours) = query.split_once('&').unwrap();
    assert_eq!(own, "shop=1");
    assert!(!ours.contains('+') && ours.contains("%20"), "{ours}");
    let fields = fields_of(ours);
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "pid",
            "trade_no",
            "out_trade_no",
            "type",
            "name",
            "money",
            "trade_status",
            "sign",
            "sign_type"
        ]
    );
    assert!(
        fields
            .iter()
            .all(|(_, value)| !value.is_empty() && value.trim() == value)
    );
    let value = |name: &str| fields.iter().find(|(known, _)| known == name).unwrap().1.as_str();
    assert_eq!(value("sign"), md5_of(&format!("{}{KEY}", text_of(&fields))));
    assert_eq!(value("trade_no"), made["trade_no"]);
    assert_eq!(
        (
            value("money"),
            value("type"),
            value("trade_status"),
            value("name")
        ),
        ("9.90", "alipay", "TRADE_SUCCESS", "a b+c&d 会员")
    );
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(
        receiver.heard.lock().unwrap().len(),
        1,
        "received: not sent again"
    );
}

#[tokio::test]
async fn e_32_what_is_no_success_is_repeated() {
    let receiver = Receiver::start(&[(200, "unsuccessful"), (200, "\u{feff} SUCCESS\n")]).await;
    let (_server, shop) = start(&[]);
    let order = with(
        &with(&shop.order("twice"), "notify_url", &receiver.url),
        "param",
        "a=1&b=2",
    );
    shop.paid_order(&order).await;
    let heard = receiver.wait_for(2).await;
    for query in &heard {
        let fields = fields_of(query);
        let value = |name: &str| fields.iter().find(|(known, _)| known == name).unwrap().1.clone();
        assert_eq!(value("param"), "a=1&b=2");
        assert_eq!(value("sign"), md5_of(&format!("{}{KEY}", text_of(&fields))));
    }
}

#[tokio::test]
async fn e_34_a_merchant_that_is_silent_delays_no_other_order() {
    // Accepts connections and never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let receiver = Receiver::start(&[(200, "success")]).await;
    let (_server, shop) = start(&[]);
    let slow = format!("http://{}/notify", silent.local_addr().unwrap());
    shop.paid_order(&with(&shop.order("slow"), "notify_url", &slow))
        .await;
    let started = Instant::now();
    shop.paid_order(&with(&shop.order("quick"), "notify_url", &receiver.url))
        .await;
    receiver.wait_for(1).await;
    assert!(
        started.elapsed() < Duration::from_secs(12),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn e_33_kill_9_loses_no_notification() {
    let receiver = Receiver::start(&[(500, "broken"), (200, "success")]).await;
    let (server, shop) = start(&[]);
    shop.paid_order(&with(&shop.order("killed"), "notify_url", &receiver.url))
        .await;
    receiver.wait_for(1).await;
    let dir = server.kill();
    let settings = [("API_KEY", crate::server::API_KEY), ("EPAY", "on")];
    let _server = crate::server::Server::start_in(dir, &settings);
    receiver.wait_for(2).await;
}

#[tokio::test]
async fn e_29_addresses_that_are_not_public_are_refused() {
    let gateways = crate::server::Gateways::start(tempfile::TempDir::new().unwrap().path());
    let settings = [("EPAY", "on"), ("EPAY_PID", "1001"), ("EPAY_KEY", KEY)];
    let server = crate::server::Server::live(tempfile::TempDir::new().unwrap(), &gateways, &settings);
    let shop = crate::epay::client::Client {
        url: server.url.clone(),
        wallet: String::new(),
        pid: "1001".to_owned(),
        key: KEY.to_owned(),
    };
    for host in [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "2130706433",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "[fe80::1]",
        "[fd00::1]",
        "100.64.0.1",
    ] {
        let url = format!("http://{host}/notify");
        shop.refuses(&with(&shop.order("private"), "notify_url", &url), -1)
            .await;
    }
    for url in [
        "file:///etc/passwd",
        "gopher://shop.example.com/",
        "https://user@shop.example/",
        "notify",
        "//shop.example/",
    ] {
        shop.refuses(&with(&shop.order("private"), "notify_url", url), -1)
            .await;
    }
    let public = with(
        &shop.order("public"),
        "notify_url",
        "https://shop.example.com/notify",
    );
    assert_eq!(shop.mapi(&public).await["code"], 1);
}

#[tokio::test]
async fn e_29_a_redirect_is_not_followed_and_is_no_success() {
    let inside = Receiver::start(&[(200, "success")]).await;
    let n_asked = Arc::new(Mutex::new(0));
    let (target, counter) = (inside.url.clone(), Arc::clone(&n_asked));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/notify", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(move || async move {
        *counter.lock().unwrap() += 1;
        (axum::http::StatusCode::FOUND, [("location", target)], "success")
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let (_server, shop) = start(&[]);
    shop.paid_order(&with(&shop.order("away"), "notify_url", &url))
        .await;
    let started = Instant::now();
    while *n_asked.lock().unwrap() < 2 {
        assert!(started.elapsed() < Duration::from_secs(40), "it is sent again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(inside.heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn e_35_e_36_the_way_back_is_signed_at_the_click_and_v2_anew_at_each_attempt() {
    let (_server, shop) = start(&[]);
    let order = with(
        &shop.order("back"),
        "return_url",
        "https://shop.example/r?x=1#top",
    );
    let made = shop.paid_order(&order).await;
    let page = send(client().get(made["payurl"].as_str().unwrap())).await;
    let path = format!(
        "{}/return",
        made["payurl"].as_str().unwrap().replace(&shop.url, "")
    );
    assert!(
        page.text.contains(&path) && page.text.contains("http-equiv=\"refresh\""),
        "{}",
        page.text
    );
    assert!(
        !page.text.contains("TRADE_SUCCESS"),
        "the page holds nothing signed"
    );
    let back = send(client().get(format!("{}{path}", shop.url))).await;
    let location = back.header("location").unwrap();
    assert!(
        location.starts_with("https://shop.example/r?x=1&") && location.ends_with("#top"),
        "{location}"
    );
    assert_eq!(back.header("cache-control"), Some("private, no-store"));
    let url = reqwest::Url::parse(location).unwrap();
    let fields: Pairs = url
        .query_pairs()
        .into_owned()
        .filter(|(name, _)| name != "x")
        .collect();
    let sign = fields.iter().find(|(name, _)| name == "sign").unwrap().1.clone();
    assert_eq!(sign, md5_of(&format!("{}{KEY}", text_of(&fields))));
}

#[tokio::test]
async fn e_35_v2_is_signed_anew_at_each_attempt_with_the_key_of_its_merchant() {
    let receiver = Receiver::start(&[(200, "fail"), (200, "success")]).await;
    let server = version2::start(&[]);
    let shop = Merchant::create(&server);
    let order = with(&shop.order("v2"), "notify_url", &receiver.url);
    let made = shop.call("/api/pay/create", &order).await;
    pay(server.wallet.as_deref().unwrap(), &made["pay_info"]).await;
    let mut times = Vec::new();
    for query in receiver.wait_for(2).await {
        let fields = fields_of(&query);
        // The signature, the time and the type of both.
        shop.check(&fields);
        let value = |name: &str| fields.iter().find(|(known, _)| known == name).unwrap().1.clone();
        assert!(!value("api_trade_no").is_empty() && !value("endtime").is_empty());
        times.push(value("timestamp"));
    }
    assert_ne!(times[0], times[1]);
}
