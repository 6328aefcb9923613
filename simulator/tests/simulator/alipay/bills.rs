//! Bills: a download address that is valid for thirty seconds, and its archive.

use std::io::{Cursor, Read as _};

use serde_json::{Value, json};

use super::{PRECREATE, REFUND, bill, outcome};
use crate::merchant::{Answer, Merchant};

const BILL: &str = "alipay.data.dataservice.bill.downloadurl.query";
const HOUR_MS: i64 = 3_600_000;
const NEXT_MORNING: &str = "2027-01-16 09:00:00";

fn of_day(kind: &str, date: &str) -> Value {
    json!({"bill_type": kind, "bill_date": date})
}

/// Names and contents, both decoded from GBK.
async fn fetch(shop: &Merchant, url: &str) -> Vec<(String, String)> {
    let answer = Answer::read(shop.client.get(url).send().await.unwrap()).await;
    assert_eq!(answer.status, 200);
    let gbk = |bytes: &[u8]| {
        let (text, _, had_errors) = encoding_rs::GBK.decode(bytes);
        assert!(!had_errors);
        text.into_owned()
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(answer.body)).unwrap();
    (0..archive.len())
        .map(|place| {
            let mut file = archive.by_index(place).unwrap();
            let name = gbk(file.name_raw());
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (name, gbk(&content))
        })
        .collect()
}

#[tokio::test]
async fn a_day_s_bill_lists_payments_and_refunds() {
    let shop = Merchant::open().await;
    shop.alipay(PRECREATE, &bill("A1", "49.90")).await;
    shop.sim.pay("A1").await.unwrap();
    let refund = json!({"out_trade_no": "A1", "refund_amount": "9.90", "out_request_no": "R1"});
    shop.alipay(REFUND, &refund).await;
    let today = of_day("trade", "2027-01-15");
    assert_eq!(outcome(&shop.alipay(BILL, &today).await), "BILL_NOT_EXIST");
    shop.sim.advance(17 * HOUR_MS).await;
    for wrong in [
        of_day("trade", "2027-02-30"),
        of_day("trade", "20270115"),
        of_day("dance", "2027-01-15"),
        json!({"bill_type": "trade"}),
    ] {
        let refused = shop.alipay_at(BILL, &wrong, NEXT_MORNING).await;
        assert_eq!(outcome(&refused), "INVAILID_ARGUMENTS", "{wrong}");
    }
    let given = shop.alipay_at(BILL, &today, NEXT_MORNING).await;
    assert_eq!(given.get("bill_file_code"), None);
    let url = given["bill_download_url"].as_str().unwrap();
    let files = fetch(&shop, url).await;
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "20881011179556110156_20270115_业务明细.csv",
            "20881011179556110156_20270115_业务明细(汇总).csv"
        ]
    );
    let lines: Vec<&str> = files[0].1.lines().collect();
    let rows: Vec<Vec<&str>> = lines
        .iter()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').collect())
        .collect();
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.len() == 25));
    assert_eq!((rows[0][0], rows[0][11]), ("支付宝交易号", "订单金额（元）"));
    assert!(rows[1][0].ends_with('\t'));
    assert_eq!(rows[1][1..3], ["A1\t", "交易"]);
    assert_eq!((rows[1][11], rows[1][22]), ("49.90", "-0.30"));
    assert_eq!((rows[2][2], rows[2][11], rows[2][21]), ("退款", "-9.90", "R1\t"));
    assert!(files[1].1.contains("合计,,1,1,40.00,40.00"));

    shop.sim.advance(30_000).await;
    let late = shop.client.get(url).send().await.unwrap();
    assert_eq!(late.status(), 403, "the address lived for thirty seconds");
}

#[tokio::test]
async fn an_empty_day_has_an_empty_bill_and_the_ledger_adds_up() {
    let shop = Merchant::open().await;
    shop.alipay(PRECREATE, &bill("A1", "100.00")).await;
    shop.sim.pay("A1").await.unwrap();
    shop.sim.advance(17 * HOUR_MS).await;
    let empty = shop
        .alipay_at(BILL, &of_day("trade", "2027-01-14"), NEXT_MORNING)
        .await;
    assert_eq!(empty["bill_file_code"], "EMPTY_DATA_WITH_BILL_FILE");
    let files = fetch(&shop, empty["bill_download_url"].as_str().unwrap()).await;
    let rows = files[0].1.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(rows.count(), 1, "the header");

    let ledger = shop
        .alipay_at(BILL, &of_day("signcustomer", "2027-01-15"), NEXT_MORNING)
        .await;
    let files = fetch(&shop, ledger["bill_download_url"].as_str().unwrap()).await;
    let rows: Vec<Vec<&str>> = files[0]
        .1
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').collect())
        .collect();
    assert_eq!((rows[1][6], rows[1][8]), ("100.00", "1000100.00"));
    assert_eq!((rows[2][7], rows[2][8]), ("-0.60", "1000099.40"));

    let month = of_day("trade", "2027-01");
    let early = shop.alipay_at(BILL, &month, NEXT_MORNING).await;
    assert_eq!(outcome(&early), "BILL_NOT_EXIST");
    shop.sim.advance(18 * 24 * HOUR_MS).await;
    let given = shop.alipay_at(BILL, &month, "2027-02-03 09:00:00").await;
    let files = fetch(&shop, given["bill_download_url"].as_str().unwrap()).await;
    assert!(files[0].0.contains("_202701_") && files[0].1.contains("A1\t"));
}
