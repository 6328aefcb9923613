//! WeChat's bills: a signed promise, an unsigned file, and a format that parsers stumble over.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::json;
use sha1::Digest as _;

use crate::merchant::{Answer, Merchant};

const HOUR_MS: i64 = 3_600_000;
/// The day on which the simulator's clock starts here.
const DAY: &str = "2027-01-15";

async fn link(shop: &Merchant, target: &str) -> (String, String) {
    let answer = shop.wechat("GET", target, "").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(shop.wechat_signed(&answer.headers, &answer.body));
    let link = answer.json();
    assert_eq!(link["hash_type"], "SHA1");
    let word = |name: &str| link[name].as_str().unwrap().to_owned();
    let url = word("download_url");
    (
        url.strip_prefix(&shop.sim.wechat_url()).unwrap().to_owned(),
        word("hash_value"),
    )
}

fn sha1(bytes: &[u8]) -> String {
    sha1::Sha1::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

async fn refused(shop: &Merchant, target: &str) -> (u16, String) {
    let answer: Answer = shop.wechat("GET", target, "").await;
    (answer.status, answer.code())
}

#[tokio::test]
async fn a_bill_is_available_the_next_morning_with_the_hash_of_its_text() {
    let shop = Merchant::open().await;
    let mut order = shop.order("T00000001", 4_990);
    order["description"] = "月卡,`年卡`".into();
    shop.code_url(&order).await;
    shop.sim.pay("T00000001").await.unwrap();
    let refund = json!({"out_trade_no": "T00000001", "out_refund_no": "R1",
        "amount": {"refund": 990, "total": 4_990, "currency": "CNY"}});
    shop.wechat("POST", "/v3/refund/domestic/refunds", &refund.to_string())
        .await;
    let all = format!("/v3/bill/tradebill?bill_date={DAY}");
    assert_eq!(refused(&shop, &all).await, (400, "STATEMENT_CREATING".to_owned()));
    shop.sim.advance(17 * HOUR_MS).await;
    let none = "/v3/bill/tradebill?bill_date=2027-01-14";
    assert_eq!(refused(&shop, none).await, (400, "NO_STATEMENT_EXIST".to_owned()));
    for wrong in ["20270115", "2027-02-30", "2026-01-01"] {
        let target = format!("/v3/bill/tradebill?bill_date={wrong}");
        assert_eq!(
            refused(&shop, &target).await,
            (400, "PARAM_ERROR".to_owned()),
            "{wrong}"
        );
    }

    let (target, hash) = link(&shop, &all).await;
    let file = shop.wechat("GET", &target, "").await;
    assert!(
        !file.headers.contains_key("wechatpay-signature"),
        "a file is not signed"
    );
    assert_eq!(sha1(&file.body), hash);
    let text = String::from_utf8(file.body.clone()).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines.len(), 6, "{text}");
    assert_eq!(lines[0].split(',').count(), 27);
    assert!(
        lines[1].starts_with("`2027-01-15 ")
            && lines[1].contains("`SUCCESS,`")
            && lines[1].contains("月卡,`年卡`")
    );
    assert!(lines[2].contains("`REFUND,`") && lines[2].contains("`R1,`9.90,`"));
    assert!(lines[3].starts_with("总交易单数,") && lines[4].starts_with("`2,`49.90,`9.90,`"));

    let (packed_target, packed_hash) = link(&shop, &format!("{all}&tar_type=GZIP")).await;
    let packed = shop.wechat("GET", &packed_target, "").await;
    let mut unpacked = Vec::new();
    GzDecoder::new(packed.body.as_slice())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!((unpacked, packed_hash), (file.body, hash));

    shop.sim.advance(30_000).await;
    let late = shop.wechat("GET", &target, "").await;
    assert_eq!(late.status, 400, "the address lived for thirty seconds");
}

#[tokio::test]
async fn each_kind_of_bill_has_its_own_columns_and_rows() {
    let shop = Merchant::open().await;
    shop.code_url(&shop.order("T00000001", 10_000)).await;
    shop.sim.pay("T00000001").await.unwrap();
    shop.sim.advance(17 * HOUR_MS).await;
    for (target, n_columns, n_rows) in [
        ("tradebill?bill_type=SUCCESS", 20, 1),
        ("tradebill?bill_type=ALL", 27, 1),
        ("fundflowbill?account_type=BASIC", 11, 2),
    ] {
        let (target, _) = link(&shop, &format!("/v3/bill/{target}&bill_date={DAY}")).await;
        let text = String::from_utf8(shop.wechat("GET", &target, "").await.body).unwrap();
        let lines: Vec<&str> = text.trim_end().split("\r\n").collect();
        assert_eq!(lines[0].split(',').count(), n_columns, "{target}");
        assert_eq!(lines.len(), n_rows + 3, "{text}");
        for row in &lines[1..=n_rows] {
            assert_eq!(row.split(",`").count(), n_columns, "{row}");
        }
    }
    let refunds = format!("/v3/bill/tradebill?bill_type=REFUND&bill_date={DAY}");
    assert_eq!(
        refused(&shop, &refunds).await,
        (400, "NO_STATEMENT_EXIST".to_owned())
    );
    let (target, _) = link(&shop, &format!("/v3/bill/fundflowbill?bill_date={DAY}")).await;
    let text = String::from_utf8(shop.wechat("GET", &target, "").await.body).unwrap();
    // A payment, and the fee of 0.60 % for it.
    assert!(
        text.contains("`收入,`100.00,`") && text.contains("`支出,`0.60,`"),
        "{text}"
    );
}
