//! Alipay's bills: a download address valid for thirty seconds, and an archive of GBK tables (docs/gateway-facts.md
//! 2.5).

use std::io::{Cursor, Read as _};

use chrono::NaiveDate;
use domain::{Money, MoneyError, Timestamp};
use encoding_rs::GBK;
use http::{Method, StatusCode};
use reqwest::Request;
use url::Url;
use zip::ZipArchive;

use super::super::GatewayError;
use super::super::bill::{BillError, FundLine, TradeKind, TradeLine};
use super::wire::{BillQuery, success_of};
use super::{Alipay, json};
use crate::calendar::parse_beijing;

const QUERY_BILL: &str = "alipay.data.dataservice.bill.downloadurl.query";
/// A bill has two tables: the rows and their totals.
const MOST_FILES: usize = 16;
/// Limits the unpacked size: a small archive may unpack to anything.
const MOST_TABLE_BYTES: u64 = 256 * 1024 * 1024;

impl Alipay {
    pub(in super::super) async fn trade_bill(&self, day: NaiveDate) -> Result<Vec<TradeLine>, BillError> {
        let table = self.bill("trade", day, "业务明细").await?;
        read_trades(&table).map_err(BillError::Unreadable)
    }

    pub(in super::super) async fn fund_bill(&self, day: NaiveDate) -> Result<Vec<FundLine>, BillError> {
        let table = self.bill("signcustomer", day, "账务明细").await?;
        read_funds(&table).map_err(BillError::Unreadable)
    }

    async fn bill(&self, kind: &str, day: NaiveDate, table: &str) -> Result<String, BillError> {
        let query = json(&BillQuery {
            bill_type: kind,
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
        unpacked(&answer.body, table).map_err(BillError::Unreadable)
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

/// Reads the table of this name, in UTF-8.
fn unpacked(archive: &[u8], table: &str) -> Result<String, &'static str> {
    const NOT_ONE: &str = "it is not an archive";
    let mut archive = ZipArchive::new(Cursor::new(archive)).map_err(|_| NOT_ONE)?;
    if archive.len() > MOST_FILES {
        return Err("it has too many files");
    }
    let ending = format!("_{table}.csv");
    for place in 0..archive.len() {
        let file = archive.by_index(place).map_err(|_| NOT_ONE)?;
        // File names are GBK, though the archive does not say so.
        let name = GBK.decode(file.name_raw()).0.into_owned();
        if !name.ends_with(&ending) {
            continue;
        }
        let mut bytes = Vec::new();
        file.take(MOST_TABLE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|_| NOT_ONE)?;
        if u64::try_from(bytes.len()).is_ok_and(|n_bytes| n_bytes > MOST_TABLE_BYTES) {
            return Err("it is too long");
        }
        return GBK
            .decode_without_bom_handling_and_without_replacement(&bytes)
            .map(std::borrow::Cow::into_owned)
            .ok_or("it is not GBK");
    }
    Err("it lacks the table of single movements")
}

/// Table rows with named columns; lines that begin with `#` are comments for people.
struct Table {
    names: Vec<String>,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    fn read(text: &str) -> Result<Table, &'static str> {
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .flexible(true)
            // Ids end with a TAB, so that spreadsheets read them as text.
            .trim(csv::Trim::All)
            .from_reader(text.as_bytes());
        let names = reader.headers().map_err(|_| "it has no heading")?;
        let names = names.iter().map(str::to_owned).collect();
        let rows: Result<Vec<_>, _> = reader.into_records().collect();
        Ok(Table {
            names,
            rows: rows.map_err(|_| "it has a line that cannot be read")?,
        })
    }

    fn column(&self, name: &str) -> Result<usize, &'static str> {
        self.names
            .iter()
            .position(|found| found == name)
            .ok_or("it lacks a column")
    }
}

fn read_trades(text: &str) -> Result<Vec<TradeLine>, &'static str> {
    let table = Table::read(text)?;
    let trade_no = table.column("支付宝交易号")?;
    let payment_no = table.column("商户订单号")?;
    let kind = table.column("业务类型")?;
    let at = table.column("完成时间")?;
    let amount = table.column("订单金额（元）")?;
    let refund_no = table.column("退款批次号/请求号")?;
    table
        .rows
        .iter()
        .map(|row| {
            let cell = |column: usize| row.get(column).unwrap_or_default();
            let kind = match cell(kind) {
                "交易" => TradeKind::Payment,
                "退款" => TradeKind::Refund {
                    refund_no: cell(refund_no).to_owned(),
                },
                _ => return Err("it has a row of an unknown kind"),
            };
            Ok(TradeLine {
                kind,
                payment_no: cell(payment_no).to_owned(),
                transaction_id: cell(trade_no).to_owned(),
                amount: amount_of(cell(amount))?.ok_or("it has a row without an amount")?,
                at: time_of(cell(at))?,
            })
        })
        .collect()
}

fn read_funds(text: &str) -> Result<Vec<FundLine>, &'static str> {
    let table = Table::read(text)?;
    let flow_no = table.column("账务流水号")?;
    let business_no = table.column("业务流水号")?;
    let at = table.column("发生时间")?;
    let income = table.column("收入金额（+元）")?;
    let expense = table.column("支出金额（-元）")?;
    table
        .rows
        .iter()
        .map(|row| {
            let cell = |column: usize| row.get(column).unwrap_or_default();
            let (is_income, amount) = match (amount_of(cell(income))?, amount_of(cell(expense))?) {
                (Some(amount), None) => (true, amount),
                (None, Some(amount)) => (false, amount),
                _ => return Err("it has a row that is neither income nor expense"),
            };
            Ok(FundLine {
                flow_no: cell(flow_no).to_owned(),
                transaction_id: cell(business_no).to_owned(),
                is_income,
                amount,
                at: time_of(cell(at))?,
            })
        })
        .collect()
}

/// Parses an amount. Its sign only repeats the kind of the row or its column. `None`: the cell is empty.
fn amount_of(text: &str) -> Result<Option<Money>, &'static str> {
    let unsigned = text.trim_start_matches(['-', '+']);
    if unsigned.is_empty() {
        return Ok(None);
    }
    match Money::parse_yuan(unsigned) {
        Ok(money) => Ok(Some(money)),
        Err(MoneyError::NotPositive) => Ok(None),
        Err(_) => Err("it has an invalid amount"),
    }
}

fn time_of(text: &str) -> Result<Timestamp, &'static str> {
    parse_beijing(text).ok_or("it has an invalid time")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str =
        "支付宝交易号,商户订单号,业务类型,商品名称,完成时间,订单金额（元）,退款批次号/请求号";

    #[test]
    fn t_47_a_bill_is_read_by_the_names_of_its_columns() {
        let text = format!(
            "#支付宝业务明细查询\r\n{HEADING}\r\n2023111522001\t,P1\t,交易,\"月卡,年卡\",2023-11-15 06:14:58,49.90,\r\n\
             2023111522001\t,P1\t,退款,月卡,2023-11-15 07:00:00,-10.00,R1\t\r\n#业务明细列表结束\r\n"
        );
        let lines = read_trades(&text).unwrap();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].kind, TradeKind::Payment);
        assert_eq!(
            (lines[0].payment_no.as_str(), lines[0].amount.fen()),
            ("P1", 4990)
        );
        assert_eq!(
            lines[1].kind,
            TradeKind::Refund {
                refund_no: "R1".to_owned()
            }
        );
        assert_eq!(lines[1].amount.fen(), 1000);
    }

    #[test]
    fn a_bill_that_is_not_understood_is_not_used() {
        for text in [
            "",
            "a,b\r\n1,2\r\n",
            &format!("{HEADING}\r\n1,2,礼物,x,2023-11-15 06:14:58,1.00,\r\n"),
            &format!("{HEADING}\r\n1,2,交易,x,yesterday,1.00,\r\n"),
            &format!("{HEADING}\r\n1,2,交易,x,2023-11-15 06:14:58,1.005,\r\n"),
        ] {
            assert!(read_trades(text).is_err(), "{text}");
        }
        assert!(unpacked(b"PK", "业务明细").is_err());
    }
}
