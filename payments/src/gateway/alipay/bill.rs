//! Alipay's bills: a download address valid for thirty seconds, and an archive of GBK tables (docs/gateway-facts.md
//! 2.5).

use std::io::{BufReader, Cursor, Read};

use chrono::NaiveDate;
use domain::{Money, Timestamp};
use encoding_rs::GBK;
use flate2::read::GzDecoder;
use http::{Method, StatusCode};
use reqwest::Request;
use url::Url;
use zip::ZipArchive;

use super::super::GatewayError;
use super::super::bill::{
    BillDay, BillError, BillKind, FundLine, FundPart, LineReader, MOST_TEXT_BYTES, RefundLine, TakeFund,
    TakeTrade, TradeKind, TradeLine, amount_of, fee_of, is_gzip, is_zip,
};
use super::table::{Columns, Total, read_columns, read_rows};
use super::wire::{BillQuery, success_of};
use super::{Alipay, to_json};
use crate::calendar::parse_beijing;

const QUERY_BILL: &str = "alipay.data.dataservice.bill.downloadurl.query";
/// A bill has two tables: the rows and their totals.
const MOST_FILES: usize = 16;
const NOT_ONE: &str = "it is not an archive";
const NO_TABLE: &str = "it lacks the table of single movements";
const TRADES: &str = "业务明细";
const FUNDS: &str = "账务明细";

impl Alipay {
    /// Downloads the archive of a bill.
    pub(in super::super) async fn download_bill(
        &self,
        day: NaiveDate,
        kind: BillKind,
    ) -> Result<Vec<u8>, BillError> {
        let query = to_json(&BillQuery {
            bill_type: match kind {
                BillKind::Trade => "trade",
                BillKind::FundFlow => "signcustomer",
            },
            bill_date: &day.format("%Y-%m-%d").to_string(),
        });
        let sent = self.send(QUERY_BILL, &query).await?;
        let node = self.verified(QUERY_BILL, &sent).await?;
        let answer = success_of(&node, None).map_err(|error| match &error {
            GatewayError::Declined {
                code,
                is_authentic: true,
                ..
            } if code == "NO_BILL_DATA" => BillError::Empty,
            GatewayError::Declined { code, .. } if code.eq_ignore_ascii_case("BILL_NOT_EXIST") => {
                BillError::NotReady
            }
            _ => error.into(),
        })?;
        if answer.bill_file_code.as_deref() == Some("EMPTY_DATA_WITH_BILL_FILE") {
            return Err(BillError::Empty);
        }
        let url = answer
            .bill_download_url
            .0
            .ok_or_else(|| GatewayError::unknown("an answer without a bill"))?;
        let url = self.bill_address(&url)?;
        let answer = self.transport.download(Request::new(Method::GET, url)).await?;
        if answer.status != StatusCode::OK {
            return Err(GatewayError::unknown(format!("status {}", answer.status.as_u16())).into());
        }
        if is_zip(&answer.body) {
            Ok(answer.body)
        } else {
            Err(BillError::Unreadable(NOT_ONE))
        }
    }

    /// Parses the download address. It is signed by Alipay and must still be on an Alipay host: a signature over
    /// another address must not make us call hosts of our own network. `http` becomes `https`, because neither a hash
    /// nor a signature protects the file in transit.
    fn bill_address(&self, text: &str) -> Result<Url, BillError> {
        let is_alipays = |url: &Url| {
            let host = url.host_str().unwrap_or_default();
            [".alipay.com", ".alipaydev.com"]
                .iter()
                .any(|domain| host.ends_with(domain))
        };
        let secured = |mut url: Url| {
            if url.scheme() == "http" {
                url.set_scheme("https").ok()?;
            }
            (url.scheme() == "https" && url.port().is_none()).then_some(url)
        };
        let address = match Url::parse(text) {
            Ok(url) if url.origin() == self.gateway.origin() => Some(url),
            Ok(url) if is_alipays(&url) => secured(url),
            _ => None,
        };
        address.ok_or(BillError::Unreadable(
            "its address is not on a host of the gateway",
        ))
    }
}

/// Reads one table of a file: of the archive, of GZIP, or of text as a person saved it.
fn with_table<T>(
    file: &[u8],
    table: &str,
    read: impl FnOnce(&mut LineReader<BufReader<Box<dyn Read + '_>>>) -> Result<T, &'static str>,
) -> Result<T, &'static str> {
    if !is_zip(file) {
        let text: Box<dyn Read + '_> = if is_gzip(file) {
            Box::new(GzDecoder::new(file).take(MOST_TEXT_BYTES))
        } else {
            Box::new(file)
        };
        return read(&mut LineReader::new(BufReader::new(text)));
    }
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|_| NOT_ONE)?;
    if archive.len() > MOST_FILES {
        return Err("it has too many files");
    }
    let ending = format!("_{table}.csv");
    let place = (0..archive.len()).find(|place| {
        // File names are GBK, though the archive does not say so.
        archive
            .by_index_raw(*place)
            .is_ok_and(|file| GBK.decode(file.name_raw()).0.ends_with(&ending))
    });
    let table = archive.by_index(place.ok_or(NO_TABLE)?).map_err(|_| NOT_ONE)?;
    let text: Box<dyn Read + '_> = Box::new(table.take(MOST_TEXT_BYTES));
    read(&mut LineReader::new(BufReader::new(text)))
}

/// Tells which of Alipay's statements a file is.
pub fn detect_bill(file: &[u8]) -> Option<BillKind> {
    let has = |table: &str, name: &str| {
        with_table(file, table, |lines| read_columns(lines, "", None)?.first(&[name])).is_ok()
    };
    if has(TRADES, "支付宝交易号") {
        Some(BillKind::Trade)
    } else if has(FUNDS, "账务流水号") {
        Some(BillKind::FundFlow)
    } else {
        None
    }
}

/// Columns of a trade bill.
struct TradeColumns {
    trade_no: usize,
    payment_no: usize,
    kind: usize,
    at: usize,
    amount: usize,
    settled: usize,
    refund_no: usize,
    fee: Option<usize>,
}

impl TradeColumns {
    fn find(columns: &Columns) -> Result<TradeColumns, &'static str> {
        let column = |name| columns.first(&[name]);
        Ok(TradeColumns {
            trade_no: column("支付宝交易号")?,
            payment_no: column("商户订单号")?,
            kind: column("业务类型")?,
            at: column("完成时间")?,
            amount: column("订单金额（元）")?,
            settled: columns.first(&["商家实收（元）", "订单金额（元）"])?,
            refund_no: column("退款批次号/请求号")?,
            fee: column("服务费（元）").ok(),
        })
    }

    fn line(&self, row: &[&str]) -> Result<TradeLine, &'static str> {
        let kind = match row[self.kind] {
            "交易" => TradeKind::Payment,
            // Only refunds that are done are listed.
            "退款" => TradeKind::Refund {
                refund_no: row[self.refund_no].to_owned(),
                gateway_refund_id: None,
                state: RefundLine::Done,
            },
            _ => return Err("it has a row of an unknown kind"),
        };
        Ok(TradeLine {
            kind,
            payment_no: row[self.payment_no].to_owned(),
            transaction_id: row[self.trade_no].to_owned(),
            amount: amount_of(row[self.amount])?.ok_or("it has a row without an amount")?,
            settled: amount_of(row[self.settled])?.unwrap_or_default(),
            fee: self.fee.map_or(Ok(Money::ZERO), |place| fee_of(row[place]))?,
            rate: None,
            at: time_of(row[self.at])?,
        })
    }
}

/// Sum of the rows of one kind, to be compared with the comment about them.
#[derive(Default)]
struct Tally {
    n: u64,
    fen: i64,
}

impl Tally {
    fn add(&mut self, amount: Money) {
        self.n += 1;
        self.fen += amount.fen();
    }

    fn total(&self) -> Total {
        Total {
            n: self.n,
            sum: Money::from_sum(self.fen).unwrap_or_default(),
        }
    }
}

/// Reads a trade bill: an archive, or its table.
pub fn read_trades(
    file: &[u8],
    seller_id: Option<&str>,
    day: BillDay,
    take: TakeTrade<'_>,
) -> Result<(), &'static str> {
    with_table(file, TRADES, |lines| {
        let columns = read_columns(lines, "商品名称", seller_id)?;
        let places = TradeColumns::find(&columns)?;
        let (mut paid, mut refunded) = (Tally::default(), Tally::default());
        let comments = read_rows(lines, &columns, |row| {
            let line = places.line(row)?;
            day.require(line.at)?;
            match line.kind {
                TradeKind::Payment => paid.add(line.settled),
                TradeKind::Refund { .. } => refunded.add(line.settled),
            }
            take(line);
            Ok(())
        })?;
        comments.require("交易合计", paid.total())?;
        comments.require("退款合计", refunded.total())
    })
}

/// Reads a fund bill: an archive, or its table.
pub fn read_funds(
    file: &[u8],
    seller_id: Option<&str>,
    day: BillDay,
    take: TakeFund<'_>,
) -> Result<(), &'static str> {
    with_table(file, FUNDS, |lines| {
        let columns = read_columns(lines, "商品名称", seller_id)?;
        let column = |name| columns.first(&[name]);
        let (flow_no, business_no, at) = (column("账务流水号")?, column("业务流水号")?, column("发生时间")?);
        let (income, expense) = (column("收入金额（+元）")?, column("支出金额（-元）")?);
        let (kind, remark) = (column("业务类型")?, column("备注")?);
        let (mut came, mut went) = (Tally::default(), Tally::default());
        let comments = read_rows(lines, &columns, |row| {
            let (is_income, amount) = match (amount_of(row[income])?, amount_of(row[expense])?) {
                (Some(amount), None) => (true, amount),
                (None, Some(amount)) => (false, amount),
                _ => return Err("it has a row that is neither income nor expense"),
            };
            if is_income {
                came.add(amount)
            } else {
                went.add(amount)
            }
            let line = FundLine {
                part: part_of(row[kind]),
                flow_no: row[flow_no].to_owned(),
                business_no: row[business_no].to_owned(),
                refund_no: Some(row[remark].to_owned()).filter(|number| !number.is_empty()),
                is_income,
                amount,
                fee_inside: None,
                at: time_of(row[at])?,
            };
            day.require(line.at)?;
            take(line);
            Ok(())
        })?;
        comments.require("支出合计", went.total())?;
        comments.require("收入合计", came.total())
    })
}

fn part_of(kind: &str) -> FundPart {
    match kind {
        "在线支付" => FundPart::Payment,
        "交易退款" => FundPart::Refund,
        "收费" | "退费" => FundPart::Fee,
        _ => FundPart::Other,
    }
}

fn time_of(text: &str) -> Result<Timestamp, &'static str> {
    parse_beijing(text).ok_or("it has an invalid time")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "支付宝交易号,商户订单号,业务类型,商品名称,完成时间,订单金额（元）,商家实收（元）,退款批次号/请求号,服务费（元）";

    fn table(rows: &[&str], totals: &str) -> String {
        format!(
            "#支付宝业务明细查询\r\n#账号：[20881234567890120156]\r\n{HEADING}\r\n{}\r\n#---业务明细列表结束---\r\n{totals}",
            rows.join("\r\n")
        )
    }

    fn read(text: &str) -> Result<Vec<TradeLine>, &'static str> {
        let date = NaiveDate::from_ymd_opt(2023, 11, 15).unwrap();
        let mut lines = Vec::new();
        let day = BillDay::of(date).unwrap();
        read_trades(text.as_bytes(), Some("2088123456789012"), day, &mut |line| {
            lines.push(line)
        })?;
        Ok(lines)
    }

    const TOTALS: &str = "#交易合计：2笔，商家实收共50.90元，商家优惠共0.00元\r\n#退款合计：1笔，商家实收退款共-10.00元，商家优惠退款共0.00元\r\n";
    const REFUND: &str = "2023111522001\t,P1\t,退款,月卡,2023-11-15 07:00:00,-10.00,-10.00,R1\t,0.06";

    #[test]
    fn t_47_a_title_moves_no_column_and_swallows_no_row() {
        for title in [
            "月卡",
            "\"月卡",
            "月卡,年卡",
            "\u{200b}月\t卡",
            "月\r\n卡",
            "\"",
            "#1",
            "",
        ] {
            let first = format!("2023111522001\t,P1\t,交易,{title},2023-11-15 06:14:58,49.90,49.90,,-0.30");
            let second = "2023111522002\t,P2\t,交易,x,2023-11-15 06:15:00,1.00,1.00,,-0.01";
            let lines = read(&table(&[&first, second, REFUND], TOTALS)).unwrap();
            assert_eq!(lines.len(), 3, "{title}");
            assert_eq!(lines[0].kind, TradeKind::Payment);
            assert_eq!(
                (lines[0].payment_no.as_str(), lines[0].amount.fen()),
                ("P1", 4990),
                "{title}"
            );
            assert_eq!((lines[0].fee.fen(), lines[2].fee.fen()), (30, 6));
            let TradeKind::Refund { refund_no, .. } = &lines[2].kind else {
                panic!("{title}")
            };
            assert_eq!((refund_no.as_str(), lines[2].amount.fen()), ("R1", 1000));
        }
    }

    #[test]
    fn a_bill_that_is_not_understood_is_not_used() {
        let good = "1,P1,交易,x,2023-11-15 06:14:58,50.90,50.90,,0.00";
        let totals = TOTALS.replace("2笔", "1笔");
        assert!(read(&table(&[good, REFUND], &totals)).is_ok());
        for (from, to) in [
            ("交易,x", "礼物,x"),
            ("2023-11-15 06", "yesterday"),
            ("2023-11-15 06", "2023-11-14 06"),
            ("50.90,50.90", "1.005,1"),
            ("#交易合计：1笔", "#交易合计：2笔"),
            ("商家实收共50.90元", "商家实收共50.91元"),
            ("#退款合计", "#退款"),
            ("业务明细列表结束", "业务明细列表"),
            ("[2088", "[2099"),
            ("商户订单号", "订单号"),
        ] {
            let text = table(&[good, REFUND], &totals).replace(from, to);
            assert!(read(&text).is_err(), "{from} {to}");
        }
        assert!(read("").is_err());
        assert!(with_table(b"PK", TRADES, |_| Ok(())).is_err());
    }
}
