//! Twenty-nine defects of the system that this one replaces, each with a test that shows its absence.
//!
//! Most have a test here that is named after them. Of the others, the tests that show it:
//! - 09, no question, refund or close reaches WeChat: `end2end/http/money.rs#a_query_asks_the_gateway_when_no_callback_came`,
//!   `end2end/http/refunds.rs#a_partial_refund_is_followed_by_the_rest`,
//!   `payments/tests/journeys/cancelling.rs#cancelling_closes_the_code_at_the_gateway`
//! - 12, numbers of payments collide: ids are a time and eighty random bits,
//!   `payments/tests/traps/orders.rs#t_25_no_attempt_uses_the_number_of_another`
//! - 13, a repeated step makes a second refund:
//!   `payments/tests/journeys/refund_faults.rs#an_unknown_outcome_is_never_a_failure_and_never_a_second_refund`
//! - 14, parts of an Alipay payment cannot go back twice: `payments/tests/traps/refunds.rs#t_32_a_repeat_is_the_same_refund`,
//!   `end2end/http/refunds.rs#a_partial_refund_is_followed_by_the_rest`
//! - 16, approving a refund always fails:
//!   `end2end/http/console/refunds.rs#a_refund_above_the_threshold_needs_a_second_person`
//! - 23, a payment's deadline ends its order, and what is left behind stays payable:
//!   `payments/tests/journeys/cancelling.rs#an_unpaid_payment_ends_after_a_quarter_and_its_order_after_half_an_hour`,
//!   `payments/tests/journeys/paying.rs#the_same_method_gives_the_same_code_and_another_method_closes_it_first`,
//!   `payments/tests/journeys/cancelling.rs#cancelling_closes_the_code_at_the_gateway`
//! - 24, closed without a last question: `payments/tests/journeys/cancelling.rs#a_payment_at_the_last_second_is_not_lost`,
//!   `payments/tests/traps/money.rs#t_28_a_payment_during_the_close_counts`
//! - 27, browsers are never sent to Alipay: `end2end/http/handover.rs#a_browser_is_sent_to_alipay_and_comes_back`,
//!   `end2end/http/handover.rs#a_phone_is_sent_to_wechat_with_our_domain_and_its_own_address`

use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::api::{Api, client, pay, send};
use super::callbacks::{ONLY_CALLBACKS, deliver, headers_of, letter};
use super::console::visitor::{self, Visitor};
use super::server::{Gateways, Server, run};

const BOTH: [&str; 2] = ["wechat", "alipay"];

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn find(api: &Api, payment: &Value) -> Value {
    api.get(&format!("/payments/{}", text(&payment["id"])))
        .await
        .ok(200)
}

async fn find_order(api: &Api, payment: &Value) -> Value {
    api.get(&format!("/orders/{}", text(&payment["orderId"])))
        .await
        .ok(200)
}

async fn paid(server: &Server, api: &Api, method: &str) -> Value {
    let payment = api.payment(&api.order().await, method).await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await
}

/// Posts a signed notification.
async fn post(server: &Server, method: &str, letter: &Value) -> super::api::Answer {
    let body = text(&letter["body"]).as_bytes().to_vec();
    deliver(server, method, headers_of(letter), body).await
}

#[test]
fn all_twenty_nine_defects_are_covered_by_existing_tests() {
    let own = include_str!("defects.rs");
    for n in 1..=29 {
        let has_test = own.contains(&format!("async fn defect_{n:02}_"));
        let has_line = own.contains(&format!("//! - {n:02}, "));
        assert!(
            has_test != has_line,
            "defect {n:02}: a test or a line, and not both"
        );
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let doc = own.lines().take_while(|line| line.starts_with("//!"));
    let named: Vec<&str> = doc.flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() >= 13, "{named:?}");
    for name in named {
        let (file, test) = name.split_once('#').unwrap();
        let code = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(code.contains(&format!("fn {test}()")), "{name}");
    }
}

#[tokio::test]
async fn defect_01_there_is_no_mode_without_signature_checks() {
    let simulator_dir = TempDir::new().unwrap();
    let mut gateways = Gateways::start(simulator_dir.path());
    let mut broken: Vec<(&str, &str)> = vec![("GATEWAYS", "live")];
    broken.extend(gateways.settings.iter().map(|(name, value)| (&**name, &**value)));
    broken.push(("ALIPAY_PRIVATE_KEY", "nonsense"));
    let started = run(TempDir::new().unwrap().path(), &broken, &["run-due"], "");
    assert_eq!(
        started.status.code(),
        Some(2),
        "a broken key is no reason to pretend"
    );

    gateways.settings.retain(|(name, _)| !name.starts_with("ALIPAY_"));
    let server = Server::live(TempDir::new().unwrap(), &gateways, &ONLY_CALLBACKS);
    let api = Api::of(&server);
    let order = api.order().await;
    let payment = api.payment(&order, "wechat").await;
    let forged = format!(
        "out_trade_no={}&trade_status=TRADE_SUCCESS&total_amount=99.90&notify_id=1",
        text(&payment["paymentNo"])
    );
    let answer = deliver(&server, "alipay", HeaderMap::new(), forged.into_bytes()).await;
    assert_eq!((answer.status, &*answer.text), (401, "failure"));
    assert_eq!(find(&api, &payment).await["status"], "processing");
    let body = json!({"orderId": order["id"], "method": "alipay"});
    api.post("/payments", &body).await.refused(422, "invalid");
}

#[tokio::test]
async fn defect_02_every_callback_is_verified() {
    let server = Server::simulated(&ONLY_CALLBACKS);
    let api = Api::of(&server);
    for method in BOTH {
        let payment = api.payment(&api.order().await, method).await;
        for signed_by in ["stranger", "nobody"] {
            let forged = letter(&server, &payment, &json!({"signedBy": signed_by})).await;
            assert_eq!(
                post(&server, method, &forged).await.status,
                401,
                "{method} {signed_by}"
            );
        }
        let genuine = letter(&server, &payment, &json!({})).await;
        let body = text(&genuine["body"]).replace("sign=", "unsigned=").into_bytes();
        assert_eq!(
            deliver(&server, method, HeaderMap::new(), body).await.status,
            401,
            "{method}"
        );
        assert_eq!(find(&api, &payment).await["status"], "processing");
    }
}

#[tokio::test]
async fn defect_03_a_forged_post_and_money_for_others_pay_nothing() {
    let server = Server::simulated(&ONLY_CALLBACKS);
    let api = Api::of(&server);
    let wechat = api.payment(&api.order().await, "wechat").await;
    let body = json!({"resource": {"out_trade_no": wechat["paymentNo"], "trade_state": "SUCCESS"}});
    let forged = deliver(&server, "wechat", HeaderMap::new(), body.to_string().into_bytes()).await;
    assert_eq!(forged.status, 401, "{}", forged.text);
    for (name, value) in [
        ("total", json!(1)),
        ("mchid", json!("1900000000")),
        ("appid", json!("wx0")),
    ] {
        let other = json!({"set": {name: value}, "newId": true});
        post(&server, "wechat", &letter(&server, &wechat, &other).await).await;
        assert_eq!(find(&api, &wechat).await["status"], "processing", "{name}");
    }
    let alipay = api.payment(&api.order().await, "alipay").await;
    for (name, value) in [
        ("total_amount", "0.01"),
        ("app_id", "2021000000000000"),
        ("seller_id", "2088000000000000"),
    ] {
        let other = json!({"set": {name: value}, "newId": true});
        post(&server, "alipay", &letter(&server, &alipay, &other).await).await;
        assert_eq!(find(&api, &alipay).await["status"], "processing", "{name}");
    }
}

#[tokio::test]
async fn defect_04_encrypted_wechat_content_is_decrypted() {
    let server = Server::simulated(&ONLY_CALLBACKS);
    let api = Api::of(&server);
    let payment = api.payment(&api.order().await, "wechat").await;
    let genuine = letter(&server, &payment, &json!({})).await;
    let body = text(&genuine["body"]);
    assert!(body.contains("ciphertext") && !body.contains(text(&payment["paymentNo"])));
    assert_eq!(post(&server, "wechat", &genuine).await.status, 200);
    assert_eq!(find(&api, &payment).await["status"], "success");
}

#[tokio::test]
async fn defect_05_a_refusal_is_none_of_the_statuses_that_end_the_retries() {
    let server = Server::simulated(&ONLY_CALLBACKS);
    let answer = deliver(&server, "wechat", HeaderMap::new(), b"{}".to_vec()).await;
    assert!(!matches!(answer.status, 200..=299), "{}", answer.status);
    assert_eq!(answer.json()["code"], "FAIL");
    let answer = deliver(&server, "alipay", HeaderMap::new(), b"a=b".to_vec()).await;
    assert_ne!(answer.text, "success");
}

#[tokio::test]
async fn defect_06_signatures_are_verified_over_the_received_bytes() {
    let server = Server::simulated(&ONLY_CALLBACKS);
    let api = Api::of(&server);
    let payment = api.payment(&api.order().await, "wechat").await;
    let genuine = letter(&server, &payment, &json!({})).await;
    let parsed: Value = serde_json::from_str(text(&genuine["body"])).unwrap();
    let written_again = serde_json::to_string_pretty(&parsed).unwrap().into_bytes();
    let answer = deliver(&server, "wechat", headers_of(&genuine), written_again).await;
    assert_eq!(answer.status, 401);
    assert_eq!(post(&server, "wechat", &genuine).await.status, 200);
    assert_eq!(find(&api, &payment).await["status"], "success");
}

#[tokio::test]
async fn defect_07_a_gateway_needs_no_login_to_call_back() {
    let server = Server::simulated(&ONLY_CALLBACKS);
    let api = Api::of(&server);
    for method in BOTH {
        let payment = api.payment(&api.order().await, method).await;
        let genuine = letter(&server, &payment, &json!({})).await;
        let mut headers = headers_of(&genuine);
        assert_eq!(headers.get(AUTHORIZATION), None);
        let body = text(&genuine["body"]).as_bytes().to_vec();
        // Nor does a wrong one shut it out.
        headers.insert(AUTHORIZATION, "Bearer nobody".parse().unwrap());
        assert_eq!(
            deliver(&server, method, headers, body).await.status,
            200,
            "{method}"
        );
        assert_eq!(find(&api, &payment).await["status"], "success");
    }
}

#[tokio::test]
async fn defect_08_the_code_is_never_empty() {
    let server = Server::simulated(&ONLY_CALLBACKS);
    let api = Api::of(&server);
    for (method, scheme) in [("wechat", "weixin://"), ("alipay", "https://")] {
        let order = api.order().await;
        let payment = api.payment(&order, method).await;
        assert!(text(&payment["paymentUrl"]).starts_with(scheme), "{payment}");
        let token = text(&order["checkoutUrl"]).rsplit('/').next().unwrap();
        let page = send(client().get(format!("{}/checkout/{token}", server.url))).await;
        assert!(page.text.contains("<svg"), "the page draws it: {}", page.text);
    }
}

#[tokio::test]
async fn defect_10_payments_can_be_queried_by_our_own_numbers() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for method in BOTH {
        let payment = api.payment(&api.order().await, method).await;
        let asked = api
            .post("/payments/query", &json!({"paymentNo": payment["paymentNo"]}))
            .await
            .ok(200);
        assert_eq!(asked["id"], payment["id"], "{method}");
    }
}

#[tokio::test]
async fn defect_11_an_order_is_answered_whole_and_a_payment_needs_no_sum() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    assert_eq!(
        (&order["amount"], &order["status"]),
        (&json!(9990), &json!("pending"))
    );
    let body = json!({"orderId": order["id"], "method": "wechat"});
    assert_eq!(api.post("/payments", &body).await.ok(201)["amount"], 9990);
    let token = text(&order["checkoutUrl"]).rsplit('/').next().unwrap();
    let page = send(client().get(format!("{}/checkout/{token}", server.url))).await;
    assert!(page.text.contains("99.90"), "{}", page.text);
}

#[tokio::test]
async fn defect_15_a_partial_refund_is_not_a_full_one() {
    let server = Server::simulated(&[("RECONCILE_CRON", "* * * * * *")]);
    let api = Api::of(&server);
    for method in BOTH {
        let payment = paid(&server, &api, method).await;
        let path = format!("/payments/{}/refund", text(&payment["id"]));
        let part = json!({"amount": 4000, "reason": "x"});
        let refund = api.post(&path, &part).await.ok(202);
        let place = format!("/refunds/{}", text(&refund["id"]));
        for _ in 0..300 {
            if api.get(&place).await.ok(200)["status"] == "success" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let found = find(&api, &payment).await;
        assert_eq!(
            (&found["status"], &found["refundAmount"]),
            (&json!("success"), &json!(4000))
        );
        assert_eq!(find_order(&api, &payment).await["status"], "partially_refunded");
    }
}

#[tokio::test]
async fn defect_17_asking_and_testing_work_for_both_gateways() {
    let server = visitor::server(&ONLY_CALLBACKS);
    let api = Api::of(&server);
    send(
        api.client
            .post(format!("{}/faults", server.control()))
            .json(&json!({"kind": "mute"})),
    )
    .await
    .ok(200);
    let owner = Visitor::owner(&server).await;
    for method in BOTH {
        let payment = api.payment(&api.order().await, method).await;
        pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
        assert_eq!(find(&api, &payment).await["status"], "processing");
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let page = owner
            .submit(&format!("/admin/orders/{}/ask", text(&payment["orderId"])), &[])
            .await;
        assert!(page.text.contains("The order is paid"), "{method}: {}", page.text);
        let tested = owner.post(&format!("/admin/gateways/{method}/test"), &[]).await;
        assert!(tested.text.contains("Works"), "{method}: {}", tested.text);
    }
}

#[tokio::test]
async fn defect_18_the_inbox_holds_notifications_as_received() {
    let server = visitor::server(&[]);
    let api = Api::of(&server);
    for method in BOTH {
        paid(&server, &api, method).await;
    }
    let page = Visitor::owner(&server).await.get("/admin/callbacks").await;
    for method in BOTH {
        let link = format!("href=\"/admin/callbacks/{method}/");
        assert_eq!(page.text.matches(&link).count(), 1, "{}", page.text);
    }
}

#[tokio::test]
async fn defect_19_no_form_pretends_to_change_a_gateway() {
    let server = visitor::server(&[]);
    let owner = Visitor::owner(&server).await;
    let page = owner.get("/admin/gateways").await;
    let (_, main) = page.text.split_once("<main").unwrap();
    for field in ["<input", "<textarea", "<select"] {
        assert!(!main.contains(field), "{main}");
    }
    let put = owner.post("/admin/gateways", &[("WECHAT_MCH_ID", "1")]).await;
    assert_eq!(put.status, 405);
}

#[tokio::test]
async fn defect_20_a_balance_is_never_credited_without_a_payment() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let body = json!({"userId": "u1", "amount": 100_000});
    for path in ["/balance/recharge", "/balance/consume"] {
        let answer = api.post(path, &body).await;
        assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.status);
    }
    let made = run(
        server.dir.path(),
        &[],
        &["key", "create", "--name", "shop", "--scope", "read,pay"],
        "",
    );
    let printed = String::from_utf8(made.stdout).unwrap();
    let key = printed
        .split_whitespace()
        .find(|word| word.starts_with("tq_"))
        .unwrap();
    let shop = Api::with_key(&server, key);
    let adjustment = json!({"amount": 100_000, "adjustmentNo": "a1", "note": "x"});
    shop.post("/balance/u1/adjust", &adjustment)
        .await
        .refused(403, "forbidden");
    assert_eq!(api.get("/balance/u1").await.ok(200)["available"], 0);
}

#[tokio::test]
async fn defect_21_identity_is_never_taken_from_a_header() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let payment = api.payment(&api.order().await, "wechat").await;
    let stranger = Api::with_key(&server, "tq_somebody");
    for path in [
        format!("/payments/{}", text(&payment["id"])),
        format!("/orders/{}", text(&payment["orderId"])),
        "/orders?userId=u1".to_owned(),
        "/balance/u1".to_owned(),
    ] {
        for name in [
            "user-id",
            "x-user-id",
            "x-user",
            "x-original-url",
            "x-rewrite-url",
        ] {
            let request = stranger.request(reqwest::Method::GET, &path).header(name, "u1");
            send(request).await.refused(401, "unauthenticated");
            let bare = client()
                .get(format!("{}{path}", stranger.base))
                .header(name, "u1");
            send(bare).await.refused(401, "unauthenticated");
        }
    }
}

#[tokio::test]
async fn defect_22_no_route_shadows_another() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    // Both stand beside `/payments/{id}` and `/orders/{id}`, and answer for themselves.
    let field = api
        .post("/payments/query", &json!({}))
        .await
        .refused(422, "invalid");
    assert_eq!(field.as_deref(), Some("paymentNo"));
    assert_eq!(api.get("/openapi.json").await.ok(200)["openapi"], "3.1.0");
    let console = visitor::server(&[]);
    let owner = Visitor::owner(&console).await;
    let file = owner.get("/admin/orders.csv").await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(owner.get("/admin/orders/stats").await.status, 404);
}

#[tokio::test]
async fn defect_25_a_late_notification_never_reverts_a_refund() {
    let server = Server::simulated(&[("RECONCILE_CRON", "* * * * * *")]);
    let api = Api::of(&server);
    for method in BOTH {
        let payment = paid(&server, &api, method).await;
        let late = letter(&server, &payment, &json!({"newId": true})).await;
        let path = format!("/payments/{}/refund", text(&payment["id"]));
        api.post(&path, &json!({"reason": "x"})).await.ok(202);
        let refunded = api.wait_for(&payment, "refunded").await;
        assert_eq!(post(&server, method, &late).await.status, 200, "{method}");
        assert_eq!(find(&api, &payment).await, refunded, "{method}");
        assert_eq!(find_order(&api, &payment).await["status"], "refunded");
    }
}

#[tokio::test]
async fn defect_26_a_payment_started_at_the_simulator_can_be_paid() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for method in BOTH {
        let payment = paid(&server, &api, method).await;
        assert_eq!(find_order(&api, &payment).await["status"], "paid", "{method}");
    }
}

#[tokio::test]
async fn defect_28_money_is_integer_and_refunds_are_subtracted_from_gross() {
    let server = visitor::server(&[("RECONCILE_CRON", "* * * * * *")]);
    let api = Api::of(&server);
    for amount in [json!(99.9), json!("9990"), json!(1e3)] {
        let body = json!({"userId": "u1", "subject": "x", "amount": amount});
        let field = api.post("/orders", &body).await.refused(422, "invalid");
        assert_eq!(field.as_deref(), Some("amount"), "{amount}");
    }
    let payment = paid(&server, &api, "wechat").await;
    let path = format!("/payments/{}/refund", text(&payment["id"]));
    api.post(&path, &json!({"reason": "x"})).await.ok(202);
    api.wait_for(&payment, "refunded").await;
    let page = Visitor::owner(&server).await.get("/admin").await;
    let stat = |value: &str| {
        let shown = format!("<p class=\"stat__value num\">{value}</p>");
        page.text.matches(&shown).count()
    };
    // Gross and refunded; net is nothing.
    assert_eq!((stat("¥99.90"), stat("¥0.00")), (2, 1), "{}", page.text);
}

#[tokio::test]
async fn defect_29_exports_are_streamed_files() {
    let server = visitor::server(&[]);
    let api = Api::of(&server);
    for _ in 0..3 {
        api.order().await;
    }
    let file = Visitor::owner(&server).await.get("/admin/orders.csv").await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(file.header("content-length"), None, "nobody holds all of it");
    assert_eq!(file.text.matches("\r\n").count(), 4);
}
