//! Statements as an accountant reads them: their sums, fees and coupons, and every difference that a test can plant.

use std::io::{Cursor, Read as _};

use serde_json::{Value, json};
use simulator::{Endpoint, Fault, FaultKind, Faults, Gateway, Plant, PlantKind, Table};

use crate::alipay::{PRECREATE, REFUND, bill};
use crate::merchant::{Answer, Merchant};

const HOUR_MS: i64 = 3_600_000;
const DAY: &str = "2027-01-15";
const NEXT_MORNING: &str = "2027-01-16 09:00:00";
const ALIPAY_BILL: &str = "alipay.data.dataservice.bill.downloadurl.query";

/// A statement by the headings of its columns, without comments and sums.
struct Rows {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
    text: String,
}

impl Rows {
    fn cell(&self, row: usize, heading: &str) -> &str {
        let place = self.headings.iter().position(|found| found == heading);
        self.rows[row][place.unwrap_or_else(|| panic!("{heading} of {:?}", self.headings))].trim()
    }

    fn column(&self, heading: &str) -> Vec<&str> {
        (0..self.rows.len()).map(|row| self.cell(row, heading)).collect()
    }

    /// Sum of a column in fen; fees have more decimals than they need.
    fn sum(&self, heading: &str) -> i64 {
        self.column(heading).into_iter().map(fen).sum()
    }
}

fn fen(text: &str) -> i64 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (yuan, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let hundredths = format!("{fraction:0<2}");
    assert!(hundredths[2..].bytes().all(|byte| byte == b'0'), "{text}");
    let number = |text: &str| text.parse().unwrap_or(0);
    sign * (number(yuan) * 100 + number(&hundredths[..2]))
}

async fn wechat_file(shop: &Merchant, target: &str) -> (Value, Answer) {
    let link = shop.wechat("GET", target, "").await;
    assert_eq!(link.status, 200, "{link:?}");
    let url = link.json()["download_url"].as_str().unwrap().to_owned();
    let target = url.strip_prefix(&shop.sim.wechat_url()).unwrap();
    (link.json(), shop.wechat("GET", target, "").await)
}

async fn wechat(shop: &Merchant, table: Table) -> Rows {
    let target = match table {
        Table::Trade => format!("/v3/bill/tradebill?bill_date={DAY}"),
        Table::FundFlow => format!("/v3/bill/fundflowbill?bill_date={DAY}"),
    };
    let (_, file) = wechat_file(shop, &target).await;
    let text = String::from_utf8(file.body).unwrap();
    let mut lines = text.trim_end().split("\r\n");
    let headings = lines.next().unwrap().split(',').map(str::to_owned).collect();
    let rows = lines
        .take_while(|line| line.starts_with('`'))
        .map(|line| line[1..].split(",`").map(str::to_owned).collect());
    Rows {
        headings,
        rows: rows.collect(),
        text: text.clone(),
    }
}

async fn alipay_archive(shop: &Merchant, kind: &str) -> Vec<u8> {
    let asked = json!({"bill_type": kind, "bill_date": DAY});
    let given = shop.alipay_at(ALIPAY_BILL, &asked, NEXT_MORNING).await;
    let url = given["bill_download_url"]
        .as_str()
        .unwrap_or_else(|| panic!("{given}"));
    Answer::read(shop.client.get(url).send().await.unwrap())
        .await
        .body
}

/// The first table of the archive.
fn unzipped(archive: Vec<u8>) -> Result<String, zip::result::ZipError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive))?;
    let mut content = Vec::new();
    archive.by_index(0)?.read_to_end(&mut content)?;
    Ok(encoding_rs::GBK.decode(&content).0.into_owned())
}

async fn alipay(shop: &Merchant, table: Table) -> Rows {
    let kind = match table {
        Table::Trade => "trade",
        Table::FundFlow => "signcustomer",
    };
    let text = unzipped(alipay_archive(shop, kind).await).unwrap();
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let cells = |line: &str| line.split(',').map(str::to_owned).collect();
    Rows {
        headings: cells(lines.next().unwrap()),
        rows: lines.map(cells).collect(),
        text: text.clone(),
    }
}

async fn wechat_paid(shop: &Merchant, number: &str, total: i64) {
    shop.code_url(&shop.order(number, total)).await;
    shop.sim.pay(number).await.unwrap();
}

async fn wechat_refund(shop: &Merchant, number: &str, refund_no: &str, fen: i64, total: i64) {
    let refund = json!({"out_trade_no": number, "out_refund_no": refund_no,
        "amount": {"refund": fen, "total": total, "currency": "CNY"}});
    let answer = shop
        .wechat("POST", "/v3/refund/domestic/refunds", &refund.to_string())
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn alipay_paid(shop: &Merchant, number: &str, yuan: &str) {
    shop.alipay(PRECREATE, &bill(number, yuan)).await;
    shop.sim.pay(number).await.unwrap();
}

async fn alipay_refund(shop: &Merchant, number: &str, refund_no: &str, yuan: &str) {
    let refund = json!({"out_trade_no": number, "refund_amount": yuan, "out_request_no": refund_no});
    shop.alipay(REFUND, &refund).await;
}

#[tokio::test]
async fn the_fund_flow_of_wechat_equals_its_trades_to_the_fen() {
    let shop = Merchant::open().await;
    wechat_paid(&shop, "T00000001", 4_990).await;
    for (number, pay) in [("T00000002", true), ("T00000003", false)] {
        shop.code_url(&shop.order(number, 9_999)).await;
        if pay {
            shop.sim.pay_with_coupon(number, 1_000).await.unwrap();
        } else {
            shop.sim.pay_with_discount(number, 1_000).await.unwrap();
        }
    }
    for (number, total) in [("T00000001", 4_990), ("T00000002", 9_999), ("T00000003", 9_999)] {
        wechat_refund(&shop, number, &format!("R{number}"), 3_333, total).await;
    }
    shop.sim.advance(17 * HOUR_MS).await;

    let trades = wechat(&shop, Table::Trade).await;
    assert_eq!(trades.column("应结订单金额")[..3], ["49.90", "99.99", "89.99"]);
    assert_eq!(trades.column("代金券金额")[..3], ["0.00", "10.00", "0.00"]);
    assert_eq!(trades.column("手续费")[..3], ["0.30000", "0.60000", "0.54000"]);
    assert_eq!(trades.column("费率"), ["0.60%"; 6]);
    assert_eq!(trades.column("申请退款金额")[3..], ["33.33"; 3]);
    assert_eq!(trades.column("退款金额")[3..], ["33.33", "33.33", "29.99"]);
    assert_eq!(trades.column("充值券退款金额")[3..], ["0.00", "3.34", "0.00"]);
    assert_eq!(trades.column("手续费")[3..], ["-0.20000", "-0.20000", "-0.18000"]);
    let sums = "`6,`239.88,`96.65,`3.34,`0.86000,`249.88,`99.99\r\n";
    assert!(trades.text.ends_with(sums), "{}", trades.text);

    let flows = wechat(&shop, Table::FundFlow).await;
    let moved: i64 = (0..flows.rows.len())
        .map(|row| {
            let fen = fen(flows.cell(row, "收支金额（元）"));
            if flows.cell(row, "收支类型") == "收入" {
                fen
            } else {
                -fen
            }
        })
        .sum();
    let settled = trades.sum("应结订单金额") - trades.sum("退款金额") - trades.sum("手续费");
    assert_eq!(moved, settled);
    assert!(
        flows.text.contains("`退款总金额33.33元;含手续费0.20元,`"),
        "{}",
        flows.text
    );
}

#[tokio::test]
async fn the_account_of_alipay_equals_its_trades_to_the_fen() {
    let shop = Merchant::open().await;
    alipay_paid(&shop, "A1", "49.90").await;
    shop.alipay(PRECREATE, &bill("A2", "99.99")).await;
    shop.sim.pay_with_discount("A2", 1_000).await.unwrap();
    alipay_refund(&shop, "A1", "R1", "9.90").await;
    let kept = control(
        &shop,
        "/merchant",
        &json!({"alipayReturnsFees": true, "alipayFeeRate": 38}),
    )
    .await;
    assert_eq!(
        (&kept["alipayFeeRate"], &kept["wechatFeeRate"]),
        (&json!(38), &json!(60))
    );
    alipay_refund(&shop, "A2", "R2", "99.99").await;
    alipay_paid(&shop, "A3", "100.00").await;
    shop.sim.advance(17 * HOUR_MS).await;

    let trades = alipay(&shop, Table::Trade).await;
    assert_eq!(
        trades.column("订单金额（元）"),
        ["49.90", "-9.90", "99.99", "-99.99", "100.00"]
    );
    assert_eq!(
        trades.column("商家实收（元）"),
        ["49.90", "-9.90", "89.99", "-89.99", "100.00"]
    );
    assert_eq!(
        trades.column("商家优惠（元）"),
        ["0.00", "0.00", "10.00", "-10.00", "0.00"]
    );
    assert_eq!(
        trades.column("服务费（元）"),
        ["-0.30", "0.00", "-0.54", "0.54", "-0.38"]
    );
    let said = "#交易合计：3笔，商家实收共239.89元，商家优惠共10.00元\r\n#退款合计：2笔，商家实收退款共-99.89元，商家优惠退款共-10.00元";
    assert!(trades.text.contains(said), "{}", trades.text);

    let flows = alipay(&shop, Table::FundFlow).await;
    let moved = flows.sum("收入金额（+元）") + flows.sum("支出金额（-元）");
    assert_eq!(moved, trades.sum("商家实收（元）") + trades.sum("服务费（元）"));
    let closing = flows.cell(flows.rows.len() - 1, "账户余额（元）");
    assert_eq!(
        fen(closing),
        100_000_000 + moved,
        "the day begins with the balance before it"
    );
    assert!(
        flows
            .text
            .contains("#支出合计：5笔，共-101.11元\r\n#收入合计：4笔，共240.43元"),
        "{}",
        flows.text
    );
}

#[tokio::test]
async fn titles_do_not_move_a_cell_and_what_gbk_lacks_is_a_question_mark() {
    let shop = Merchant::open().await;
    let mut order = bill("A1", "1.00");
    order["subject"] = "\"月卡, 年卡\u{200b}".into();
    shop.alipay(PRECREATE, &order).await;
    shop.sim.pay("A1").await.unwrap();
    alipay_paid(&shop, "A2", "2.00").await;
    shop.sim.advance(17 * HOUR_MS).await;
    let trades = alipay(&shop, Table::Trade).await;
    assert_eq!(trades.cell(0, "商品名称"), "\"月卡， 年卡?");
    assert_eq!(trades.column("订单金额（元）"), ["1.00", "2.00"]);
}

#[tokio::test]
async fn a_wechat_statement_shows_refunds_as_they_were_when_it_was_made() {
    let shop = Merchant::open().await;
    wechat_paid(&shop, "T00000001", 10_000).await;
    shop.sim.set_refund_delay_ms(48 * HOUR_MS);
    wechat_refund(&shop, "T00000001", "R1", 10_000, 10_000).await;
    shop.sim.advance(72 * HOUR_MS).await;
    assert_eq!(shop.sim.books().refund("R1").unwrap().state, "SUCCESS");
    let trades = wechat(&shop, Table::Trade).await;
    assert_eq!(trades.cell(1, "退款状态"), "PROCESSING");
}

async fn control(shop: &Merchant, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", shop.sim.control_url());
    let answer = Answer::read(shop.client.post(url).body(body.to_string()).send().await.unwrap()).await;
    assert_eq!(answer.status, 200, "{body} {answer:?}");
    answer.json()
}

/// A shop with two payments and a refund at each gateway, on the morning after.
async fn busy_shop() -> Merchant {
    let shop = Merchant::open().await;
    wechat_paid(&shop, "T00000001", 10_000).await;
    wechat_paid(&shop, "T00000002", 20_000).await;
    wechat_refund(&shop, "T00000002", "RW1", 5_000, 20_000).await;
    alipay_paid(&shop, "A1", "100.00").await;
    alipay_paid(&shop, "A2", "200.00").await;
    alipay_refund(&shop, "A2", "RA1", "50.00").await;
    shop.sim.advance(17 * HOUR_MS).await;
    shop
}

#[tokio::test]
async fn every_planted_difference_is_in_both_statements_of_wechat() {
    let shop = busy_shop().await;
    // Listed trades, their settled sum, refunds and fees; and the sum of the fund flow.
    for (plant, n_rows, [settled, refunded, fees], moved) in [
        (
            Plant::of_trade(PlantKind::Omit, "T00000001"),
            2,
            [20_000, 5_000, 90],
            14_910,
        ),
        (
            Plant::of_trade(PlantKind::Amount, "T00000001").by(1_000),
            3,
            [31_000, 5_000, 156],
            25_844,
        ),
        (
            Plant::of_trade(PlantKind::Fee, "T00000001"),
            3,
            [30_000, 5_000, 151],
            24_849,
        ),
        (
            Plant::of_trade(PlantKind::Fee, "T00000001").only_in(Table::FundFlow),
            3,
            [30_000, 5_000, 150],
            24_849,
        ),
        (
            Plant::of_trade(PlantKind::Duplicate, "T00000001"),
            4,
            [40_000, 5_000, 210],
            34_790,
        ),
        (
            Plant::of_trade(PlantKind::Invent, "T00000001"),
            4,
            [40_000, 5_000, 210],
            34_790,
        ),
        (
            Plant::of_refund(PlantKind::Omit, "RW1"),
            2,
            [30_000, 0, 180],
            29_820,
        ),
        (
            Plant::of_refund(PlantKind::Amount, "RW1"),
            3,
            [30_000, 5_001, 150],
            24_849,
        ),
        // The money of a failed refund comes back.
        (
            Plant::of_refund(PlantKind::Status, "RW1"),
            3,
            [30_000, 5_000, 150],
            29_820,
        ),
        (
            Plant::foreign(Gateway::Wechat, DAY, 3),
            6,
            [30_300, 5_000, 153],
            25_147,
        ),
    ] {
        shop.sim.plant(plant.clone()).unwrap();
        let trades = wechat(&shop, Table::Trade).await;
        assert_eq!(trades.rows.len(), n_rows, "{plant:?}");
        let sums = ["应结订单金额", "退款金额", "手续费"].map(|heading| trades.sum(heading));
        assert_eq!(sums, [settled, refunded, fees], "{plant:?}");
        let flows = wechat(&shop, Table::FundFlow).await;
        let last = flows.rows.len() - 1;
        assert_eq!(
            fen(flows.cell(last, "账户结余（元）")) - 100_000_000,
            moved,
            "{plant:?}"
        );
        let mut numbers = flows.column("资金流水单号");
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), flows.rows.len(), "{plant:?}");
        shop.sim.clear_plants();
    }
    assert_eq!(wechat(&shop, Table::Trade).await.rows.len(), 3);
}

#[tokio::test]
async fn every_planted_difference_is_in_both_statements_of_alipay() {
    let shop = busy_shop().await;
    for (plant, n_rows, [settled, fees]) in [
        (Plant::of_trade(PlantKind::Omit, "A1"), 2, [15_000, -120]),
        (
            Plant::of_trade(PlantKind::Amount, "A1").by(-1_000),
            3,
            [24_000, -174],
        ),
        (Plant::of_trade(PlantKind::Fee, "A1").by(2), 3, [25_000, -182]),
        (Plant::of_trade(PlantKind::Duplicate, "A1"), 4, [35_000, -240]),
        (Plant::of_trade(PlantKind::Invent, "A1"), 4, [35_000, -240]),
        (Plant::of_refund(PlantKind::Omit, "RA1"), 2, [30_000, -180]),
        (Plant::of_refund(PlantKind::Status, "RA1"), 2, [30_000, -180]),
        (Plant::of_refund(PlantKind::Invent, "RA1"), 4, [20_000, -180]),
        (
            Plant::foreign(Gateway::Alipay, DAY, 10).by(1_000),
            13,
            [35_000, -240],
        ),
    ] {
        shop.sim.plant(plant.clone()).unwrap();
        let trades = alipay(&shop, Table::Trade).await;
        assert_eq!(trades.rows.len(), n_rows, "{plant:?}");
        let sums = ["商家实收（元）", "服务费（元）"].map(|heading| trades.sum(heading));
        assert_eq!(sums, [settled, fees], "{plant:?}");
        let flows = alipay(&shop, Table::FundFlow).await;
        let moved = flows.sum("收入金额（+元）") + flows.sum("支出金额（-元）");
        assert_eq!(moved, settled + fees, "{plant:?}");
        shop.sim.clear_plants();
    }
}

#[tokio::test]
async fn differences_are_planted_over_http_and_refused_when_they_could_never_show() {
    let shop = busy_shop().await;
    let planted = json!({"statements": [{"kind": "omit", "outTradeNo": "T00000001"},
        {"kind": "fee", "refundNo": "RA1", "fen": 2, "table": "fundFlow"}]});
    assert_eq!(control(&shop, "/statements", &planted).await, planted);
    assert_eq!(wechat(&shop, Table::Trade).await.rows.len(), 2);
    for wrong in [
        json!({"kind": "omit"}),
        json!({"kind": "omit", "outTradeNo": "T9"}),
        json!({"kind": "omit", "outTradeNo": "T00000001", "fen": 1}),
        json!({"kind": "status", "outTradeNo": "T00000001"}),
        json!({"kind": "duplicate", "refundNo": "RW1"}),
        json!({"kind": "amount", "refundNo": "RW1", "fen": 0}),
        json!({"kind": "foreign", "day": DAY}),
        json!({"kind": "foreign", "gateway": "wechat", "day": "yesterday"}),
        json!({"kind": "foreign", "gateway": "wechat", "day": DAY, "outTradeNo": "T00000001"}),
        json!({"kind": "swap", "outTradeNo": "T00000001"}),
        json!({"statements": [{"kind": "omit", "outTradeNo": "A1"}, {"kind": "omit", "outTradeNo": "A9"}]}),
    ] {
        let url = format!("{}/statements", shop.sim.control_url());
        let answer = shop
            .client
            .post(url)
            .body(wrong.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 422, "{wrong}");
    }
    let url = format!("{}/statements", shop.sim.control_url());
    let left = Answer::read(shop.client.delete(url).send().await.unwrap()).await;
    assert_eq!(left.json(), json!({"statements": []}));
}

#[tokio::test]
async fn a_file_is_late_missing_damaged_cut_off_or_anothers_on_demand() {
    let shop = busy_shop().await;
    let set = |kind| {
        shop.sim
            .faults(Faults::none().with(Fault::new(kind).at(Endpoint::Bill)))
    };
    let trade = format!("/v3/bill/tradebill?bill_date={DAY}&tar_type=GZIP");
    for (kind, code) in [
        (FaultKind::BillNotReady, "STATEMENT_CREATING"),
        (FaultKind::BillMissing, "NO_STATEMENT_EXIST"),
        (FaultKind::BillOfOtherDay, "NO_STATEMENT_EXIST"),
    ] {
        set(kind);
        assert_eq!(shop.wechat("GET", &trade, "").await.code(), code, "{kind:?}");
    }
    let asked = json!({"bill_type": "trade", "bill_date": DAY});
    set(FaultKind::BillNotReady);
    let late = shop.alipay_at(ALIPAY_BILL, &asked, NEXT_MORNING).await;
    assert_eq!(late["sub_code"], "BILL_NOT_EXIST");
    for kind in [FaultKind::BillMissing, FaultKind::BillOfOtherDay] {
        set(kind);
        let empty = shop.alipay_at(ALIPAY_BILL, &asked, NEXT_MORNING).await;
        assert_eq!(empty["bill_file_code"], "EMPTY_DATA_WITH_BILL_FILE", "{kind:?}");
    }
    set(FaultKind::BillWrongHash);
    let (wrong, _) = wechat_file(&shop, &trade).await;
    shop.sim.faults(Faults::none());
    let (right, whole) = wechat_file(&shop, &trade).await;
    assert_ne!(wrong["hash_value"], right["hash_value"]);
    set(FaultKind::BillDamaged);
    let (hash, damaged) = wechat_file(&shop, &trade).await;
    assert_eq!(hash["hash_value"], right["hash_value"]);
    assert_ne!(damaged.body, whole.body);
    assert!(unzipped(alipay_archive(&shop, "trade").await).is_err());
    set(FaultKind::BillCutOff);
    assert!(!wechat(&shop, Table::Trade).await.text.contains("总交易单数"));
    let cut = unzipped(alipay_archive(&shop, "trade").await).unwrap();
    assert!(cut.contains("支付宝交易号") && !cut.contains("交易合计"));
    set(FaultKind::BillOfOther);
    let others = wechat(&shop, Table::Trade).await;
    assert_ne!(others.cell(0, "商户号"), shop.credentials().wechat_mch_id);
    let text = unzipped(alipay_archive(&shop, "trade").await).unwrap();
    assert!(text.contains("#账号：[") && !text.contains(&shop.credentials().alipay_seller_id));
}

#[tokio::test]
async fn money_moves_without_a_word_to_the_merchant() {
    let shop = Merchant::open().await;
    shop.code_url(&shop.order("T00000001", 10_000)).await;
    shop.sim.pay_silently("T00000001").await.unwrap();
    shop.alipay(PRECREATE, &bill("A1", "100.00")).await;
    control(&shop, "/pay", &json!({"outTradeNo": "A1", "silent": true})).await;
    let back = control(
        &shop,
        "/refund-by-hand",
        &json!({"outTradeNo": "T00000001", "fen": 4_000}),
    )
    .await;
    assert_eq!(
        (&back["fen"], &back["outTradeNo"]),
        (&json!(4_000), &json!("T00000001"))
    );
    shop.sim.advance(17 * HOUR_MS).await;
    assert_eq!(shop.inbox.count(), 0);
    let trades = wechat(&shop, Table::Trade).await;
    assert_eq!(trades.cell(1, "商户退款单号"), back["refundNo"].as_str().unwrap());
    assert_eq!(
        alipay(&shop, Table::Trade).await.column("订单金额（元）"),
        ["100.00"]
    );
    let by_hand = shop.sim.refund_by_hand("A1", None).await.unwrap();
    assert_eq!(shop.sim.books().refund(&by_hand).unwrap().fen, 10_000);
    assert!(shop.sim.refund_by_hand("A1", None).await.is_err());
}
