//! WeChat bills: a signed answer gives the hash of an unsigned file (docs/gateway-facts.md 1.6.6).

use std::io::{BufReader, Read};

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use chrono::NaiveDate;
use domain::hex_digits;
use flate2::read::GzDecoder;
use http::header::ACCEPT;
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use url::Url;

use super::super::GatewayError;
use super::super::bill::{
    BillDay, BillError, BillKind, FundLine, FundPart, LineReader, MOST_TEXT_BYTES, RefundLine, TakeFund,
    TakeTrade, TradeKind, TradeLine, amount_of, fee_of, is_gzip, rate_of,
};
use super::Wechat;
use super::call::WechatAnswer;
use super::refusal::Refusal;
use super::table::{Columns, read_columns, read_rows};
use crate::calendar::parse_beijing;

const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");
const NO_TIME: &str = "it has an invalid time";
const TRADE_SUMS: &str = "总交易单数";
const FUND_SUMS: &str = "资金流水总笔数";

#[derive(Deserialize)]
struct Link {
    hash_type: String,
    hash_value: String,
    download_url: String,
}

impl Wechat {
    /// Downloads a bill, packed. The hash is that of the text, whether or not it was compressed (T-47).
    pub(in super::super) async fn download_bill(
        &self,
        day: NaiveDate,
        kind: BillKind,
    ) -> Result<Vec<u8>, BillError> {
        let path = match kind {
            BillKind::Trade => format!("v3/bill/tradebill?bill_date={day}&bill_type=ALL&tar_type=GZIP"),
            BillKind::FundFlow => {
                format!("v3/bill/fundflowbill?bill_date={day}&account_type=BASIC&tar_type=GZIP")
            }
        };
        let answer = self.send(Method::GET, &path, "").await?;
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
        if is_hash_of(&link, &answer.body).map_err(BillError::Unreadable)? {
            Ok(answer.body)
        } else {
            Err(BillError::Unreadable(
                "it is not the file whose hash was promised",
            ))
        }
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

/// Unpacks GZIP while it is read; plain text is returned as it is.
fn unpack_file(file: &[u8]) -> Box<dyn Read + '_> {
    if is_gzip(file) {
        Box::new(GzDecoder::new(file).take(MOST_TEXT_BYTES))
    } else {
        Box::new(file)
    }
}

fn lines_of(file: &[u8]) -> LineReader<BufReader<Box<dyn Read + '_>>> {
    LineReader::new(BufReader::new(unpack_file(file)))
}

fn is_hash_of(link: &Link, file: &[u8]) -> Result<bool, &'static str> {
    let mut text = unpack_file(file);
    let mut hash = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    let mut part = vec![0; 64 * 1024];
    loop {
        let n_read = text.read(&mut part).map_err(|_| "it cannot be unpacked")?;
        if n_read == 0 {
            break;
        }
        hash.update(&part[..n_read]);
    }
    let hex = hex_digits(hash.finish().as_ref());
    Ok(link.hash_type.eq_ignore_ascii_case("SHA1") && link.hash_value.eq_ignore_ascii_case(&hex))
}

/// Tells which of WeChat's statements a file is.
pub fn detect_bill(file: &[u8]) -> Option<BillKind> {
    let columns = read_columns(&mut lines_of(file), "").ok()?;
    if columns.find(["微信订单号", "交易状态"]).is_ok() {
        Some(BillKind::Trade)
    } else if columns.find(["微信支付业务单号", "收支类型"]).is_ok() {
        Some(BillKind::FundFlow)
    } else {
        None
    }
}

/// Columns of a trade bill. Old merchants have older headings.
struct TradeColumns {
    at: usize,
    transaction_id: usize,
    payment_no: usize,
    state: usize,
    currency: usize,
    merchant: Option<usize>,
    amount: usize,
    settled: Option<usize>,
    refund_no: usize,
    refund_id: Option<usize>,
    refunded: usize,
    refund_settled: Option<usize>,
    refund_state: usize,
    fee: Option<usize>,
    rate: Option<usize>,
}

impl TradeColumns {
    fn find(columns: &Columns) -> Result<TradeColumns, &'static str> {
        let [at, transaction_id, payment_no, state, currency] =
            columns.find(["交易时间", "微信订单号", "商户订单号", "交易状态", "货币种类"])?;
        let maybe = |name| columns.first(&[name]).ok();
        Ok(TradeColumns {
            at,
            transaction_id,
            payment_no,
            state,
            currency,
            merchant: maybe("商户号"),
            amount: columns.first(&["订单金额", "总金额", "应结订单金额"])?,
            settled: maybe("应结订单金额"),
            refund_no: columns.first(&["商户退款单号"])?,
            refund_id: maybe("微信退款单号"),
            refunded: columns.first(&["申请退款金额", "退款金额"])?,
            refund_settled: maybe("退款金额"),
            refund_state: columns.first(&["退款状态"])?,
            fee: maybe("手续费"),
            rate: maybe("费率"),
        })
    }

    fn line(&self, row: &[&str]) -> Result<TradeLine, &'static str> {
        if row[self.currency] != "CNY" {
            return Err("it has a trade in another currency");
        }
        let (kind, amount, settled) = match row[self.state] {
            "SUCCESS" => (TradeKind::Payment, self.amount, self.settled),
            "REFUND" | "REVOKED" => (self.refund(row)?, self.refunded, self.refund_settled),
            _ => return Err("it has a trade in a state that we do not know"),
        };
        let amount = amount_of(row[amount])?.ok_or("it has a trade of nothing")?;
        let settled = match settled {
            Some(place) => amount_of(row[place])?.unwrap_or_default(),
            None => amount,
        };
        Ok(TradeLine {
            kind,
            payment_no: row[self.payment_no].to_owned(),
            transaction_id: row[self.transaction_id].to_owned(),
            amount,
            settled,
            fee: self
                .fee
                .map_or(Ok(domain::Money::ZERO), |place| fee_of(row[place]))?,
            rate: self.rate.and_then(|place| rate_of(row[place])),
            at: parse_beijing(row[self.at]).ok_or(NO_TIME)?,
        })
    }

    fn refund(&self, row: &[&str]) -> Result<TradeKind, &'static str> {
        let state = match row[self.refund_state] {
            "SUCCESS" => RefundLine::Done,
            "PROCESSING" | "CHANGE" => RefundLine::InProgress,
            "FAIL" => RefundLine::Failed,
            _ => return Err("it has a refund in a state that we do not know"),
        };
        Ok(TradeKind::Refund {
            refund_no: row[self.refund_no].to_owned(),
            gateway_refund_id: self.refund_id.map(|place| row[place].to_owned()),
            state,
        })
    }
}

/// Reads a trade bill of type ALL. A refunded payment keeps its row; the refund has its own.
pub fn read_trades(
    file: &[u8],
    merchant: &str,
    day: BillDay,
    take: TakeTrade<'_>,
) -> Result<(), &'static str> {
    let mut lines = lines_of(file);
    // The only cell with customers' text; `attach` (商户数据包) we never send.
    let columns = read_columns(&mut lines, "商品名称")?;
    let places = TradeColumns::find(&columns)?;
    read_rows(&mut lines, &columns, TRADE_SUMS, |row| {
        if places.merchant.is_some_and(|place| row[place] != merchant) {
            return Err("it is the statement of another merchant");
        }
        let line = places.line(row)?;
        day.require(line.at)?;
        take(line);
        Ok(())
    })
}

/// Reads a fund bill of the account BASIC. It names no merchant.
pub fn read_funds(file: &[u8], day: BillDay, take: TakeFund<'_>) -> Result<(), &'static str> {
    let mut lines = lines_of(file);
    let columns = read_columns(&mut lines, "备注")?;
    let [at, business_no, flow_no, name, direction, amount, remark, voucher] = columns.find([
        "记账时间",
        "微信支付业务单号",
        "资金流水单号",
        "业务名称",
        "收支类型",
        "收支金额",
        "备注",
        "业务凭证号",
    ])?;
    read_rows(&mut lines, &columns, FUND_SUMS, |row| {
        let is_income = match row[direction] {
            "收入" => true,
            "支出" => false,
            _ => return Err("it has a movement that is neither income nor expense"),
        };
        let Some(amount) = amount_of(row[amount])? else {
            return Ok(());
        };
        let part = part_of(row[name]);
        let at = parse_beijing(row[at]).ok_or(NO_TIME)?;
        day.require(at)?;
        take(FundLine {
            part,
            flow_no: row[flow_no].to_owned(),
            business_no: row[business_no].to_owned(),
            refund_no: (part == FundPart::Refund).then(|| row[voucher].to_owned()),
            is_income,
            amount,
            fee_inside: fee_in(row[remark])?,
            at,
        });
        Ok(())
    })
}

fn part_of(name: &str) -> FundPart {
    match name {
        "交易" => FundPart::Payment,
        "退款" => FundPart::Refund,
        "扣除交易手续费" => FundPart::Fee,
        _ => FundPart::Other,
    }
}

/// Fee given back, in the remark of a refund: `退款总金额9.90元;含手续费0.06元`.
fn fee_in(remark: &str) -> Result<Option<domain::Money>, &'static str> {
    let fee = remark
        .split_once("含手续费")
        .and_then(|(_, rest)| rest.split_once('元'));
    fee.map(|(fee, _)| fee_of(fee)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,\
        付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,\
        商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注";
    const ALL_SUMMARY: &str =
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

    fn day(date: &str) -> BillDay {
        BillDay::of(date.parse().unwrap()).unwrap()
    }

    fn trades(text: &str) -> Result<Vec<TradeLine>, &'static str> {
        let mut lines = Vec::new();
        read_trades(text.as_bytes(), "1900000109", day("2014-11-10"), &mut |line| {
            lines.push(line)
        })?;
        Ok(lines)
    }

    fn funds(text: &str) -> Result<Vec<FundLine>, &'static str> {
        let mut lines = Vec::new();
        read_funds(text.as_bytes(), day("2018-02-01"), &mut |line| lines.push(line))?;
        Ok(lines)
    }

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
            cells.iter().find(|(of, _)| *of == name).map_or(
                if name == "商户号" { "1900000109" } else { "0" },
                |(_, cell)| *cell,
            )
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
            let lines = trades(&text).unwrap();
            assert_eq!(lines.len(), 2, "{name}");
            assert_eq!(lines[0].kind, TradeKind::Payment);
            assert_eq!(lines[0].amount.fen(), 4990, "{name}");
            assert_eq!(lines[0].payment_no, "P1");
            assert_eq!(lines[0].at.millis(), 1_415_608_425_000);
            let TradeKind::Refund { refund_no, .. } = &lines[1].kind else {
                panic!("{name}")
            };
            assert_eq!(refund_no, "R1");
            assert_eq!(lines[1].amount.fen(), 1000);
        }
    }

    #[test]
    fn a_refund_keeps_the_state_of_the_hour_in_which_the_bill_was_made() {
        for (word, state) in [
            ("SUCCESS", RefundLine::Done),
            ("PROCESSING", RefundLine::InProgress),
            ("FAIL", RefundLine::Failed),
        ] {
            let lines = trades(&bill(&[&refund(word)])).unwrap();
            let TradeKind::Refund {
                state: found,
                gateway_refund_id,
                ..
            } = &lines[0].kind
            else {
                panic!("{word}")
            };
            assert_eq!((*found, gateway_refund_id.as_deref()), (state, Some("5030")));
        }
    }

    #[test]
    fn a_bill_of_another_day_or_merchant_is_refused() {
        let good = bill(&[&payment("x")]);
        assert!(trades(&good.replace("`2014-11-10 16", "`2014-11-11 16")).is_err());
        assert!(trades(&good.replace("`1900000109", "`1900000110")).is_err());
    }

    #[test]
    fn a_row_goes_on_after_a_line_end_in_a_title() {
        let lines = trades(&bill(&[&payment("月\r\n卡"), &refund("SUCCESS")])).unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].fee.fen(), lines[0].rate), (30, Some(6000)));
        assert_eq!((lines[0].settled.fen(), lines[1].settled.fen()), (4980, 998));
    }

    #[test]
    fn columns_are_found_by_their_names() {
        let text = "商户订单号,微信订单号,交易时间,货币种类,交易状态,商户退款单号,退款金额,退款状态,总金额,商品名称\n\
            `P1,`T1,`2014-11-10 16:33:45,`CNY,`SUCCESS,`,`0,`,`0.0100,`,\n总交易单数\n`1\n";
        let lines = trades(text).unwrap();
        assert_eq!((lines[0].payment_no.as_str(), lines[0].amount.fen()), ("P1", 1));
        assert!(trades(&text.replace("总金额", "总额")).is_err());
        assert!(trades(&text.replace("微信订单号", "商户订单号")).is_err());
    }

    #[test]
    fn a_truncated_or_malformed_bill_is_refused() {
        let good = bill(&[&payment("x"), &refund("SUCCESS")]);
        assert!(trades(&good).is_ok());
        for (end, _) in good.char_indices() {
            let cut = &good[..end];
            if !cut.contains("\n`2.0,") {
                assert!(trades(cut).is_err(), "{cut}");
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
            assert!(trades(&good.replace(from, to)).is_err(), "{from} {to}");
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
        let lines = funds(text).unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!((lines[0].is_income, lines[0].amount.fen()), (false, 2));
        assert_eq!((lines[1].is_income, lines[1].amount.fen()), (true, 1000));
        assert_eq!(lines[1].flow_no, "F2");
        assert!(funds(&text.replace("支出,", "借出,")).is_err());
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
        assert_eq!(is_hash_of(&link, &packed), Ok(true));
        assert_eq!(is_hash_of(&link, b"abc"), Ok(true));
        for end in 2..packed.len() {
            assert!(is_hash_of(&link, &packed[..end]).is_err(), "cut off after {end}");
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
        assert_eq!(is_hash_of(&link("SHA1", hash), b"abc"), Ok(true));
        assert_eq!(is_hash_of(&link("sha1", &hash.to_uppercase()), b"abc"), Ok(true));
        assert_eq!(is_hash_of(&link("SHA1", hash), b"abd"), Ok(false));
        assert_eq!(is_hash_of(&link("MD5", hash), b"abc"), Ok(false));
        assert_eq!(is_hash_of(&link("SHA1", ""), b""), Ok(false));
    }
}
