//! `tongqian reconcile`: its answers and exit codes, for a day of real payments at both gateways.

use std::process::Output;

use chrono::{Days, NaiveDate};
use domain::{Channel, Method};
use payments::gateway::bill::BillKind;
use simulator::{Endpoint, Fault, FaultKind, Faults, Plant, PlantKind};

use crate::past::Past;
use crate::server::run;
use crate::shop::engines;

/// Exit code, what was printed, and what was said about a failure.
struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Said {
            code: output.status.code(),
            out: text(&output.stdout),
            error: text(&output.stderr),
        }
    }
}

impl Said {
    #[track_caller]
    fn require(&self, code: i32, lines: &[&str]) -> &Said {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.error);
        for line in lines {
            assert!(
                self.out.lines().any(|found| found.contains(line)),
                "{line} is missing in\n{}{}",
                self.out,
                self.error
            );
        }
        self
    }

    /// A wrong use: nothing was printed, and the message names what is wrong.
    #[track_caller]
    fn misused(&self, name: &str) {
        assert_eq!(self.code, Some(2), "{}{}", self.out, self.error);
        assert!(
            self.error.contains(name) && self.out.is_empty(),
            "{name}: {}{}",
            self.out,
            self.error
        );
    }
}

async fn reconcile(past: &Past, args: &[&str]) -> Said {
    let mut all = vec!["reconcile"];
    all.extend(args);
    past.command(&all, "").await.into()
}

/// The four sums of a line such as `statement: payments 1 refunds 2 fees 3 net 4`.
#[track_caller]
fn sums(out: &str, beginning: &str) -> [i64; 4] {
    let line = out.lines().find_map(|line| line.trim().strip_prefix(beginning));
    let words: Vec<&str> = line
        .unwrap_or_else(|| panic!("{out}"))
        .split_whitespace()
        .collect();
    let [payments, p, refunds, r, fees, f, net, n] = words[..] else {
        panic!("{out}")
    };
    assert_eq!(
        [payments, refunds, fees, net],
        ["payments", "refunds", "fees", "net"]
    );
    [p, r, f, n].map(|number| number.parse().unwrap())
}

async fn past_day(engine: crate::shop::Engine) -> (Past, [String; 2]) {
    let mut past = Past::open(engine).await;
    let mut numbers = Vec::new();
    for method in [Method::Wechat, Method::Alipay] {
        let first = past.paid(method, "49.90").await;
        for yuan in ["100.00", "73.50", "250.00"] {
            past.paid(method, yuan).await;
        }
        past.refunded(&first, "9.90").await;
        numbers.push(first.payment_no.to_string());
    }
    past.end().await;
    (past, <[String; 2]>::try_from(numbers).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_compared_and_what_is_left_open_fails() {
    for engine in engines() {
        let (past, [wechat_no, alipay_no]) = past_day(engine).await;
        let day = past.day.to_string();
        let first = reconcile(&past, &["--day", &day]).await;
        first.require(
            0,
            &[
                &format!("{day} wechat: matched"),
                &format!("{day} alipay: matched"),
                "  4 payments, 1 refunds, 0 lines of other programs",
                "  0 differences open, 0 repaired or explained",
            ],
        );
        for half in first.out.split_inclusive("repaired or explained\n") {
            let (statement, books) = (sums(half, "statement: "), sums(half, "books:     "));
            assert_eq!(statement, books);
            let [payments, refunds, fees, net] = statement;
            assert_eq!((payments, refunds), (47_340, 990));
            assert!(fees > 250 && net == payments - refunds - fees, "{half}");
        }
        assert_eq!(
            reconcile(&past, &["--day", &day]).await.out,
            first.out,
            "the same again"
        );
        let one = reconcile(&past, &["--day", &day, "--gateway", "alipay"]).await;
        one.require(0, &["alipay: matched"]);
        assert!(!one.out.contains("wechat"), "{}", one.out);

        past.shop
            .sim
            .plant(Plant::of_trade(PlantKind::Amount, &wechat_no).by(5))
            .unwrap();
        past.shop
            .sim
            .plant(Plant::of_trade(PlantKind::Omit, &alipay_no))
            .unwrap();
        let differs = reconcile(&past, &["--day", &day]).await;
        differs.require(
            1,
            &[
                &format!("{day} wechat: differences"),
                "  1 differences open, 0 repaired or explained",
                &format!("  open amount {wechat_no}: statement 4995, books 4990 ("),
                &format!("  open missing_in_statement {alipay_no}: statement -, books 4990 ("),
            ],
        );
        assert!(
            differs.error.contains(&format!("2 left open on {day}")),
            "{}",
            differs.error
        );
        past.shop.sim.clear_plants();
        reconcile(&past, &["--day", &day]).await.require(
            0,
            &[
                "  0 differences open, 1 repaired or explained",
                &format!("  repaired amount {wechat_no}: statement 4995, books 4990 ("),
            ],
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_the_books_do_not_know_is_asked_for() {
    for engine in engines() {
        let mut past = Past::open(engine).await;
        past.paid(Method::Wechat, "20.00").await;
        let silent = past.shop.paid_silently(Method::Wechat, "49.90").await;
        past.end().await;
        let day = past.day.to_string();
        let number = silent.payment_no.as_str();
        let said = reconcile(&past, &["--day", &day, "--gateway", "wechat"]).await;
        said.require(
            0,
            &[
                "wechat: matched",
                "  0 differences open, 1 repaired or explained",
                &format!("  repaired status {number}: statement 4990, books 4990 ("),
            ],
        );
        assert_eq!(sums(&said.out, "statement: "), sums(&said.out, "books:     "));
        let audit: Said = past.command(&["audit"], "").await.into();
        audit.require(0, &[]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_without_a_statement_are_pending_or_empty() {
    for engine in engines() {
        let (past, _) = past_day(engine).await;
        // Nothing was sold before the shop opened.
        let empty = (past.day - Days::new(1)).to_string();
        reconcile(&past, &["--day", &empty]).await.require(
            0,
            &[
                &format!("{empty} wechat: matched"),
                &format!("{empty} alipay: matched"),
                "  0 payments, 0 refunds, 0 lines of other programs",
                "  statement: payments 0 refunds 0 fees 0 net 0",
            ],
        );
        let today = Past::today().to_string();
        let early = reconcile(&past, &["--day", &today, "--gateway", "wechat"]).await;
        early.require(
            1,
            &[&format!("{today} wechat: pending"), "the bill is not made yet"],
        );
        assert!(!early.out.contains("differences"), "{}", early.out);
        let tomorrow = (Past::today() + Days::new(2)).to_string();
        reconcile(&past, &["--day", &tomorrow]).await.misused("--day");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_cannot_be_used_leaves_the_day_as_it_was() {
    for engine in engines() {
        let (past, _) = past_day(engine).await;
        let day = past.day.to_string();
        for (kind, reason) in [
            (FaultKind::BillNotReady, "not made yet"),
            (
                FaultKind::BillWrongHash,
                "it is not the file whose hash was promised",
            ),
            (FaultKind::BillDamaged, "it "),
            (FaultKind::BillCutOff, "cut off"),
            (FaultKind::BillOfOther, "it is the statement of another merchant"),
            (FaultKind::BillOfOtherDay, ""),
            (FaultKind::BillMissing, "and the books have payments"),
            (FaultKind::Html502, ""),
        ] {
            past.shop.sim.fault(Fault::new(kind).at(Endpoint::Bill));
            let said = reconcile(&past, &["--day", &day, "--gateway", "wechat"]).await;
            said.require(1, &[&format!("{day} wechat: pending"), reason]);
            assert!(said.error.contains(&format!("1 left open on {day}")), "{kind:?}");
            past.shop.sim.faults(Faults::none());
        }
        let nowhere = [("WECHAT_GATEWAY", "http://127.0.0.1:9")];
        let args = ["reconcile", "--day", day.as_str(), "--gateway", "wechat"];
        let said: Said = past.command_with(&nowhere, &args, "").await.into();
        said.require(1, &[&format!("{day} wechat: pending")]);
        let right = reconcile(&past, &["--day", &day]).await;
        right.require(0, &[&format!("{day} wechat: matched")]);
        // A matched day stays so when it is asked for again at a bad time.
        past.shop
            .sim
            .fault(Fault::new(FaultKind::BillCutOff).at(Endpoint::Bill));
        reconcile(&past, &["--day", &day, "--gateway", "alipay"])
            .await
            .require(1, &[&format!("{day} alipay: pending")]);
        past.shop.sim.faults(Faults::none());
        assert_eq!(reconcile(&past, &["--day", &day]).await.out, right.out);
    }
}

async fn with_file(past: &Past, day: NaiveDate, gateway: Option<&str>, file: &[u8]) -> Said {
    let path = past.dir.path().join("statement");
    std::fs::write(&path, file).unwrap();
    let day = day.to_string();
    let mut args = vec!["--day", day.as_str(), "--file", path.to_str().unwrap()];
    if let Some(gateway) = gateway {
        args.extend(["--gateway", gateway]);
    }
    reconcile(past, &args).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_counts_like_a_download() {
    for engine in engines() {
        let (past, _) = past_day(engine).await;
        for channel in Channel::ALL {
            let trade = past.download(channel, past.day, BillKind::Trade).await;
            let funds = past.download(channel, past.day, BillKind::FundFlow).await;
            let (name, other) = match channel {
                Channel::Wechat => ("wechat", "alipay"),
                Channel::Alipay => ("alipay", "wechat"),
            };
            let pending = format!("{name}: pending");
            with_file(&past, past.day, None, &funds)
                .await
                .require(1, &[&pending, "the trade statement of the day is needed first"]);
            with_file(&past, past.day, Some(name), &trade[..trade.len() / 2])
                .await
                .require(1, &[&pending]);
            with_file(&past, past.day, Some(name), b"nothing")
                .await
                .require(1, &[&pending, "the file is no statement of a gateway"]);
            with_file(&past, past.day, Some(other), &trade).await.require(
                1,
                &[&format!("{other}: pending"), &format!("a statement of {name}")],
            );
            let other_day = past.day - Days::new(1);
            with_file(&past, other_day, None, &trade)
                .await
                .require(1, &[&pending, "it has a line of another day"]);
            let said = with_file(&past, past.day, None, &trade).await;
            said.require(0, &[&format!("{name}: matched")]);
            assert!(!said.out.contains(other), "{}", said.out);
            with_file(&past, past.day, Some(name), &funds)
                .await
                .require(0, &[&format!("{name}: matched")]);
        }
        with_file(&past, past.day, None, b"nothing")
            .await
            .misused("--file");
        let day = past.day.to_string();
        reconcile(&past, &["--day", &day, "--file", "/nothing/there"])
            .await
            .misused("--file");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_use_is_told_and_does_nothing() {
    for engine in engines() {
        let mut past = Past::open(engine).await;
        past.paid(Method::Wechat, "20.00").await;
        past.end().await;
        let day = past.day.to_string();
        reconcile(&past, &[]).await.misused("--day");
        for wrong in ["yesterday", "2026-13-01", "2026-1-1", "20260101", ""] {
            reconcile(&past, &["--day", wrong]).await.misused("--day");
        }
        for gateway in ["balance", "WECHAT", ""] {
            reconcile(&past, &["--day", &day, "--gateway", gateway])
                .await
                .misused("--gateway");
        }
        let one_gateway = [
            ("ALIPAY_APP_ID", ""),
            ("ALIPAY_MINI_APP_ID", ""),
            ("ALIPAY_PRIVATE_KEY", ""),
            ("ALIPAY_PUBLIC_KEY", ""),
            ("ALIPAY_SELLER_ID", ""),
            ("ALIPAY_GATEWAY", ""),
        ];
        let args = ["reconcile", "--day", day.as_str(), "--gateway", "alipay"];
        let said: Said = past.command_with(&one_gateway, &args, "").await.into();
        said.misused("--gateway");
        let dir = tempfile::TempDir::new().unwrap();
        let settings = [("GATEWAYS", "simulator")];
        let simulated: Said = run(dir.path(), &settings, &["reconcile", "--day", &day], "").into();
        simulated.misused("GATEWAYS");
    }
}
