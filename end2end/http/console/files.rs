//! Files for accountants: both formats cell by cell, and the permission to have them.

use std::io::{Cursor, Read as _};

use domain::Timestamp;
use serde_json::json;

use crate::api::{Api, client, pay};
use crate::console::visitor::{OWNER, Visitor, server, tells_of};
use crate::server::Server;

const LONG_NO: &str = "42000202611281234567";

/// Text of a cell, or the digits of a number.
#[derive(Debug, PartialEq, Eq)]
enum Cell {
    Text(String),
    Number(String),
}

/// Reads a sheet by the names of its cells; a missing cell is empty text.
fn sheet(file: &[u8]) -> Vec<Vec<Cell>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let mut xml = String::new();
    let mut part = archive.by_name("xl/worksheets/sheet1.xml").unwrap();
    part.read_to_string(&mut xml).unwrap();
    let rows = xml.split("<row ").skip(1);
    rows.map(|row| {
        let mut cells: Vec<Cell> = Vec::new();
        for cell in row.split("<c r=\"").skip(1) {
            let column = usize::from(cell.as_bytes()[0] - b'A');
            while cells.len() < column {
                cells.push(Cell::Text(String::new()));
            }
            let inner = |begin: &str, end: &str| {
                let (_, rest) = cell.split_once(begin)?;
                Some(rest.split_once(end)?.0.to_owned())
            };
            cells.push(match inner("<v>", "</v>") {
                Some(digits) => Cell::Number(digits),
                None => Cell::Text(plain(&inner("\"preserve\">", "</t>").unwrap())),
            });
        }
        cells
    })
    .collect()
}

fn plain(xml: &str) -> String {
    let unescaped = xml
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    unescaped.replace("&amp;", "&")
}

/// Time in Beijing that a spreadsheet shows for its number of days.
fn shown(digits: &str) -> String {
    let (days, fraction) = digits.split_once('.').unwrap();
    let (days, fraction): (i64, i64) = (days.parse().unwrap(), fraction.parse().unwrap());
    let seconds = (fraction * 86_400 + 5_000_000_000) / 10_000_000_000;
    let millis = ((days - 25_569) * 86_400 + seconds - 8 * 3_600) * 1_000;
    payments::beijing(Timestamp::from_millis(millis))
}

pub async fn cookie_of(server: &Server) -> String {
    Visitor::cookie_of(server, OWNER.0, OWNER.1).await
}

pub async fn download(server: &Server, cookie: &str, path: &str) -> (String, Vec<u8>) {
    let url = format!("http://{}{path}", server.address());
    let answer = client().get(url).header("cookie", cookie).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    assert_eq!(answer.headers().get("content-length"), None, "it is streamed");
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (kind, answer.bytes().await.unwrap().to_vec())
}

/// A shop with two paid orders, one of which is refunded in part, and one unpaid.
pub async fn busy_server() -> Server {
    let server = server(&[("RECONCILE_CRON", "* * * * * *")]);
    let api = Api::of(&server);
    api.order().await;
    for (method, subject) in [("wechat", "=1+1, \"月卡\" <&>"), ("alipay", "年卡")] {
        let mut order = json!({"userId": "007", "subject": subject, "amount": 9_990});
        if method == "wechat" {
            order["orderNo"] = LONG_NO.into();
        }
        let order = api.post("/orders", &order).await.ok(201);
        let payment = api.payment(&order, method).await;
        pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
        let payment = api.wait_for(&payment, "success").await;
        if method == "wechat" {
            let path = format!("/payments/{}/refund", payment["id"].as_str().unwrap());
            api.post(&path, &json!({"reason": "退一点", "amount": 990}))
                .await
                .ok(202);
            api.wait_for(&payment, "success").await;
            let refunds = format!(
                "/refunds?paymentId={}&status=success",
                payment["id"].as_str().unwrap()
            );
            while api.get(&refunds).await.ok(200)["data"][0].is_null() {
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
    server
}

#[tokio::test]
async fn both_formats_of_each_file_have_the_same_cells() {
    let server = busy_server().await;
    let cookie = cookie_of(&server).await;
    for (path, n_rows) in [
        ("/admin/files/orders", 2),
        ("/admin/files/payments", 2),
        ("/admin/files/refunds", 1),
        ("/admin/files/entries", 8),
        ("/admin/files/days", 0),
        ("/admin/orders", 3),
    ] {
        let query = if path == "/admin/orders" {
            ""
        } else {
            "?to=2999-12-31"
        };
        let n_lines = compare_formats(&server, &cookie, path, query).await.len();
        assert_eq!(n_lines, n_rows + 1, "{path}");
    }
}

/// Compares both formats of a file cell by cell, and returns its rows as the CSV has them, headings first.
pub async fn compare_formats(server: &Server, cookie: &str, path: &str, query: &str) -> Vec<Vec<String>> {
    let (kind, csv) = download(server, cookie, &format!("{path}.csv{query}")).await;
    assert_eq!(kind, "text/csv; charset=utf-8");
    let lines = lines_of(&csv);
    let (kind, xlsx) = download(server, cookie, &format!("{path}.xlsx{query}")).await;
    assert_eq!(
        kind,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    );
    let rows = sheet(&xlsx);
    assert_eq!(lines.len(), rows.len(), "{path}");
    for (line, row) in lines.iter().zip(&rows) {
        for (place, said) in line.iter().enumerate() {
            match row.get(place) {
                None => assert_eq!(said, "", "{path}"),
                Some(Cell::Text(text)) => assert_eq!(text, said, "{path}"),
                Some(Cell::Number(digits)) if said.contains(':') => assert_eq!(&shown(digits), said),
                Some(Cell::Number(digits)) => assert_eq!(digits, said, "{path}"),
            }
        }
    }
    lines
}

/// Cells of a CSV without what keeps a spreadsheet from changing them.
pub fn lines_of(csv: &[u8]) -> Vec<Vec<String>> {
    let csv = csv.strip_prefix("\u{FEFF}".as_bytes()).unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(csv);
    let cell = |cell: &str| {
        let cell = cell.trim_end_matches('\t');
        cell.strip_prefix('\'').unwrap_or(cell).to_owned()
    };
    let records = reader.records().map(Result::unwrap);
    records.map(|record| record.iter().map(cell).collect()).collect()
}

#[tokio::test]
async fn long_numbers_and_formulas_stay_text_in_both_formats() {
    let server = busy_server().await;
    let cookie = cookie_of(&server).await;
    let (_, csv) = download(
        &server,
        &cookie,
        "/admin/files/payments.csv?to=2999-12-31&method=wechat",
    )
    .await;
    let csv = String::from_utf8(csv).unwrap();
    assert!(
        csv.contains(&format!("\"{LONG_NO}\t\",\"007\t\",\"'=1+1, \"\"月卡\"\" <&>\"")),
        "{csv}"
    );
    assert!(csv.contains(",99.90,\"\",99.90,9.90,"), "{csv}");
    let (_, xlsx) = download(
        &server,
        &cookie,
        "/admin/files/payments.xlsx?to=2999-12-31&method=wechat",
    )
    .await;
    let rows = sheet(&xlsx);
    for text in [LONG_NO, "007", "=1+1, \"月卡\" <&>"] {
        assert!(
            rows[1].contains(&Cell::Text(text.to_owned())),
            "{text} {:?}",
            rows[1]
        );
    }
}

#[tokio::test]
async fn a_page_of_files_sums_its_days_and_each_download_is_recorded() {
    let server = busy_server().await;
    let owner = Visitor::owner(&server).await;
    let page = owner.get("/admin/files?to=2999-12-31&lang=zh").await;
    for text in [
        "¥199.80",
        "¥9.90",
        "¥189.90",
        "昨天",
        "上周",
        "上月",
        "/admin/files/refunds.xlsx?to=2999-12-31",
    ] {
        assert!(page.text.contains(text), "{text} {}", page.text);
    }
    let paid = owner.get("/admin/files/payments.csv?to=2999-12-31").await;
    assert!(
        paid.text.contains("支付单号") && paid.text.contains("微信支付"),
        "{}",
        paid.text
    );
    // Yesterday, which had none.
    assert_eq!(
        owner
            .get("/admin/files/payments.csv")
            .await
            .text
            .matches("\r\n")
            .count(),
        1
    );
    assert_eq!(owner.get("/admin/files/payments.pdf").await.status, 404);
    assert_eq!(owner.get("/admin/files/people.csv").await.status, 404);
    assert_eq!(
        owner.get("/admin/files/payments.csv?from=nonsense").await.status,
        422
    );
    let trail = owner.get("/admin/audit-log?action=export").await.text;
    assert!(
        tells_of(&trail, "export") && trail.contains("payments.csv"),
        "{trail}"
    );
    let support = Visitor::employed(&server, "support").await;
    for path in ["/admin/files", "/admin/files/payments.csv", "/admin/orders.xlsx"] {
        assert_eq!(support.get(path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn a_filtered_list_of_orders_has_its_totals() {
    let server = busy_server().await;
    let owner = Visitor::owner(&server).await;
    assert!(
        !owner
            .get("/admin/orders")
            .await
            .text
            .contains("data-testid=\"totals\"")
    );
    let page = owner.get("/admin/orders?q=007").await.text;
    let totals = page.split_once("data-testid=\"totals\"").unwrap().1;
    for text in ["¥199.80", "¥9.90", "¥189.90"] {
        assert!(totals.contains(text), "{text} {totals}");
    }
}
