//! WeChat bills: a signed answer gives the hash of an unsigned file (docs/gateway-facts.md 1.6.6).

use std::io::Read as _;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use chrono::NaiveDate;
use domain::{Money, hex_digits};
use flate2::read::GzDecoder;
use http::header::ACCEPT;
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::super::GatewayError;
use super::super::bill::{BillError, FundLine, TradeKind, TradeLine};
use super::Wechat;
use super::call::WechatAnswer;
use super::refusal::Refusal;
use super::table::Table;
use crate::calendar::parse_beijing;

const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");
/// Magic bytes of GZIP.
const GZIP: [u8; 2] = [0x1F, 0x8B];
/// Limits the unpacked size: a small file may unpack to anything.
const MOST_TEXT_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Deserialize)]
struct Link {
    hash_type: String,
    hash_value: String,
    download_url: String,
}

impl Wechat {
    pub(in super::super) async fn trade_bill(&self, day: NaiveDate) -> Result<Vec<TradeLine>, BillError> {
        let path = format!("v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP");
        let file = self.bill(&path).await?;
        read_trades(&file).map_err(BillError::Unreadable)
    }

    pub(in super::super) async fn fund_bill(&self, day: NaiveDate) -> Result<Vec<FundLine>, BillError> {
        let path = format!("v3/bill/fundflowbill?bill_date={day}&account_type=BASIC&tar_type=GZIP");
        let file = self.bill(&path).await?;
        read_funds(&file).map_err(BillError::Unreadable)
    }

    /// Downloads the text of a bill. The hash is that of the text, whether or not it was compressed (T-47).
    async fn bill(&self, path: &str) -> Result<String, BillError> {
        let answer = self.send(Method::GET, path, "").await?;
        let link = match self.judge(answer, true).await? {
            WechatAnswer::Yes(body) => serde_json::from_slice::<Link>(&body)
                .map_err(|_| GatewayError::unknown("an answer without a bill"))?,
            WechatAnswer::No(refusal) => return Err(no_bill(refusal)),
        };
        let url = self.own_address(&link.download_url)?;
        // The address is valid for thirty seconds and for one file, so it is used here and not stored.
        let mut request = self.signed(Method::GET, url, "");
        request.headers_mut().insert(ACCEPT, ANYTHING);
        let answer = self.transport.download(request).await?;
        if answer.status != StatusCode::OK {
            let refusal = Refusal::read(answer.status, &answer.body, false);
            return Err(refusal.meaning().into());
        }
        let text = unpacked(answer.body).map_err(BillError::Unreadable)?;
        if !is_hash_of(&link, &text) {
            return Err(BillError::Unreadable(
                "it is not the file whose hash was promised",
            ));
        }
        String::from_utf8(text).map_err(|_| BillError::Unreadable("it is not UTF-8"))
    }

    /// Refuses addresses of other hosts: an answer must not send our signature to another server.
    fn own_address(&self, text: &str) -> Result<Url, BillError> {
        Url::parse(text)
            .ok()
            .filter(|url| self.hosts.contains(&url.origin()))
            .ok_or(BillError::Unreadable(
                "its address is not on a host of the gateway",
            ))
    }
}

/// Classifies a refusal: "no bill" counts as an empty day only when it is signed.
fn no_bill(refusal: Refusal) -> BillError {
    if refusal.is("NOSTATEMENTEXIST") && refusal.is_authentic() {
        BillError::Empty
    } else if refusal.is("STATEMENTCREATING") {
        BillError::NotReady
    } else {
        refusal.meaning().into()
    }
}

/// Unpacks GZIP; plain text is returned as it is.
fn unpacked(file: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    if !file.starts_with(&GZIP) {
        return Ok(file);
    }
    let mut text = Vec::new();
    let unpacking = GzDecoder::new(file.as_slice())
        .take(MOST_TEXT_BYTES + 1)
        .read_to_end(&mut text);
    match unpacking {
        Ok(n_bytes) if u64::try_from(n_bytes).is_ok_and(|n| n <= MOST_TEXT_BYTES) => Ok(text),
        Ok(_) => Err("it is too long"),
        Err(_) => Err("it cannot be unpacked"),
    }
}

fn is_hash_of(link: &Link, file: &[u8]) -> bool {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, file);
    let hex = hex_digits(hash.as_ref());
    link.hash_type.eq_ignore_ascii_case("SHA1") && link.hash_value.eq_ignore_ascii_case(&hex)
}

/// Parses a trade bill of type ALL. A refunded payment keeps its row; the refund has its own.
pub fn read_trades(text: &str) -> Result<Vec<TradeLine>, &'static str> {
    // The only cell with customers' text; `attach` (商户数据包) we never send.
    let table = Table::read(text, "商品名称", "总交易单数")?;
    let [at, transaction_id, payment_no, state, currency] =
        table.columns(["交易时间", "微信订单号", "商户订单号", "交易状态", "货币种类"])?;
    // Old merchants have older headings.
    let paid = table.first_column(&["订单金额", "总金额", "应结订单金额"])?;
    let refund_no = table.first_column(&["商户退款单号"])?;
    let refunded = table.first_column(&["申请退款金额", "退款金额"])?;
    let refund_status = table.first_column(&["退款状态"])?;
    let mut lines = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let (kind, amount) = match row[state] {
            "SUCCESS" => (TradeKind::Payment, row[paid]),
            // No money moved.
            "REFUND" | "REVOKED" if row[refund_status] == "FAIL" => continue,
            "REFUND" | "REVOKED" => (
                TradeKind::Refund {
                    refund_no: row[refund_no].to_owned(),
                },
                row[refunded],
            ),
            _ => return Err("it has a trade in a state that we do not know"),
        };
        if row[currency] != "CNY" {
            return Err("it has a trade in another currency");
        }
        lines.push(TradeLine {
            kind,
            payment_no: row[payment_no].to_owned(),
            transaction_id: row[transaction_id].to_owned(),
            amount: amount_of(amount)?.ok_or("it has a trade of nothing")?,
            at: parse_beijing(row[at]).ok_or(NO_TIME)?,
        });
    }
    Ok(lines)
}

/// Parses a fund bill of the account BASIC.
pub fn read_funds(text: &str) -> Result<Vec<FundLine>, &'static str> {
    let table = Table::read(text, "备注", "资金流水总笔数")?;
    let [at, transaction_id, flow_no, direction, amount] = table.columns([
        "记账时间",
        "微信支付业务单号",
        "资金流水单号",
        "收支类型",
        "收支金额",
    ])?;
    let mut lines = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        let is_income = match row[direction] {
            "收入" => true,
            "支出" => false,
            _ => return Err("it has a movement that is neither income nor expense"),
        };
        let Some(amount) = amount_of(row[amount])? else {
            continue;
        };
        lines.push(FundLine {
            flow_no: row[flow_no].to_owned(),
            transaction_id: row[transaction_id].to_owned(),
            is_income,
            amount,
            at: parse_beijing(row[at]).ok_or(NO_TIME)?,
        });
    }
    Ok(lines)
}

const NO_TIME: &str = "it has an invalid time";

/// Parses yuan as in bills: the sign repeats the kind of the row, and zeros may follow the fen. `None`: the cell is empty.
fn amount_of(text: &str) -> Result<Option<Money>, &'static str> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let trimmed = match unsigned.split_once('.') {
        Some((yuan, fraction)) if !fraction.is_empty() => match fraction.trim_end_matches('0') {
            "" => yuan,
            _ => unsigned.trim_end_matches('0'),
        },
        _ => unsigned,
    };
    match Money::parse_yuan(trimmed) {
        Ok(money) => Ok(Some(money)),
        Err(domain::MoneyError::NotPositive) => Ok(None),
        Err(_) => Err("it has an invalid amount"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
        付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,\
        商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
    const ALL_SUMMARY: &str =
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

    fn bill(rows: &[&str]) -> String {
        let mut text = format!("\u{feff}{ALL}\r\n");
        for row in rows {
            text += &format!("{row}\r\n");
        }
        text + &format!(
            "{ALL_SUMMARY}\r\n`{}.0,`5.76,`1.42,`0.00,`0.01000,`5.76,`1.42\r\n",
            rows.len()
        )
    }

    fn row(cells: &[(&str, &str)]) -> String {
        let cell = |name: &str| {
            cells
                .iter()
                .find(|(of, _)| *of == name)
                .map_or("0", |(_, cell)| *cell)
        };
        let cells: Vec<String> = ALL.split(',').map(|name| format!("`{}", cell(name))).collect();
        cells.join(",")
    }

    fn payment(name: &str) -> String {
        row(&[
            ("交易时间", "2014-11-10 16:33:45"),
            ("微信订单号", "1001690740201411100005734289"),
            ("商户订单号", "P1"),
            ("交易状态", "SUCCESS"),
            ("货币种类", "CNY"),
            ("应结订单金额", "49.80"),
            ("代金券金额", "0.10"),
            ("商品名称", name),
            ("商户数据包", ""),
            ("手续费", "0.30000"),
            ("费率", "0.60%"),
            ("订单金额", "49.90"),
            ("申请退款金额", "0.00"),
        ])
    }

    fn refund(status: &str) -> String {
        row(&[
            ("交易时间", "2014-11-10 16:40:00"),
            ("微信订单号", "1001690740201411100005734289"),
            ("商户订单号", "P1"),
            ("交易状态", "REFUND"),
            ("货币种类", "CNY"),
            ("应结订单金额", "0.00"),
            ("微信退款单号", "5030"),
            ("商户退款单号", "R1"),
            ("退款金额", "9.98"),
            ("退款状态", status),
            ("商品名称", "x"),
            ("手续费", "-0.06000"),
            ("订单金额", "0.00"),
            ("申请退款金额", "10.00"),
        ])
    }

    #[test]
    fn t_47_no_name_of_a_product_moves_a_column() {
        for name in ["a,b", "a`b", "a,`b", ",`SUCCESS,`0,`0", "`,`,`", ""] {
            let text = bill(&[&payment(name), &refund("PROCESSING")]);
            let lines = read_trades(&text).unwrap();
            assert_eq!(lines.len(), 2, "{name}");
            assert_eq!(lines[0].kind, TradeKind::Payment);
            assert_eq!(lines[0].amount.fen(), 4990, "{name}");
            assert_eq!(lines[0].payment_no, "P1");
            assert_eq!(lines[0].at.millis(), 1_415_608_425_000);
            let refund_no = "R1".to_owned();
            assert_eq!(lines[1].kind, TradeKind::Refund { refund_no });
            assert_eq!(lines[1].amount.fen(), 1000);
        }
    }

    #[test]
    fn a_failed_refund_is_no_movement() {
        assert_eq!(read_trades(&bill(&[&refund("FAIL")])), Ok(vec![]));
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let text = "商户订单号,微信订单号,交易时间,货币种类,交易状态,商户退款单号,退款金额,退款状态,总金额,商品名称\n\
            `P1,`T1,`2014-11-10 16:33:45,`CNY,`SUCCESS,`,`0,`,`0.0100,`,\n总交易单数\n`1\n";
        let lines = read_trades(text).unwrap();
        assert_eq!((lines[0].payment_no.as_str(), lines[0].amount.fen()), ("P1", 1));
        assert!(read_trades(&text.replace("总金额", "总额")).is_err());
        assert!(read_trades(&text.replace("微信订单号", "商户订单号")).is_err());
    }

    #[test]
    fn a_truncated_or_malformed_bill_is_refused() {
        let good = bill(&[&payment("x"), &refund("SUCCESS")]);
        assert!(read_trades(&good).is_ok());
        for (end, _) in good.char_indices() {
            let cut = &good[..end];
            if !cut.contains("\n`2.0,") {
                assert!(read_trades(cut).is_err(), "{cut}");
            }
        }
        for (from, to) in [
            ("`2.0", "`3"),
            ("49.90", "49.901"),
            ("49.90", "x"),
            ("16:33:45", "25:33:45"),
            ("`CNY", "`USD"),
            ("`SUCCESS", "`PAID"),
            ("\r\n`2014", "\r\n2014"),
        ] {
            assert!(read_trades(&good.replace(from, to)).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn movements_have_a_direction() {
        let text = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,\
            资金变更提交申请人,备注,业务凭证号\r\n\
            `2018-02-01 04:21:23,`50000305742018020103387128253,`1900009231201802015884652186,`退款,`退款,`支出,`0.02,\
            `0.17,`system,`缺货,`退款,`REF4200000068201801293084726067\r\n\
            `2018-02-01 05:00:00,`T2,`F2,`交易,`交易,`收入,`10.00,`10.17,`system,`,`T2\r\n\
            `2018-02-01 05:00:00,`T2,`F3,`扣除交易手续费,`交易,`支出,`0.00,`10.17,`system,`,`T2\r\n\
            资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`3.0,`1.0,`10.00,`2.0,`0.02\r\n";
        let lines = read_funds(text).unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].is_income, lines[0].amount.fen()), (false, 2));
        assert_eq!((lines[1].is_income, lines[1].amount.fen()), (true, 1000));
        assert_eq!(lines[1].flow_no, "F2");
        assert!(read_funds(&text.replace("支出,", "借出,")).is_err());
    }

    #[test]
    fn t_47_the_hash_is_that_of_the_text_and_not_of_its_packing() {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(b"abc").unwrap();
        let packed = packer.finish().unwrap();
        let link = Link {
            hash_type: "SHA1".to_owned(),
            hash_value: "a9993e364706816aba3e25717850c26c9cd0d89d".to_owned(),
            download_url: String::new(),
        };
        assert!(!is_hash_of(&link, &packed));
        assert!(is_hash_of(&link, &unpacked(packed.clone()).unwrap()));
        assert!(is_hash_of(&link, &unpacked(b"abc".to_vec()).unwrap()));
        for end in 2..packed.len() {
            assert!(unpacked(packed[..end].to_vec()).is_err(), "cut off after {end}");
        }
    }

    #[test]
    fn only_the_promised_file_is_read() {
        let link = |hash_type: &str, hash_value: &str| Link {
            hash_type: hash_type.to_owned(),
            hash_value: hash_value.to_owned(),
            download_url: String::new(),
        };
        let hash = "a9993e364706816aba3e25717850c26c9cd0d89d";
        assert!(is_hash_of(&link("SHA1", hash), b"abc"));
        assert!(is_hash_of(&link("sha1", &hash.to_uppercase()), b"abc"));
        assert!(!is_hash_of(&link("SHA1", hash), b"abd"));
        assert!(!is_hash_of(&link("MD5", hash), b"abc"));
        assert!(!is_hash_of(&link("SHA1", ""), b""));
    }
}
