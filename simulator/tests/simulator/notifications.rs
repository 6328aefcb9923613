//! Notifications: schedules, signatures, and what counts as received.

use std::collections::BTreeSet;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use simulator::{Alteration, Endpoint, Fault, FaultKind, Gateway, SignedBy};

use crate::inbox::parse_form;
use crate::merchant::{Merchant, verify};

const PRECREATE: &str = "alipay.trade.precreate";

fn open(shop: &Merchant, body: &[u8]) -> (Value, Value) {
    let notification: Value = serde_json::from_slice(body).unwrap();
    let resource = &notification["resource"];
    let cipher = Aes256Gcm::new_from_slice(shop.credentials().wechat_api_v3_key.as_bytes()).unwrap();
    let nonce = Nonce::try_from(resource["nonce"].as_str().unwrap().as_bytes()).unwrap();
    let msg = STANDARD.decode(resource["ciphertext"].as_str().unwrap()).unwrap();
    let plain = cipher
        .decrypt(
            &nonce,
            Payload {
                msg: &msg,
                aad: b"transaction",
            },
        )
        .unwrap();
    let plain = serde_json::from_slice(&plain).unwrap();
    (notification, plain)
}

fn alipay_signed(shop: &Merchant, body: &[u8]) -> bool {
    let mut fields = parse_form(body);
    let sign = fields.iter().find(|(name, _)| name == "sign").unwrap().1.clone();
    fields.retain(|(name, _)| name != "sign" && name != "sign_type");
    fields.sort();
    let pairs: Vec<Vec<u8>> = fields
        .into_iter()
        .map(|(name, value)| [name.as_bytes(), b"=", &value].concat())
        .collect();
    let message = pairs.join(&b'&');
    verify(
        &shop.credentials().alipay_public_key,
        &message,
        std::str::from_utf8(&sign).unwrap(),
    )
}

#[tokio::test]
async fn wechat_sends_sixteen_times_in_a_day_each_with_a_new_timestamp() {
    let shop = Merchant::open().await;
    shop.inbox.refuse_all();
    shop.code_url(&shop.order("T00000001", 100)).await;
    shop.sim.pay("T00000001").await.unwrap();
    assert_eq!(shop.inbox.count(), 1, "the first one comes at once");
    shop.sim.advance(14_999).await;
    assert_eq!(shop.inbox.count(), 1);
    shop.sim.advance(1).await;
    assert_eq!(shop.inbox.count(), 2);
    shop.sim.advance(26 * 3_600_000).await;
    let received = shop.inbox.received();
    assert_eq!(received.len(), 16);
    let mut ids = BTreeSet::new();
    let mut nonces = BTreeSet::new();
    let mut pauses = Vec::new();
    let mut last_s = 0;
    for (headers, body) in &received {
        assert!(shop.wechat_signed(headers, body));
        let (notification, plain) = open(&shop, body);
        assert_eq!(
            (&plain["amount"]["total"], &plain["trade_state"]),
            (&json!(100), &json!("SUCCESS"))
        );
        assert_eq!(notification["event_type"], "TRANSACTION.SUCCESS");
        ids.insert(notification["id"].as_str().unwrap().to_owned());
        nonces.insert(headers["wechatpay-nonce"].to_str().unwrap().to_owned());
        let at_s: i64 = headers["wechatpay-timestamp"].to_str().unwrap().parse().unwrap();
        pauses.push(at_s - last_s);
        last_s = at_s;
    }
    assert_eq!((ids.len(), nonces.len()), (1, 16));
    let planned = [
        15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, 10_800, 10_800, 10_800, 21_600, 21_600,
    ];
    assert_eq!(pauses[1..], planned);
    let book = &shop.sim.books().notifications[0];
    assert_eq!((book.acknowledged, book.due_at_ms), (false, None));
}

#[tokio::test]
async fn alipay_requires_the_bare_success_and_repeats_the_notification() {
    let shop = Merchant::open().await;
    let biz = json!({"out_trade_no": "A1", "total_amount": "1.00", "subject": "a b+c;d%"});
    shop.alipay(PRECREATE, &biz).await;
    for refused in [
        (200, "SUCCESS"),
        (200, "success\n"),
        (302, "success"),
        (500, "success"),
        (200, "\"success\""),
    ] {
        shop.inbox.answer_next(refused.0, refused.1);
    }
    shop.sim.pay("A1").await.unwrap();
    shop.sim.advance(26 * 3_600_000).await;
    let received = shop.inbox.received();
    assert_eq!(
        received.len(),
        6,
        "a redirect is not followed, and the sixth answer is good"
    );
    let value = |body: &[u8], name: &str| parse_form(body).into_iter().find(|(found, _)| found == name);
    let of = |name: &str| -> BTreeSet<_> { received.iter().map(|(_, body)| value(body, name)).collect() };
    assert_eq!((of("notify_id").len(), of("notify_time").len()), (1, 6));
    assert!(received.iter().all(|(_, body)| alipay_signed(&shop, body)));
    assert!(shop.sim.books().notifications[0].acknowledged);
}

#[tokio::test]
async fn wechat_checks_only_the_status() {
    let shop = Merchant::open().await;
    shop.code_url(&shop.order("T00000001", 100)).await;
    for (status, received) in [(302, false), (201, false), (204, true)] {
        shop.inbox.answer_next(status, "");
        if status == 302 {
            shop.sim.pay("T00000001").await.unwrap();
        } else {
            shop.sim.advance(15_000).await;
        }
        assert_eq!(
            shop.sim.books().notifications[0].acknowledged,
            received,
            "{status}"
        );
    }
    assert_eq!(shop.inbox.count(), 3);
}

#[tokio::test]
async fn a_probe_is_unverifiable_and_a_signed_notification_follows() {
    let shop = Merchant::open().await;
    shop.sim
        .fault(Fault::new(FaultKind::Probe).at(Endpoint::Notification).times(1));
    shop.inbox.answer_next(401, "");
    shop.code_url(&shop.order("T00000001", 100)).await;
    shop.sim.pay("T00000001").await.unwrap();
    shop.sim.advance(15_000).await;
    let received = shop.inbox.received();
    let signature = received[0].0["wechatpay-signature"].to_str().unwrap();
    assert!(signature.starts_with("WECHATPAY/SIGNTEST/"));
    assert!(!shop.wechat_signed(&received[0].0, &received[0].1));
    assert!(shop.wechat_signed(&received[1].0, &received[1].1));
    assert_eq!(
        open(&shop, &received[0].1).0["id"],
        open(&shop, &received[1].1).0["id"]
    );
}

#[tokio::test]
async fn faults_mute_duplicate_delay_and_reorder_notifications() {
    let shop = Merchant::open().await;
    let pay = async |number: &str, fault: Fault| {
        shop.sim.fault(fault.times(1));
        let before = shop.inbox.count();
        shop.code_url(&shop.order(number, 100)).await;
        if fault.kind != FaultKind::Early {
            shop.sim.pay(number).await.unwrap();
        }
        shop.inbox.count() - before
    };
    assert_eq!(pay("T00000001", Fault::new(FaultKind::Mute)).await, 0);
    shop.sim.advance(15_000).await;
    assert_eq!(shop.inbox.count(), 1, "a muted attempt is tried again");
    assert_eq!(
        pay("T00000002", Fault::new(FaultKind::Duplicate { copies: 3 })).await,
        4
    );
    assert_eq!(pay("T00000003", Fault::new(FaultKind::Early)).await, 1);
    assert_eq!(
        pay("T00000004", Fault::new(FaultKind::Delay { ms: 9_000 })).await,
        0
    );
    shop.sim.advance(9_000).await;
    assert_eq!(shop.inbox.count(), 7);
    assert_eq!(pay("T00000005", Fault::new(FaultKind::Reorder)).await, 0);
    assert_eq!(
        pay("T00000006", Fault::new(FaultKind::Busy).on(Gateway::Alipay)).await,
        1
    );
    shop.sim.advance(1_000).await;
    let numbers: Vec<Value> = shop.inbox.received()[7..]
        .iter()
        .map(|(_, body)| open(&shop, body).1["out_trade_no"].clone())
        .collect();
    assert_eq!(numbers, ["T00000006", "T00000005"]);
}

#[tokio::test]
async fn alipay_notifications_come_in_gbk_and_with_either_space() {
    let shop = Merchant::open().await;
    let biz = |no: &str| json!({"out_trade_no": no, "total_amount": "1.00", "subject": "月卡 一"});
    for (number, kind) in [("A1", FaultKind::Gbk), ("A2", FaultKind::PercentSpaces)] {
        shop.sim
            .fault(Fault::new(kind).at(Endpoint::Notification).times(1));
        shop.alipay(PRECREATE, &biz(number)).await;
        shop.sim.pay(number).await.unwrap();
    }
    let received = shop.inbox.received();
    assert!(received.iter().all(|(_, body)| alipay_signed(&shop, body)));
    let text = |place: usize| String::from_utf8(received[place].1.clone()).unwrap();
    assert!(text(0).contains("charset=GBK") && text(0).contains("subject=%D4%C2%BF%A8+%D2%BB"));
    assert!(text(1).contains("charset=utf-8") && text(1).contains("%20%E4%B8%80"));
}

#[tokio::test]
async fn a_forged_notification_is_signed_but_altered() {
    let shop = Merchant::open().await;
    shop.code_url(&shop.order("T00000001", 100)).await;
    let set = |value: Value| value.as_object().unwrap().clone();
    let cheap = Alteration {
        set: set(json!({"total": 1, "mchid": "1"})),
        ..Alteration::default()
    };
    let letter = shop.sim.letter("T00000001", &cheap).unwrap();
    let plain = open(&shop, &letter.body).1;
    assert_eq!(
        (&plain["amount"]["total"], &plain["mchid"]),
        (&json!(1), &json!("1"))
    );
    let foreign = Alteration {
        signed_by: SignedBy::Stranger,
        ..Alteration::default()
    };
    for (alteration, good) in [(cheap, true), (foreign, false)] {
        let letter = shop.sim.letter("T00000001", &alteration).unwrap();
        let headers = letter.headers.iter().map(|(name, value)| {
            (
                name.parse::<axum::http::HeaderName>().unwrap(),
                value.parse().unwrap(),
            )
        });
        assert_eq!(shop.wechat_signed(&headers.collect(), &letter.body), good);
    }
    assert_eq!(shop.sim.books().paid_fen(), 0, "nobody paid");

    shop.alipay(
        PRECREATE,
        &json!({"out_trade_no": "A1", "total_amount": "9.90", "subject": "s"}),
    )
    .await;
    let cheap = Alteration {
        set: set(json!({"total_amount": "0.01"})),
        ..Alteration::default()
    };
    let letter = shop.sim.letter("A1", &cheap).unwrap();
    assert!(alipay_signed(&shop, &letter.body));
    assert!(
        String::from_utf8(letter.body)
            .unwrap()
            .contains("total_amount=0.01")
    );
}
