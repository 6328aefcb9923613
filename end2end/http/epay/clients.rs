//! Programs that speak epay, re-enacted: each orders, signs, verifies and answers as its own source does (`docs/epay.md`).

use std::time::Duration;

use serde_json::Value;

use crate::api::{client, pay, send};
use crate::epay::client::{Client, KEY, NOWHERE, Pairs, md5_of, owned, start, text_of, with};
use crate::epay::notifications::{Receiver, fields_of};

/// Habits of one program: the rest is the same in all of them.
struct Program {
    name: &'static str,
    /// It signs and verifies empty values too.
    signs_empties: bool,
    is_posted: bool,
    /// `None`: it names no method, and the payer chooses on our page.
    kind: Option<&'static str>,
    money: &'static str,
    own_fields: &'static [(&'static str, &'static str)],
    /// Its answer to a notification that it believes.
    answer: &'static str,
}

const PROGRAMS: [Program; 6] = [
    // `stripslashes(urldecode(http_build_query($params)))` over all parameters, and a link to `submit.php`.
    Program {
        name: "v2board and Xboard",
        signs_empties: true,
        is_posted: false,
        kind: None,
        money: "9.9",
        own_fields: &[],
        answer: "success",
    },
    // A form by GET; the amount is a PHP float.
    Program {
        name: "dujiaoka",
        signs_empties: false,
        is_posted: false,
        kind: Some("alipay"),
        money: "9.9",
        own_fields: &[],
        answer: "success",
    },
    Program {
        name: "go-epay, as in new-api",
        signs_empties: false,
        is_posted: true,
        kind: Some("alipay"),
        money: "9.90",
        own_fields: &[("device", "pc")],
        answer: "success",
    },
    Program {
        name: "acg-faka",
        signs_empties: true,
        is_posted: true,
        kind: Some("alipay"),
        money: "9.9",
        own_fields: &[("sitename", "小店")],
        answer: "success",
    },
    Program {
        name: "acg-faka with an empty name of the site",
        signs_empties: true,
        is_posted: true,
        kind: Some("alipay"),
        money: "9.9",
        own_fields: &[("sitename", "")],
        answer: "success",
    },
    Program {
        name: "SSPanel-UIM",
        signs_empties: false,
        is_posted: true,
        kind: Some("alipay"),
        money: "9.90",
        own_fields: &[("sitename", "小店")],
        answer: r#"{"state":"success","msg":"支付成功"}"#,
    },
];

impl Program {
    /// The signature in lower case, over what this program signs.
    fn sign(&self, pairs: &Pairs) -> String {
        let text = if self.signs_empties {
            let mut signed: Vec<&(String, String)> = pairs
                .iter()
                .filter(|(name, _)| name != "sign" && name != "sign_type")
                .collect();
            signed.sort();
            let signed = signed.iter().map(|(name, value)| format!("{name}={value}"));
            signed.collect::<Vec<_>>().join("&")
        } else {
            text_of(pairs)
        };
        md5_of(&format!("{text}{KEY}"))
    }

    fn order(&self, shop: &Client, notify_url: &str, number: &str) -> Pairs {
        let mut pairs = owned(&[
            ("pid", &shop.pid),
            ("out_trade_no", number),
            ("notify_url", notify_url),
            ("return_url", "https://shop.example/back"),
            ("name", number),
            ("money", self.money),
        ]);
        pairs.extend(self.kind.map(|kind| ("type".to_owned(), kind.to_owned())));
        pairs.extend(owned(self.own_fields));
        let sign = self.sign(&pairs);
        with(&with(&pairs, "sign", &sign), "sign_type", "MD5")
    }

    /// Sends the payer's browser to `submit.php`; returns the page with the code.
    async fn submit(&self, shop: &Client, pairs: &Pairs) -> String {
        let answer = if self.is_posted {
            shop.post("/submit.php", pairs).await
        } else {
            shop.get("/submit.php", pairs).await
        };
        let location = answer.header("location").unwrap_or_else(|| {
            panic!("{}: {} {}", self.name, answer.status, answer.text);
        });
        if self.kind.is_none() {
            let token = location.rsplit('/').next().unwrap();
            let chosen = owned(&[("token", token), ("method", "alipay")]);
            let started = shop.post("/ui/start_payment", &chosen).await;
            assert!(matches!(started.status, 302 | 303), "{}", started.text);
        }
        let page = send(client().get(location).header("accept", "text/html")).await;
        assert_eq!(page.status, 200, "{}", self.name);
        page.text
    }

    /// Checks a notification as the program does, and that it would not believe an altered one.
    fn verify(&self, told: &Pairs, number: &str) {
        let field = |name: &str| {
            let found = told.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        assert_eq!(field("sign"), self.sign(told), "{}: {told:?}", self.name);
        assert_eq!(field("out_trade_no"), number, "{}", self.name);
        assert_eq!(field("trade_status"), "TRADE_SUCCESS", "{}", self.name);
        assert_eq!(field("type"), "alipay", "{}", self.name);
        assert_eq!(field("money"), "9.90", "{}", self.name);
        assert!(!field("trade_no").is_empty(), "{}", self.name);
        for (name, _) in told.iter().filter(|(name, _)| !name.starts_with("sign")) {
            let altered = with(told, name, "0.01");
            assert_ne!(field("sign"), self.sign(&altered), "{}: {name}", self.name);
        }
    }
}

/// The code on a page, as the link to the simulated phone carries it.
pub fn code_on(page: &str, wallet: &str) -> Value {
    let link = format!("{wallet}?code=");
    let rest = page.split(&link).nth(1).expect("a code for the simulated phone");
    let code = rest.split(['"', '&']).next().unwrap();
    Value::from(fields_of(&format!("code={code}"))[0].1.clone())
}

#[tokio::test]
async fn programs_order_hear_and_verify_as_their_sources_do() {
    let (_server, shop) = start(&[]);
    let mut receivers = Vec::new();
    for (index, program) in PROGRAMS.iter().enumerate() {
        let receiver = Receiver::start(&[(200, program.answer)]).await;
        let number = format!("client{index}");
        let order = program.order(&shop, &receiver.url, &number);
        let page = program.submit(&shop, &order).await;
        pay(&shop.wallet, &code_on(&page, &shop.wallet)).await;
        let heard = receiver.wait_for(1).await;
        program.verify(&fields_of(&heard[0]), &number);
        receivers.push(receiver);
    }
    // A notification that was not received would be sent again after five seconds.
    tokio::time::sleep(Duration::from_secs(7)).await;
    for (program, receiver) in PROGRAMS.iter().zip(receivers) {
        assert_eq!(receiver.heard.lock().unwrap().len(), 1, "{}", program.name);
    }
}

/// Reads an answer as Go's structs do: numbers are numbers, and every other member is a string.
fn check_go_types(answer: &Value) {
    for (name, value) in answer.as_object().unwrap() {
        let is_number = matches!(name.as_str(), "code" | "pid" | "status");
        assert!(
            value.is_i64() == is_number && value.is_string() != is_number,
            "{name}: {answer}"
        );
    }
}

#[tokio::test]
async fn sub2api_orders_queries_in_the_body_and_refunds_with_one_for_success() {
    let (_server, shop) = start(&[("EPAY_REFUND", "on")]);
    let call = async |act: &str, pairs: &[(&str, &str)]| {
        let mut all = vec![
            ("act", act),
            ("pid", shop.pid.as_str()),
            ("key", shop.key.as_str()),
        ];
        all.extend(pairs);
        let answer = shop.post("/api.php", &owned(&all)).await.ok(200);
        check_go_types(&answer);
        answer
    };
    let unknown = call("order", &[("out_trade_no", "nothing")]).await;
    assert_ne!(unknown["code"], 1);
    assert!(
        unknown["msg"].as_str().unwrap().contains("订单不存在"),
        "{unknown}"
    );
    let order = with(&shop.order("sub2api1"), "notify_url", NOWHERE);
    let order = with(&with(&order, "clientip", "203.0.113.7"), "device", "pc");
    let made = shop.mapi(&order).await;
    check_go_types(&made);
    assert!(made["payurl"].as_str().unwrap().starts_with(&shop.url), "{made}");
    let open = call("order", &[("out_trade_no", "sub2api1")]).await;
    assert_eq!(open["code"], 1, "{open}");
    assert_ne!(open["trade_status"], "TRADE_SUCCESS", "{open}");
    assert_eq!(open["status"], 0, "{open}");
    pay(&shop.wallet, &made["qrcode"]).await;
    shop.wait_for_status("sub2api1", 1).await;
    let trade_no = made["trade_no"].as_str().unwrap();
    let paid = call("order", &[("trade_no", trade_no)]).await;
    assert_eq!(paid["trade_status"], "TRADE_SUCCESS", "{paid}");
    assert_eq!((&paid["status"], &paid["money"]), (&1.into(), &"9.90".into()));
    let foreign = call("refund", &[("out_trade_no", trade_no), ("money", "9.90")]).await;
    assert!(
        foreign["msg"].as_str().unwrap().contains("订单不存在"),
        "it then tries the other number: {foreign}"
    );
    let refunded = call("refund", &[("trade_no", trade_no), ("money", "9.90")]).await;
    assert_eq!(refunded["code"], 1, "{refunded}");
}
