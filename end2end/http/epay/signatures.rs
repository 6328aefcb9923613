//! Signatures of epay requests: the signed text, and requests that are refused.

use crate::api::{client, send};
use crate::epay::client::{Client, KEY, md5_of, owned, start, text_of, with, without};

#[tokio::test]
async fn e_01_e_05_values_are_signed_as_they_are_decoded_and_either_case_is_good() {
    let (_server, shop) = start(&[]);
    let order = with(&shop.order("plus"), "name", "a+b 100% \"引号\" = 好 & more");
    let signed = shop.sign(&order);
    assert_eq!(shop.post("/mapi.php", &signed).await.ok(200)["code"], 1);
    let sign = signed.iter().find(|(name, _)| name == "sign").unwrap().1.clone();
    let upper = with(&signed, "sign", &sign.to_uppercase());
    assert_eq!(shop.post("/mapi.php", &upper).await.ok(200)["code"], 1);
    // The signature of the URL-encoded values is none.
    let encoded = "money=9.90&name=a%2Bb+100%25&out_trade_no=plus&pid=1001";
    let wrong = with(&signed, "sign", &md5_of(&format!("{encoded}{KEY}")));
    assert_eq!(shop.post("/mapi.php", &wrong).await.ok(200)["code"], -3);
}

#[tokio::test]
async fn e_02_e_03_every_name_is_signed_and_empty_values_are_not() {
    let (_server, shop) = start(&[]);
    let order = with(&with(&shop.order("names"), "sitename", "店+铺"), "cid", "7");
    assert_eq!(shop.mapi(&order).await["code"], 1);
    let signed = shop.sign(&order);
    for altered in [
        with(&signed, "cid", "8"),
        without(&signed, "sitename"),
        with(&signed, "extra", "1"),
    ] {
        assert_eq!(shop.post("/mapi.php", &altered).await.ok(200)["code"], -3);
    }
    let with_empty = with(&signed, "param", "");
    assert_eq!(shop.post("/mapi.php", &with_empty).await.ok(200)["code"], 1);
}

#[tokio::test]
async fn e_04_clients_that_sign_empties_or_drop_blanks_are_believed() {
    let (_server, shop) = start(&[]);
    let order = with(&shop.order("blank"), "sitename", "   ");
    let dropped = md5_of(&format!("{}{KEY}", text_of(&without(&order, "sitename"))));
    let kept = md5_of(&format!("{}{KEY}", text_of(&order)));
    for sign in [dropped, kept] {
        assert_eq!(
            shop.post("/mapi.php", &with(&order, "sign", &sign)).await.ok(200)["code"],
            1
        );
    }
    // acg-faka signs `param=` too.
    let order = with(&shop.order("empties"), "param", "");
    let all = "money=9.90&name=VIP会员&notify_url=http://127.0.0.1:9/notify&out_trade_no=empties&param=&pid=1001&type=alipay";
    let sign = md5_of(&format!("{all}{KEY}"));
    assert_eq!(
        shop.post("/mapi.php", &with(&order, "sign", &sign)).await.ok(200)["code"],
        1
    );
}

#[tokio::test]
async fn every_altered_field_and_every_other_way_to_sign_is_refused() {
    let (_server, shop) = start(&[]);
    let order = with(&shop.order("altered"), "param", "x");
    let signed = shop.sign(&order);
    for (name, value) in &order {
        let altered = with(&signed, name, &format!("{value}1"));
        assert_eq!(
            shop.post("/mapi.php", &altered).await.ok(200)["code"],
            -3,
            "{name}"
        );
    }
    let text = text_of(&order);
    for sign in [
        String::new(),
        "x".to_owned(),
        "0".repeat(32),
        md5_of(&format!("{text}&key={KEY}")),
        md5_of(&format!("{text}&{KEY}")),
        md5_of(&format!("{text}{}", KEY.to_uppercase())),
        md5_of(&text),
    ] {
        let answer = shop.post("/mapi.php", &with(&order, "sign", &sign)).await;
        assert_eq!(answer.ok(200)["code"], -3, "{sign}");
    }
    let unsigned = without(&signed, "sign");
    assert_eq!(shop.post("/mapi.php", &unsigned).await.ok(200)["code"], -3);
    let other_type = with(&signed, "sign_type", "SHA1");
    assert_eq!(shop.post("/mapi.php", &other_type).await.ok(200)["code"], -3);
    // A signature by RSA of a merchant that has no RSA key.
    let rsa = with(&signed, "sign_type", "RSA");
    assert_eq!(shop.post("/mapi.php", &rsa).await.ok(200)["code"], -3);
    assert_eq!(shop.query("altered").await["code"], -1, "nothing was made");
}

#[tokio::test]
async fn e_06_a_field_that_is_there_twice_is_refused() {
    let (_server, shop) = start(&[]);
    let mut signed = shop.sign(&shop.order("twice"));
    signed.push(("money".to_owned(), "0.01".to_owned()));
    assert_eq!(shop.post("/mapi.php", &signed).await.ok(200)["code"], -4);
    assert_eq!(shop.post("/submit.php", &signed).await.status, 400);
    let mut same = shop.sign(&shop.order("twice"));
    same.push(("money".to_owned(), "9.90".to_owned()));
    assert_eq!(shop.post("/mapi.php", &same).await.ok(200)["code"], -4);
    let signed = shop.sign(&shop.order("twice"));
    for path in ["/mapi.php?money=0.01", "/api.php?act=order&pid=7"] {
        assert_eq!(shop.post(path, &signed).await.ok(200)["code"], -4, "{path}");
    }
    assert_eq!(shop.post("/submit.php?money=0.01", &signed).await.status, 400);
    assert_eq!(shop.query("twice").await["code"], -1, "nothing was made");
    // In the query and in the body with one value it is there once.
    assert_eq!(
        shop.post("/mapi.php?money=9.90&pid=1001", &signed).await.ok(200)["code"],
        1
    );
}

#[tokio::test]
async fn e_07_a_signed_value_that_can_be_split_into_two_parameters_is_refused() {
    let (_server, shop) = start(&[]);
    let order = shop.order("split");
    for (name, value) in [
        ("name", "VIP&money=0.01"),
        ("name", "VIP&notify_url=https://evil.example/"),
        ("clientip", "1.2.3.4&money=0.01"),
        ("param", "x&trade_status=TRADE_SUCCESS"),
        ("anything", "x&pid=1002"),
        ("notify_url", "http://127.0.0.1:9/n?a=1&money=0.01"),
        ("return_url", "https://shop.example/r?a=1&sign=x"),
    ] {
        shop.refuses(&with(&order, name, value), -1).await;
        let browser = shop
            .get("/submit.php", &shop.sign(&with(&order, name, value)))
            .await;
        assert_eq!(
            (browser.status, browser.header("location")),
            (400, None),
            "{name}"
        );
    }
    assert_eq!(shop.query("split").await["code"], -1, "nothing was made");
    for (number, name, value) in [
        ("fine-1", "name", "a & more"),
        ("fine-2", "param", "a=1&b=2"),
        ("fine-3", "notify_url", "http://127.0.0.1:9/n?shop=1&from=pay"),
    ] {
        let order = with(&shop.order(number), name, value);
        assert_eq!(shop.mapi(&order).await["code"], 1, "{value}");
    }
}

#[tokio::test]
async fn e_10_array_parameters_are_neither_used_nor_signed() {
    let (_server, shop) = start(&[]);
    let mut signed = shop.sign(&shop.order("arrays"));
    for (name, value) in [("x[]", "1"), ("x[]", "2"), ("money[a]", "0.01")] {
        signed.push((name.to_owned(), value.to_owned()));
    }
    assert_eq!(shop.post("/mapi.php", &signed).await.ok(200)["code"], 1);
    assert_eq!(shop.query("arrays").await["money"], "9.90");
}

#[tokio::test]
async fn e_11_what_is_not_utf8_is_refused() {
    let (_server, shop) = start(&[]);
    let post = async |path: &str, body: &'static [u8]| {
        let request = client()
            .post(format!("{}{path}", shop.url))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        send(request).await
    };
    for body in [
        &b"pid=1001&name=%ff&sign=x"[..],
        b"pid=1001&name=\xd6\xd0&sign=x",
        b"pid=1001&%C3%28=1&sign=x",
    ] {
        assert_eq!(post("/mapi.php", body).await.ok(200)["code"], -1);
        assert_eq!(post("/submit.php", body).await.status, 400);
    }
    assert_eq!(
        send(client().get(format!("{}/api.php?act=order&pid=1001&key=%ff", shop.url)))
            .await
            .ok(200)["code"],
        -1
    );
}

#[tokio::test]
async fn e_38_e_39_one_merchant_reaches_nothing_of_another() {
    let (server, shop) = start(&[]);
    let made = shop.mapi(&shop.order("mine")).await;
    let other = second_merchant(&server, &shop);
    assert_eq!(other.query("mine").await["code"], -1);
    let by_trade = owned(&[
        ("act", "order"),
        ("pid", &other.pid),
        ("key", &other.key),
        ("trade_no", made["trade_no"].as_str().unwrap()),
    ]);
    let foreign = other.post("/api.php", &by_trade).await.ok(200);
    let unknown = other
        .post("/api.php", &with(&by_trade, "trade_no", "E0"))
        .await
        .ok(200);
    assert_eq!(foreign, unknown, "another merchant's order is like none");
    assert!(foreign["msg"].as_str().unwrap().contains("订单不存在"));
    // The key of one signs nothing for the other, and wrong keys and unknown merchants are alike.
    let stolen = Client {
        pid: shop.pid.clone(),
        key: other.key.clone(),
        url: shop.url.clone(),
        wallet: String::new(),
    };
    assert_eq!(stolen.mapi(&stolen.order("stolen")).await["code"], -3);
    let wrong = stolen.query("mine").await;
    let nobody = Client {
        pid: "999".to_owned(),
        ..stolen
    };
    assert_eq!(wrong["code"], -3);
    assert_eq!(nobody.query("mine").await, wrong);
}

#[tokio::test]
async fn e_16_the_same_number_of_two_merchants_is_two_orders() {
    let (server, shop) = start(&[]);
    let other = second_merchant(&server, &shop);
    let (mine, theirs) = (
        shop.mapi(&shop.order("both")).await,
        other.mapi(&with(&other.order("both"), "money", "5")).await,
    );
    assert_eq!((&mine["code"], &theirs["code"]), (&1.into(), &1.into()));
    assert_ne!(mine["trade_no"], theirs["trade_no"]);
    assert_eq!(shop.query("both").await["money"], "9.90");
    assert_eq!(other.query("both").await["money"], "5.00");
}

/// A merchant that the command makes while the server runs.
fn second_merchant(server: &crate::server::Server, shop: &Client) -> Client {
    let output = crate::server::run(
        server.dir.path(),
        &[],
        &["epay", "create", "--name", "Other shop"],
        "",
    );
    let said = String::from_utf8(output.stdout).unwrap();
    let line = |name: &str| {
        let beginning = format!("{name}: ");
        let line = said.lines().find_map(|line| line.strip_prefix(&beginning));
        line.unwrap_or_else(|| panic!("no {name} in {said}")).to_owned()
    };
    Client {
        url: shop.url.clone(),
        wallet: shop.wallet.clone(),
        pid: line("pid"),
        key: line("key"),
    }
}
