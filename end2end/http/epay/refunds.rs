//! Refunds: off unless they are switched on, never by a signature, and each once.

use crate::api::{client, send};
use crate::epay::client::{KEY, owned, start, with};
use crate::epay::notifications::Receiver;

#[tokio::test]
async fn e_08_e_09_the_return_link_opens_nothing() {
    let (_server, shop) = start(&[("EPAY_REFUND", "on")]);
    let order = with(&shop.order("link"), "return_url", "https://shop.example/r");
    let made = shop.paid_order(&order).await;
    let back = send(client().get(format!("{}/return", made["payurl"].as_str().unwrap()))).await;
    assert_eq!(
        (back.status, back.header("referrer-policy")),
        (303, Some("no-referrer"))
    );
    let link = reqwest::Url::parse(back.header("location").unwrap()).unwrap();
    let fields: Vec<(String, String)> = link.query_pairs().into_owned().collect();
    assert_eq!(shop.sign(&fields).len(), fields.len(), "it is signed");
    assert!(
        shop.sign(&fields).iter().all(|field| fields.contains(field)),
        "by the key of the merchant"
    );
    // The payer posts the signed fields to whatever might take them.
    for act in ["refund", "order", "orders", "query"] {
        for path in ["/api.php".to_owned(), format!("/api.php?act={act}")] {
            let said = shop.post(&path, &with(&fields, "act", act)).await.ok(200);
            assert_eq!(said["code"], -3, "{act}: {said}");
        }
    }
    assert_eq!(
        shop.post("/mapi.php", &fields).await.ok(200)["code"],
        -4,
        "an order needs other fields"
    );
    assert_eq!(shop.post("/submit.php", &fields).await.status, 400);
    let found = shop.query("link").await;
    assert_eq!(
        (&found["status"], found.get("refundmoney")),
        (&1.into(), None),
        "nothing went back"
    );
    // Not even with the key's signature over `act`.
    let signed = shop.sign(&owned(&[
        ("act", "refund"),
        ("pid", "1001"),
        ("out_trade_no", "link"),
        ("money", "9.90"),
    ]));
    assert_eq!(shop.post("/api.php", &signed).await.ok(200)["code"], -3);
}

#[tokio::test]
async fn e_40_refunds_are_off_unless_the_operator_wants_them() {
    let (_server, shop) = start(&[]);
    shop.paid_order(&shop.order("off")).await;
    assert_eq!(
        shop.refund(&[("out_trade_no", "off"), ("money", "1")]).await["code"],
        -2
    );
    assert_eq!(shop.query("off").await["status"], 1);
}

#[tokio::test]
async fn e_40_e_41_a_refund_is_carried_out_once_and_answered_as_its_client_reads_it() {
    let (_server, shop) = start(&[("EPAY_REFUND", "on")]);
    let order = shop.order("back");
    shop.mapi(&order).await;
    assert_eq!(
        shop.refund(&[("out_trade_no", "back"), ("money", "1")]).await["code"],
        -1,
        "not paid"
    );
    shop.paid_order(&order).await;
    for pairs in [
        &[("out_trade_no", "back"), ("money", "9.91")][..],
        &[("out_trade_no", "back"), ("money", "0")],
        &[("out_trade_no", "nothing"), ("money", "1")],
    ] {
        assert_eq!(shop.refund(pairs).await["code"], -1, "{pairs:?}");
    }
    assert_eq!(shop.refund(&[("out_trade_no", "back")]).await["code"], -4);
    let by_get = owned(&[
        ("act", "refund"),
        ("pid", "1001"),
        ("key", KEY),
        ("out_trade_no", "back"),
        ("money", "1"),
    ]);
    assert_eq!(shop.get("/api.php", &by_get).await.ok(200)["code"], -4);
    assert_eq!(shop.query("back").await.get("refundmoney"), None);

    // The reference's own client sends `refund_no` and wants 0; the others want 1.
    let numbered = [("out_trade_no", "back"), ("money", "2"), ("refund_no", "n1")];
    let first = shop.refund(&numbered).await;
    assert_eq!(
        (
            &first["code"],
            &first["status"],
            &first["out_refund_no"],
            &first["money"]
        ),
        (&0.into(), &1.into(), &"n1".into(), &"2.00".into()),
        "{first}"
    );
    assert_eq!(shop.refund(&numbered).await, first, "the same refund");
    let by_alias = shop
        .refund(&[("out_trade_no", "back"), ("money", "2"), ("out_refund_no", "n1")])
        .await;
    assert_eq!(
        (&by_alias["code"], &by_alias["refund_no"]),
        (&1.into(), &first["refund_no"])
    );
    let other_sum = shop
        .refund(&[("out_trade_no", "back"), ("money", "3"), ("refund_no", "n1")])
        .await;
    assert_eq!(other_sum["code"], -1);

    // Without a number the same sum within minutes is a repetition.
    let plain = shop.refund(&[("out_trade_no", "back"), ("money", "1.5")]).await;
    assert_eq!(
        (&plain["code"], &plain["status"]),
        (&1.into(), &1.into()),
        "{plain}"
    );
    assert_eq!(
        shop.refund(&[("out_trade_no", "back"), ("money", "1.50")]).await["refund_no"],
        plain["refund_no"]
    );
    let found = shop.wait_for_status("back", 2).await;
    assert_eq!(found["trade_status"], "TRADE_SUCCESS", "a part of it stays");
    for _ in 0..100 {
        if shop.query("back").await["refundmoney"] == "3.50" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(shop.query("back").await["refundmoney"], "3.50");
    let rest = shop
        .refund(&[
            ("out_trade_no", "back"),
            ("money", "6.40"),
            ("out_refund_no", "n2"),
        ])
        .await;
    assert_eq!(rest["code"], 1, "{rest}");
    for _ in 0..100 {
        if shop.query("back").await["trade_status"] == "TRADE_CLOSED" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(shop.query("back").await["trade_status"], "TRADE_CLOSED");
}

#[tokio::test]
async fn e_33_e_36_after_all_of_it_went_back_nothing_signed_is_sent() {
    let receiver = Receiver::start(&[(200, "success")]).await;
    let (_server, shop) = start(&[("EPAY_REFUND", "on")]);
    let order = with(&shop.order("gone"), "return_url", "https://shop.example/r");
    let made = shop.paid_order(&with(&order, "notify_url", &receiver.url)).await;
    receiver.wait_for(1).await;
    let refund = shop.refund(&[("out_trade_no", "gone"), ("money", "9.90")]).await;
    assert_eq!(refund["code"], 1, "{refund}");
    let found = shop.wait_for_status("gone", 2).await;
    assert_eq!(found["trade_status"], "TRADE_CLOSED");
    let back = send(client().get(format!("{}/return", made["payurl"].as_str().unwrap()))).await;
    assert_eq!(back.header("location"), Some("https://shop.example/r"));
    // Longer than the pause before a second attempt.
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    assert_eq!(
        receiver.heard.lock().unwrap().len(),
        1,
        "the payment was told, and the refund is not"
    );
}
