//! Links and forms that a payer's browser brings, and the cashier they lead to.

use serde_json::{Value, json};

use super::{PRECREATE, QUERY, outcome};
use crate::inbox::parse_form;
use crate::merchant::{Answer, Merchant, form, verify};

const WAP: &str = "alipay.trade.wap.pay";
const PAGE: &str = "alipay.trade.page.pay";

fn wap() -> Value {
    json!({
        "out_trade_no": "A1", "total_amount": "49.90", "subject": "<b>会员<b> '月卡'",
        "product_code": "QUICK_WAP_WAY", "quit_url": "http://127.0.0.1:9/quit",
    })
}

fn page() -> Value {
    json!({"out_trade_no": "A1", "total_amount": "49.90", "subject": "月卡", "product_code": "FAST_INSTANT_TRADE_PAY"})
}

fn signed(shop: &Merchant, method: &str, biz: &Value) -> Vec<(String, String)> {
    let mut params = shop.alipay_params(method, biz);
    params.push((
        "return_url".to_owned(),
        "http://127.0.0.1:9/back?shop=1".to_owned(),
    ));
    shop.alipay_sign(params)
}

fn link(shop: &Merchant, method: &str, biz: &Value) -> String {
    let params = signed(shop, method, biz);
    let params: Vec<_> = params.iter().collect();
    format!("{}?{}", shop.sim.alipay_url(), form(&params))
}

async fn open(shop: &Merchant, url: &str) -> Answer {
    Answer::read(shop.client.get(url).send().await.unwrap()).await
}

/// The cashier's address, as the gateway gives it.
async fn cashier(shop: &Merchant, url: &str) -> String {
    let answer = open(shop, url).await;
    assert_eq!(answer.status, 302, "{}", String::from_utf8_lossy(&answer.body));
    format!("{}{}", shop.sim.base_url(), answer.header("location"))
}

async fn press(shop: &Merchant, cashier: &str, act: &str) -> Answer {
    let (url, query) = cashier.split_once('?').unwrap();
    let request = shop
        .client
        .post(url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("{query}&act={act}"));
    Answer::read(request.send().await.unwrap()).await
}

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

#[tokio::test]
async fn t_39_no_trade_exists_before_the_cashier_is_opened() {
    let shop = Merchant::open().await;
    let number = json!({"out_trade_no": "A1"});
    let cashier = cashier(&shop, &link(&shop, WAP, &wap())).await;
    assert_eq!(outcome(&shop.alipay(QUERY, &number).await), "ACQ.TRADE_NOT_EXIST");
    let shown = open(&shop, &cashier).await;
    assert!(text(&shown).contains("¥49.90") && text(&shown).contains("&lt;b&gt;会员&lt;b&gt; "));
    assert!(!text(&shown).contains("<script"));
    assert!(
        shown
            .header("content-security-policy")
            .contains("form-action 'self' http://127.0.0.1:9 http://127.0.0.1:9")
    );
    assert_eq!(
        shop.alipay(QUERY, &number).await["trade_status"],
        "WAIT_BUYER_PAY"
    );
    let refused = press(&shop, &cashier, "refuse").await;
    assert_eq!(
        (refused.status, refused.header("location")),
        (302, "http://127.0.0.1:9/quit")
    );
    let paid = press(&shop, &cashier, "pay").await;
    assert_eq!(paid.status, 302);
    assert_eq!(shop.alipay(QUERY, &number).await["trade_status"], "TRADE_SUCCESS");
    shop.inbox.wait_for(1).await;
    assert_eq!(press(&shop, &cashier, "pay").await.status, 409);
    assert!(text(&open(&shop, &cashier).await).contains("data-state=\"paid\""));
    assert_eq!(shop.sim.books().paid_fen(), 4_990);
    let again = open(&shop, &link(&shop, WAP, &wap())).await;
    assert!(text(&again).contains("data-sub-code=\"ACQ.TRADE_HAS_SUCCESS\""));
}

#[tokio::test]
async fn t_16_the_return_url_is_signed_with_sign_type_and_does_not_prove_payment() {
    let shop = Merchant::open().await;
    let cashier = cashier(&shop, &link(&shop, PAGE, &page())).await;
    open(&shop, &cashier).await;
    let paid = press(&shop, &cashier, "pay").await;
    let back = paid.header("location");
    let query = back.strip_prefix("http://127.0.0.1:9/back?shop=1&").unwrap();
    let mut fields = parse_form(query.as_bytes());
    let place = fields.iter().position(|(name, _)| name == "sign").unwrap();
    let sign = String::from_utf8(fields.remove(place).1).unwrap();
    let value = |name: &str| {
        let found = fields.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| String::from_utf8(value.clone()).unwrap())
    };
    assert_eq!(value("method").as_deref(), Some("alipay.trade.page.pay.return"));
    assert_eq!(value("out_trade_no").as_deref(), Some("A1"));
    assert_eq!(value("total_amount").as_deref(), Some("49.90"));
    assert_eq!(value("timestamp").as_deref(), Some("2027-01-15 16:00:00"));
    assert_eq!(value("trade_status"), None);
    fields.sort();
    let message = |keep: fn(&str) -> bool| {
        let kept = fields.iter().filter(|(name, _)| keep(name));
        let pairs: Vec<Vec<u8>> = kept
            .map(|(name, value)| [name.as_bytes(), b"=", value].concat())
            .collect();
        pairs.join(&b'&')
    };
    let key = &shop.credentials().alipay_public_key;
    assert!(verify(key, &message(|_| true), &sign));
    assert!(!verify(key, &message(|name| name != "sign_type"), &sign));
}

#[tokio::test]
async fn a_signed_form_of_another_site_works_like_a_link() {
    let shop = Merchant::open().await;
    let params = signed(&shop, PAGE, &page());
    let (biz, common): (Vec<_>, Vec<_>) = params.iter().partition(|(name, _)| name == "biz_content");
    let request = shop
        .client
        .post(format!("{}?{}", shop.sim.alipay_url(), form(&common)))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .body(form(&biz));
    let answer = Answer::read(request.send().await.unwrap()).await;
    assert_eq!(answer.status, 302);
    let request = shop
        .client
        .post(format!("{}{}", shop.sim.base_url(), answer.header("location")))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site")
        .body("act=pay");
    assert_eq!(
        request.send().await.unwrap().status(),
        403,
        "but it does not press the button"
    );
    assert!(shop.sim.books().trades.is_empty());
}

#[tokio::test]
async fn t_41_each_page_has_its_own_product_code() {
    let shop = Merchant::open().await;
    let with = |mut biz: Value, name: &str, value: Value| {
        biz[name] = value;
        biz
    };
    let mut no_quit = wap();
    no_quit.as_object_mut().unwrap().remove("quit_url");
    for (method, biz, sub_code) in [
        (
            WAP,
            with(wap(), "product_code", json!("QUICK_WAP_PAY")),
            "ACQ.INVALID_PARAMETER",
        ),
        (
            PAGE,
            with(page(), "product_code", json!("QUICK_WAP_WAY")),
            "ACQ.INVALID_PARAMETER",
        ),
        (
            PAGE,
            with(page(), "product_code", json!("")),
            "ACQ.INVALID_PARAMETER",
        ),
        (WAP, no_quit, "ACQ.INVALID_PARAMETER"),
        (
            PAGE,
            with(page(), "qr_pay_mode", json!("5")),
            "ACQ.INVALID_PARAMETER",
        ),
        (
            PAGE,
            with(page(), "total_amount", json!("100000000.01")),
            "ACQ.TOTAL_FEE_EXCEED",
        ),
    ] {
        let answer = open(&shop, &link(&shop, method, &biz)).await;
        assert_eq!(answer.status, 200);
        assert!(
            text(&answer).contains(&format!("data-sub-code=\"{sub_code}\"")),
            "{biz}"
        );
    }
    let tampered = link(&shop, PAGE, &page()).replace("49%2E90", "0%2E01");
    assert!(text(&open(&shop, &tampered).await).contains("isv.invalid-signature"));
    assert!(shop.sim.books().trades.is_empty());
}

#[tokio::test]
async fn a_wallet_opens_a_signed_link_too() {
    let shop = Merchant::open().await;
    let good = link(&shop, PAGE, &page());
    let tampered = good.replace("49%2E90", "0%2E01");
    assert!(shop.sim.pay(&tampered).await.is_err());
    shop.sim.scan_as(&good, "two").await.unwrap();
    assert!(
        shop.sim.pay(&good).await.is_err(),
        "it belongs to who opened it first"
    );
    let cashier = cashier(&shop, &good).await;
    assert!(text(&open(&shop, &cashier).await).contains("ACQ.TRADE_BUYER_NOT_MATCH"));

    let mut other = page();
    other["out_trade_no"] = json!("A2");
    let second = link(&shop, PAGE, &other);
    shop.sim.pay(&second).await.unwrap();
    assert!(shop.sim.pay(&second).await.is_err());
    assert_eq!(shop.sim.books().paid_fen(), 4_990);
    let same_number = json!({"out_trade_no": "A1", "total_amount": "49.90", "subject": "月卡"});
    assert_eq!(
        outcome(&shop.alipay(PRECREATE, &same_number).await),
        "ACQ.CONTEXT_INCONSISTENT"
    );
}

#[tokio::test]
async fn a_page_product_that_is_not_signed_shows_alipays_error() {
    let shop = Merchant::open().await;
    let mut products = simulator::Products::default();
    products.alipay.remove("wap");
    shop.sim.sign(products);
    let shown = open(&shop, &link(&shop, WAP, &wap())).await;
    assert!(text(&shown).contains("ACQ.ACCESS_FORBIDDEN"), "{}", text(&shown));
    cashier(&shop, &link(&shop, PAGE, &page())).await;
}
