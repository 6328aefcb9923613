//! V2: RSA both ways.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::api::{client, pay, send};
use crate::epay::client::{NOWHERE, Pairs, owned, text_of, with, with_query, without};
use crate::server::{Server, run};

pub struct Merchant {
    url: String,
    pid: String,
    key: RsaKeyPair,
    platform: ParsedPublicKey,
}

pub fn start(settings: &[(&str, &str)]) -> Server {
    let mut all = vec![("EPAY", "on")];
    all.extend(settings);
    Server::simulated(&all)
}

#[expect(clippy::disallowed_methods, reason = "a client has a clock of its own")]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Merchant {
    pub fn create(server: &Server) -> Merchant {
        let output = run(
            server.dir.path(),
            &[],
            &["epay", "create", "--name", "V2 shop"],
            "",
        );
        let said = String::from_utf8(output.stdout).unwrap();
        let line = |name: &str| {
            let beginning = format!("{name}: ");
            said.lines()
                .find_map(|line| line.strip_prefix(&beginning))
                .unwrap()
                .to_owned()
        };
        let bytes = |name| STANDARD.decode(line(name)).unwrap();
        Merchant {
            url: server.url.clone(),
            pid: line("pid"),
            key: RsaKeyPair::from_pkcs8(&bytes("merchant_private_key")).unwrap(),
            platform: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, bytes("platform_public_key"))
                .unwrap(),
        }
    }

    pub fn order(&self, number: &str) -> Pairs {
        owned(&[
            ("pid", &self.pid),
            ("type", "wxpay"),
            ("out_trade_no", number),
            ("notify_url", NOWHERE),
            ("return_url", "https://shop.example/r"),
            ("name", "VIP会员"),
            ("money", "9.90"),
        ])
    }

    fn number(&self, number: &str) -> Pairs {
        owned(&[("pid", &self.pid), ("out_trade_no", number)])
    }

    fn sign(&self, pairs: &Pairs) -> Pairs {
        let pairs = if pairs.iter().any(|(name, _)| name == "timestamp") {
            pairs.clone()
        } else {
            with(pairs, "timestamp", &now().to_string())
        };
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text_of(&pairs).as_bytes(),
                &mut signature,
            )
            .unwrap();
        with(
            &with(&pairs, "sign", &STANDARD.encode(signature)),
            "sign_type",
            "RSA",
        )
    }

    async fn post(&self, path: &str, pairs: &Pairs) -> Value {
        send(client().post(format!("{}{path}", self.url)).form(pairs))
            .await
            .ok(200)
    }

    /// A signed call; the signature and the time of a success are checked.
    pub async fn call(&self, path: &str, pairs: &Pairs) -> Value {
        let said = self.post(path, &self.sign(pairs)).await;
        if said["code"] != 0 {
            assert_eq!(said.get("sign"), None, "a refusal is not signed: {said}");
            return said;
        }
        self.check(&members_of(&said));
        said
    }

    pub fn check(&self, pairs: &Pairs) {
        let value = |name: &str| pairs.iter().find(|(known, _)| known == name).unwrap().1.clone();
        let signature = STANDARD.decode(value("sign")).unwrap();
        assert!(
            self.platform
                .verify_sig(text_of(pairs).as_bytes(), &signature)
                .is_ok(),
            "{pairs:?}"
        );
        let at: u64 = value("timestamp").parse().unwrap();
        assert!(now().abs_diff(at) < 60 && value("sign_type") == "RSA");
    }
}

/// Members as a client signs them: arrays left out, numbers in their decimal form.
fn members_of(said: &Value) -> Pairs {
    let texts = said
        .as_object()
        .unwrap()
        .iter()
        .filter_map(|(name, value)| match value {
            Value::String(text) => {
                assert!(!text.is_empty(), "empty members are left out: {name}");
                Some((name.clone(), text.clone()))
            }
            Value::Number(number) => Some((name.clone(), number.to_string())),
            Value::Array(_) => None,
            other => panic!("{name}: {other}"),
        });
    texts.collect()
}

#[tokio::test]
async fn e_42_stale_future_unsigned_and_md5_requests_are_refused() {
    let server = start(&[]);
    let (shop, other) = (Merchant::create(&server), Merchant::create(&server));
    let order = shop.order("v2");
    // The later one draws nearer while the request is on its way.
    for seconds in [-301_i64, 360] {
        let at = now().checked_add_signed(seconds).unwrap().to_string();
        let said = shop
            .call("/api/pay/create", &with(&order, "timestamp", &at))
            .await;
        assert!(said["code"].as_i64().is_some_and(|code| code < 0), "{said}");
    }
    for wrong in ["", "now", "99999999999"] {
        let said = shop
            .call("/api/pay/create", &with(&order, "timestamp", wrong))
            .await;
        assert!(
            said["code"].as_i64().is_some_and(|code| code < 0),
            "{wrong}: {said}"
        );
    }
    let signed = shop.sign(&order);
    for refused in [
        with(&signed, "sign_type", "MD5"),
        without(&signed, "sign"),
        with(&signed, "money", "0.01"),
        other.sign(&order),
    ] {
        assert_eq!(shop.post("/api/pay/create", &refused).await["code"], -3);
    }
    assert_eq!(
        shop.post("/api/pay/create", &without(&signed, "pid")).await["code"],
        -4
    );
    // A client that does not escape the signature sends its plus signs as spaces.
    let sign = signed
        .iter()
        .find(|(name, _)| name == "sign")
        .unwrap()
        .1
        .replace('+', " ");
    assert_eq!(
        shop.post("/api/pay/create", &with(&signed, "sign", &sign)).await["code"],
        0
    );
    assert_eq!(
        shop.post("/api/pay/create", &without(&signed, "sign_type")).await["code"],
        0
    );
}

#[tokio::test]
async fn e_43_an_order_goes_through_its_life_with_signed_answers_of_a_key_of_its_own() {
    let server = start(&[("EPAY_REFUND", "on")]);
    let (shop, other) = (Merchant::create(&server), Merchant::create(&server));
    let made = shop.call("/api/pay/create", &shop.order("life")).await;
    assert_eq!(
        (&made["code"], &made["pay_type"]),
        (&0.into(), &"qrcode".into()),
        "{made}"
    );
    // Each merchant has a platform key of its own.
    let signature = STANDARD.decode(made["sign"].as_str().unwrap()).unwrap();
    assert!(
        other
            .platform
            .verify_sig(text_of(&members_of(&made)).as_bytes(), &signature)
            .is_err()
    );
    let jump = shop
        .call("/api/pay/create", &with(&shop.order("jump"), "method", "jump"))
        .await;
    assert_eq!(jump["pay_type"], "jump");
    assert!(
        jump["pay_info"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{}/checkout/", server.url))
    );
    for method in ["app", "scan", "applet", "nonsense", "jsapi"] {
        let said = shop
            .call("/api/pay/create", &with(&shop.order("method"), "method", method))
            .await;
        assert!(
            said["code"].as_i64().is_some_and(|code| code < 0),
            "{method}: {said}"
        );
    }
    let jsapi = with(
        &with(&shop.order("jsapi"), "method", "jsapi"),
        "sub_openid",
        "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
    );
    let invoked = shop.call("/api/pay/create", &jsapi).await;
    assert_eq!(invoked["pay_type"], "jsapi", "{invoked}");
    let info: Value = serde_json::from_str(invoked["pay_info"].as_str().unwrap()).unwrap();
    assert!(info["package"].as_str().unwrap().starts_with("prepay_id="));

    let unpaid = shop.call("/api/pay/query", &shop.number("life")).await;
    assert_eq!((&unpaid["code"], &unpaid["status"]), (&0.into(), &0.into()));
    pay(server.wallet.as_deref().unwrap(), &made["pay_info"]).await;
    let paid = loop {
        let found = shop.call("/api/pay/query", &shop.number("life")).await;
        if found["status"] == 1 {
            break found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    assert_eq!(
        (&paid["trade_status"], &paid["type"]),
        (&"TRADE_SUCCESS".into(), &"wxpay".into())
    );
    let closed = shop.call("/api/pay/close", &shop.number("life")).await;
    assert_eq!(closed["code"], -1, "a paid order is not closed");

    let ask = with(&with(&shop.number("life"), "money", "4"), "out_refund_no", "r1");
    let refund = shop.call("/api/pay/refund", &ask).await;
    assert_eq!(
        (&refund["code"], &refund["money"], &refund["reducemoney"]),
        (&0.into(), &"4.00".into(), &"0.00".into()),
        "{refund}"
    );
    let found = shop
        .call(
            "/api/pay/refundquery",
            &owned(&[("pid", &shop.pid), ("out_refund_no", "r1")]),
        )
        .await;
    assert_eq!(
        (&found["code"], &found["refund_no"]),
        (&0.into(), &refund["refund_no"])
    );
    assert!(matches!(found["status"].as_i64(), Some(1 | 2)), "{found}");
    let foreign = owned(&[("pid", &other.pid), ("out_refund_no", "r1")]);
    assert_eq!(other.call("/api/pay/refundquery", &foreign).await["code"], -1);

    // The same signed request is carried out once.
    let unnumbered = shop.sign(&with(&shop.number("life"), "money", "1"));
    let first = shop.post("/api/pay/refund", &unnumbered).await;
    let again = shop.post("/api/pay/refund", &unnumbered).await;
    assert_eq!(
        (&first["code"], &first["refund_no"]),
        (&0.into(), &again["refund_no"])
    );

    let info = shop
        .call("/api/merchant/info", &owned(&[("pid", &shop.pid)]))
        .await;
    assert_eq!(
        (&info["code"], &info["status"], &info["order_money_today"]),
        (&0.into(), &1.into(), &"9.90".into())
    );
    let list = shop
        .call(
            "/api/merchant/orders",
            &owned(&[("pid", &shop.pid), ("limit", "2")]),
        )
        .await;
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn submit_and_close_work_by_rsa_too() {
    let server = start(&[]);
    let shop = Merchant::create(&server);
    let signed = shop.sign(&shop.order("browser"));
    for request in [
        client().get(with_query(&format!("{}/api/pay/submit", server.url), &signed)),
        client()
            .post(format!("{}//api/pay/submit", server.url))
            .form(&signed),
    ] {
        let answer = send(request).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
    }
    assert_eq!(
        shop.call("/api/pay/close", &shop.number("browser")).await["code"],
        0
    );
    assert_eq!(
        shop.call("/api/pay/close", &shop.number("browser")).await["code"],
        0
    );
    let said = shop.call("/api/pay/create", &shop.order("browser")).await;
    assert_eq!(said["code"], -1, "closed by its merchant: a new number is needed");
    // The same merchant may sign by RSA on V1.
    let v1 = shop.post("/mapi.php", &shop.sign(&shop.order("mixed"))).await;
    assert_eq!(v1["code"], 1, "{v1}");
    assert_eq!(
        shop.call("/api/transfer/submit", &owned(&[("pid", &shop.pid)]))
            .await["code"],
        -5
    );
}
