//! The wallet and the control page, as people and scripts use them.

use serde_json::{Value, json};
use simulator::{Settings, Simulator};

use crate::merchant::{Answer, Merchant, NOW_MS};

async fn get(shop: &Merchant, url: &str, language: &str) -> (u16, String) {
    let answer = shop
        .client
        .get(url)
        .header("accept-language", language)
        .header("accept", "text/html,*/*")
        .send()
        .await
        .unwrap();
    let answer = Answer::read(answer).await;
    assert!(
        answer
            .header("content-security-policy")
            .contains("style-src 'sha256-")
    );
    (answer.status, String::from_utf8(answer.body).unwrap())
}

#[tokio::test]
async fn a_person_pays_with_plain_forms() {
    let shop = Merchant::open().await;
    let mut order = shop.order("T00000001", 4_990);
    order["description"] = json!("<b>月卡</b>");
    let code = shop.code_url(&order).await;
    let wallet = shop.sim.wallet_url();
    let (_, start) = get(&shop, &wallet, "zh-CN,zh;q=0.9").await;
    assert!(start.contains("lang=\"zh-CN\"") && start.contains("data-number=\"T00000001\""));
    let escaped: String =
        percent_encoding::utf8_percent_encode(&code, percent_encoding::NON_ALPHANUMERIC).collect();
    let (status, bill) = get(&shop, &format!("{wallet}?code={escaped}"), "en").await;
    assert_eq!(status, 200);
    assert!(bill.contains("¥49.90") && bill.contains("&lt;b&gt;月卡&lt;/b&gt;") && !bill.contains("<script"));
    for (act, outcome) in [
        ("later", "later"),
        ("refuse", "refused"),
        ("pay", "paid"),
        ("pay", "failed"),
    ] {
        let form = format!("code={escaped}&act={act}");
        let request = shop
            .client
            .post(&wallet)
            .header("content-type", "application/x-www-form-urlencoded");
        let page = Answer::read(request.body(form).send().await.unwrap()).await;
        let page = String::from_utf8(page.body).unwrap();
        assert!(page.contains(&format!("data-outcome=\"{outcome}\"")), "{page}");
    }
    assert_eq!(shop.sim.books().paid_fen(), 4_990);
    assert_eq!(get(&shop, &format!("{wallet}?code=nonsense"), "zh").await.0, 404);
    get(&shop, &shop.sim.control_url(), "en").await;
}

async fn call(shop: &Merchant, method: &str, path: &str, body: Value) -> Answer {
    let url = format!("{}{path}", shop.sim.control_url());
    let request = shop.client.request(method.parse().unwrap(), url);
    let request = if body.is_null() {
        request
    } else {
        request.body(body.to_string())
    };
    Answer::read(request.send().await.unwrap()).await
}

#[tokio::test]
async fn a_script_controls_the_simulator_over_http() {
    let shop = Merchant::open().await;
    let credentials = call(&shop, "GET", "/credentials", Value::Null).await.json();
    assert_eq!(credentials["env"]["WECHAT_GATEWAY"], shop.sim.wechat_url());
    assert_eq!(credentials["env"]["ALIPAY_GATEWAY"], shop.sim.alipay_url());
    assert_eq!(credentials["wechatApiV3Key"].as_str().unwrap().len(), 32);

    let set = call(
        &shop,
        "POST",
        "/faults",
        json!({"kind": "delay", "ms": 5_000, "gateway": "wechat", "times": 1}),
    );
    assert_eq!(
        set.await.json()["faults"],
        json!([{"kind": "delay", "ms": 5_000, "gateway": "wechat", "times": 1}])
    );
    assert_eq!(
        call(&shop, "POST", "/faults", json!({"kind": "meteor"}))
            .await
            .status,
        422
    );
    let code = shop.code_url(&shop.order("T00000001", 100)).await;
    assert_eq!(
        call(&shop, "POST", "/pay", json!({"code": code})).await.status,
        200
    );
    assert_eq!(
        call(&shop, "POST", "/pay", json!({"code": code})).await.status,
        422
    );
    let clock = call(&shop, "POST", "/clock", json!({"advanceMs": 5_000}))
        .await
        .json();
    assert_eq!(clock["nowMs"], NOW_MS + 5_000);
    assert_eq!(shop.inbox.count(), 1);
    assert_eq!(
        call(&shop, "DELETE", "/faults", Value::Null).await.json()["faults"],
        json!([])
    );

    call(&shop, "POST", "/resend", json!({"outTradeNo": "T00000001"})).await;
    shop.sim.advance(0).await;
    assert_eq!(shop.inbox.count(), 2);
    let forged = json!({"outTradeNo": "T00000001", "set": {"total": 1}, "ageSeconds": 600, "send": true});
    let sent = call(&shop, "POST", "/notice", forged).await.json();
    assert_eq!(sent["answer"]["status"], 200);
    assert_eq!(
        sent["headers"]["wechatpay-timestamp"],
        ((NOW_MS + 5_000) / 1_000 - 600).to_string()
    );
    let books = call(&shop, "GET", "/books", Value::Null).await.json();
    assert_eq!(books["trades"][0]["state"], "SUCCESS");
    assert_eq!(
        (
            &books["notices"][0]["nAttempts"],
            &books["notices"][0]["acknowledged"]
        ),
        (&json!(2), &json!(true))
    );
}

#[tokio::test]
async fn keys_are_kept_where_only_their_owner_reads_them() {
    let dir = std::env::temp_dir().join(format!("tongqian-simulator-{}", std::process::id()));
    let settings = || Settings {
        key_dir: Some(dir.clone()),
        ..Settings::default()
    };
    let first = Simulator::start(settings()).await.unwrap();
    // Another key on the disk than the one this process has made.
    std::fs::copy(dir.join("stranger.pem"), dir.join("merchant.pem")).unwrap();
    let second = Simulator::start(settings()).await.unwrap();
    assert_ne!(
        first.credentials().wechat_private_key,
        second.credentials().wechat_private_key
    );
    assert_eq!(
        first.credentials().alipay_public_key,
        second.credentials().alipay_public_key
    );
    #[cfg(unix)]
    for file in std::fs::read_dir(&dir).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            file.unwrap().metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

#[tokio::test]
async fn a_running_clock_delivers_by_itself_and_can_be_advanced() {
    let shop = Merchant::at(Settings::default()).await;
    shop.inbox.answer_next(500, "");
    shop.code_url(&shop.order("T00000001", 100)).await;
    call(&shop, "POST", "/pay", json!({"outTradeNo": "T00000001"})).await;
    shop.inbox.wait_for(1).await;
    shop.sim.advance(15_000).await;
    assert_eq!(shop.inbox.count(), 2);
    assert!(shop.sim.books().notifications[0].acknowledged);
}
