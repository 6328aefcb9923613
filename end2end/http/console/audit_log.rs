//! The audit log: filters, export, and verification of its hash chain.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

use crate::console::visitor::{OWNER, Visitor, run_sql, server, tells_of};
use crate::server::Server;

/// A person of finance that has adjusted the balance of a user with a dangerous name.
async fn with_lines(server: &Server) -> Visitor {
    let finance = Visitor::employed(server, "finance").await;
    let fields = [
        ("user", "=ann"),
        ("number", "n1"),
        ("amount", "1.00"),
        ("note", "goodwill"),
    ];
    finance.submit("/admin/balances/adjust", &fields).await;
    finance
}

#[tokio::test]
async fn audit_entries_are_filtered_by_person_action_subject_and_time() {
    let server = server(&[]);
    let finance = with_lines(&server).await;
    Visitor::owner(&server).await;
    for (query, is_owners, is_adjustment) in [
        ("", true, true),
        ("actor=owner%40example.com", true, false),
        ("actor=finance%40example.com", false, true),
        ("action=adjust_balance", false, true),
        ("action=log_in&actor=owner%40example.com", true, false),
        ("subject=%3Dann", false, true),
        ("subject=ann", false, false),
        ("from=2020-01-01&to=2099-12-31", true, true),
        ("from=2099-12-31", false, false),
        ("to=2020-01-01", false, false),
    ] {
        let page = finance.get(&format!("/admin/audit-log?{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        let shown = (
            page.text.contains(&format!(">{}</td>", OWNER.0)),
            tells_of(&page.text, "adjust_balance"),
        );
        assert_eq!(shown, (is_owners, is_adjustment), "{query}: {}", page.text);
    }
    for query in [
        "action=nonsense",
        "from=yesterday",
        "cursor=x",
        "actor=a&actor=b",
        "subject=%00",
    ] {
        for list in ["/admin/audit-log", "/admin/audit-log.csv"] {
            assert_eq!(
                finance.get(&format!("{list}?{query}")).await.status,
                422,
                "{query}"
            );
        }
    }
    let attack = finance.get("/admin/audit-log?actor=%27%20or%201%3D1%20--").await;
    assert!(
        attack.status == 200 && !attack.text.contains("data-label=\"No.\""),
        "{}",
        attack.text
    );
}

#[tokio::test]
async fn the_audit_log_export_matches_the_filter_without_formulas() {
    let server = server(&[]);
    let finance = with_lines(&server).await;
    let file = finance.get("/admin/audit-log.csv?action=adjust_balance").await;
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(file.header("content-disposition").unwrap().contains("audit.csv"));
    assert!(
        file.text.starts_with("\u{FEFF}\"number\",\"at_utc\","),
        "{}",
        file.text
    );
    assert_eq!(file.text.matches("\r\n").count(), 2, "{}", file.text);
    assert!(
        file.text
            .contains("\"finance@example.com\",\"adjust_balance\",\"'=ann\",\"n1 +¥1.00: goodwill\","),
        "{}",
        file.text
    );
    let page = finance.get("/admin/audit-log?action=export").await;
    assert!(
        page.text.contains(">action=adjust_balance</td>"),
        "what left is written down: {}",
        page.text
    );
}

/// Computes a hash independently, as `scripts/verify-audit.py` describes it.
fn seal(line: &Value) -> String {
    let text = |name: &str| line[name].as_str().unwrap().to_owned();
    let number = |name: &str| line[name].as_i64().unwrap().to_string();
    let mut parts = vec![text("previousHash"), number("seq"), number("at")];
    parts.extend(["actor", "action", "subject", "detail", "ip", "requestId"].map(text));
    let sealed: String = parts
        .iter()
        .map(|part| format!("{}:{part}", part.len()))
        .collect();
    let hash = digest(&SHA256, sealed.as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn the_audit_chain_can_be_verified_independently() {
    let server = server(&[]);
    let finance = with_lines(&server).await;
    let file = finance.get("/admin/audit-log.jsonl").await;
    assert_eq!(
        file.header("content-type"),
        Some("application/jsonl; charset=utf-8")
    );
    let mut previous = String::new();
    let lines: Vec<Value> = file
        .text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (line, seq) in lines.iter().zip(1..) {
        assert_eq!(
            (line["seq"].as_i64(), line["previousHash"].as_str()),
            (Some(seq), Some(&*previous))
        );
        assert_eq!(line["hash"].as_str(), Some(&*seal(line)), "{line}");
        previous = seal(line);
    }
    let actions: Vec<&str> = lines
        .iter()
        .map(|line| line["action"].as_str().unwrap())
        .collect();
    assert!(
        actions.contains(&"adjust_balance") && actions.last() == Some(&"export"),
        "{actions:?}"
    );
}

#[tokio::test]
async fn a_tampered_audit_log_is_reported() {
    let server = server(&[]);
    let finance = with_lines(&server).await;
    let verdict = async |path: &str| {
        let page = finance.get(path).await.text;
        let (_, rest) = page.split_once("data-testid=\"chain\"").unwrap();
        rest.split("</p>").next().unwrap().to_owned()
    };
    let sound = verdict("/admin/audit-log").await;
    assert!(
        sound.contains("The chain holds") && sound.contains("Lines 1 to "),
        "{sound}"
    );
    run_sql(&server, "drop trigger audit_lines_are_not_changed").await;
    run_sql(&server, "update audit_log set actor = 'nobody' where seq = 2").await;
    for path in ["/admin/audit-log", "/admin/audit-log?check=all"] {
        let broken = verdict(path).await;
        assert!(
            broken.contains("The chain is broken") && broken.contains("1 do not follow"),
            "{broken}"
        );
    }
}
