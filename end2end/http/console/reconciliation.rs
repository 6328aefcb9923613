//! Reconciliation in the console: asking now, a statement file that was fetched by hand, explaining and closing.

use chrono::Days;
use domain::{Channel, Method};
use payments::gateway::bill::BillKind;
use simulator::{Plant, PlantKind};

use crate::api::Answer;
use crate::console::files::{compare_formats, cookie_of};
use crate::console::visitor::{OWNER, Visitor, tells_of};
use crate::past::Past;
use crate::server::Server;
use crate::shop::{Engine, engines};

struct Place {
    past: Past,
    server: Server,
    owner: Visitor,
    /// Numbers of two payments at WeChat.
    numbers: [String; 2],
}

impl Place {
    async fn open(engine: Engine) -> Place {
        let mut past = Past::open(engine).await;
        let mut numbers = Vec::new();
        for yuan in ["49.90", "100.00"] {
            past.paid(Method::Alipay, yuan).await;
            let payment = past.paid(Method::Wechat, yuan).await;
            numbers.push(payment.payment_no.to_string());
        }
        past.end().await;
        let server = past.server(&[]).await;
        let owner = Visitor::owner(&server).await;
        Place {
            past,
            server,
            owner,
            numbers: <[String; 2]>::try_from(numbers).unwrap(),
        }
    }

    fn path(&self, channel: &str) -> String {
        format!("/admin/reconciliation/{}/{channel}", self.past.day)
    }

    async fn employed(&self, role: &str) -> Visitor {
        let email = format!("{role}@example.com");
        let args = ["admin", "create", "--email", &email, "--role", role];
        let made = self.past.command(&args, &format!("{}\n", OWNER.1)).await;
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Visitor::logged_in(&self.server, &email, OWNER.1).await
    }

    /// The page after an act that must succeed.
    async fn follow(&self, visitor: &Visitor, answer: Answer) -> String {
        assert_eq!(answer.status, 303, "{}", answer.text);
        let page = visitor.get(answer.header("location").unwrap()).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.text
    }

    async fn audit_log(&self, action: &str) -> bool {
        let page = self.owner.get(&format!("/admin/audit-log?action={action}")).await;
        tells_of(&page.text, action)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_asks_explains_and_closes() {
    for engine in engines() {
        let place = Place::open(engine).await;
        let path = place.path("wechat");
        let calendar = place.owner.get("/admin/reconciliation").await;
        assert!(calendar.text.contains(&path), "{}", calendar.text);
        let unknown = place.owner.get(&path).await;
        assert!(
            unknown.text.contains("has not been reconciled"),
            "{}",
            unknown.text
        );
        for number in &place.numbers {
            place
                .past
                .shop
                .sim
                .plant(Plant::of_trade(PlantKind::Amount, number))
                .unwrap();
        }
        ask(&place, &path).await;
        explain(&place, &path).await;
        close(&place, &path).await;
        for action in ["reconcile_day", "explain_difference", "close_day"] {
            assert!(place.audit_log(action).await, "{action}");
        }
    }
}

async fn ask(place: &Place, path: &str) {
    let viewer = place.employed("viewer").await;
    let ask = format!("{path}/ask");
    assert_eq!(viewer.post(&ask, &[]).await.status, 403);
    assert!(
        place
            .owner
            .get(path)
            .await
            .text
            .contains("has not been reconciled"),
        "a refused act did nothing"
    );
    let support = place.employed("support").await;
    let page = place.follow(&support, support.post(&ask, &[]).await).await;
    assert!(page.contains("Reconciled; this is the result."), "{page}");
    for number in &place.numbers {
        assert!(page.contains(number.as_str()), "{page}");
    }
    assert!(page.contains("trade statement: payment"), "{page}");
    // Support may ask, and not decide.
    assert!(!page.contains(&format!("{path}/explain")) && !page.contains(&format!("{path}/close")));
    place.follow(&support, support.post(&ask, &[]).await).await;
    for nowhere in [
        format!("/admin/reconciliation/{}/balance/ask", place.past.day),
        "/admin/reconciliation/yesterday/wechat/ask".to_owned(),
    ] {
        assert_eq!(place.owner.post(&nowhere, &[]).await.status, 404, "{nowhere}");
    }
    let future = Past::today() + Days::new(2);
    let future = format!("/admin/reconciliation/{future}/wechat/ask");
    assert_eq!(place.owner.post(&future, &[]).await.status, 422);
}

async fn explain(place: &Place, path: &str) {
    let [first, second] = &place.numbers;
    let explain = format!("{path}/explain");
    let fields = |subject: &str, reason: &str| {
        [
            ("kind", "amount".to_owned()),
            ("subject", subject.to_owned()),
            ("reason", reason.to_owned()),
        ]
    };
    let post = async |visitor: &Visitor, fields: [(&str, String); 3]| {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        visitor.post(&explain, &fields).await
    };
    let support = Visitor::logged_in(&place.server, "support@example.com", OWNER.1).await;
    assert_eq!(post(&support, fields(first, "顾客投诉")).await.status, 403);
    for reason in ["", "  ", &"x".repeat(501)] {
        assert_eq!(
            post(&place.owner, fields(first, reason)).await.status,
            422,
            "{reason}"
        );
    }
    assert_eq!(post(&place.owner, fields("P1", "顾客投诉")).await.status, 404);
    let odd = [("kind", "nothing"), ("subject", first.as_str()), ("reason", "x")];
    assert_eq!(place.owner.post(&explain, &odd).await.status, 422);
    let unplanned = format!(
        "/admin/reconciliation/{}/wechat/explain",
        place.past.day - Days::new(5)
    );
    let known = [("kind", "amount"), ("subject", first.as_str()), ("reason", "x")];
    assert_eq!(place.owner.post(&unplanned, &known).await.status, 404);

    let page = place
        .follow(&place.owner, post(&place.owner, fields(first, "顾客投诉")).await)
        .await;
    assert!(
        page.contains("顾客投诉 · owner@example.com") || page.contains("顾客投诉"),
        "{page}"
    );
    assert!(
        page.contains("Explained") && page.contains("Differences"),
        "{page}"
    );
    assert_eq!(post(&place.owner, fields(first, "又一次")).await.status, 409);
    assert!(!place.owner.get(path).await.text.contains("又一次"));
    let finance = place.employed("finance").await;
    let page = place
        .follow(&finance, post(&finance, fields(second, "活动折扣")).await)
        .await;
    assert!(
        page.contains("Matched") && page.contains("finance@example.com"),
        "{page}"
    );
}

async fn close(place: &Place, path: &str) {
    let close = format!("{path}/close");
    let reason = [("reason", "核对完毕")];
    let support = Visitor::logged_in(&place.server, "support@example.com", OWNER.1).await;
    assert_eq!(support.post(&close, &reason).await.status, 403);
    assert_eq!(place.owner.post(&close, &[]).await.status, 422);
    let question = place.owner.get(&format!("{close}?lang=en")).await;
    assert_eq!(question.status, 200, "{}", question.text);
    assert!(
        question.text.contains("data-question") && question.text.contains("name=\"reason\""),
        "{}",
        question.text
    );
    assert!(question.text.contains("of WeChat Pay?"), "{}", question.text);
    assert_eq!(
        place.owner.post(&close, &reason).await.status,
        409,
        "the last explanation has closed it"
    );
    let unplanned = format!(
        "/admin/reconciliation/{}/wechat/close",
        place.past.day - Days::new(5)
    );
    assert_eq!(place.owner.post(&unplanned, &reason).await.status, 404);
    assert_eq!(place.owner.get(&unplanned).await.status, 404);

    // A later change of the closed day is shown, and closed again for a reason.
    let number = place.numbers[0].as_str();
    let sim = &place.past.shop.sim;
    sim.clear_plants();
    sim.plant(Plant::of_trade(PlantKind::Omit, number)).unwrap();
    let page = place
        .follow(&place.owner, place.owner.post(&format!("{path}/ask"), &[]).await)
        .await;
    assert!(page.contains("After the close"), "{page}");
    let page = place
        .follow(&place.owner, place.owner.post(&close, &reason).await)
        .await;
    assert!(
        page.contains("核对完毕") && !page.contains("After the close"),
        "{page}"
    );
    assert_eq!(place.owner.post(&close, &reason).await.status, 409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_fetched_by_hand_is_compared() {
    for engine in engines() {
        let place = Place::open(engine).await;
        let day = place.past.day;
        for channel in Channel::ALL {
            let name = channel.as_str();
            let other = if channel == Channel::Wechat {
                "alipay"
            } else {
                "wechat"
            };
            let path = place.path(name);
            let trade = place.past.download(channel, day, BillKind::Trade).await;
            let funds = place.past.download(channel, day, BillKind::FundFlow).await;
            let upload = async |path: &str, file: &[u8]| {
                let answer = place.owner.upload(&format!("{path}/file"), file).await;
                place.follow(&place.owner, answer).await
            };
            for (to, file, reason) in [
                (
                    path.clone(),
                    b"nothing".as_slice(),
                    "the file is no statement of a gateway",
                ),
                (
                    path.clone(),
                    &funds,
                    "the trade statement of the day is needed first",
                ),
                (path.clone(), &trade[..trade.len() / 2], "the "),
                (place.path(other), &trade, "the file is a statement of"),
                (
                    format!("/admin/reconciliation/{}/{name}", day - Days::new(1)),
                    &trade,
                    "it has a line of another day",
                ),
            ] {
                let page = upload(&to, file).await;
                assert!(page.contains("Not reconciled"), "{reason}: {page}");
                assert!(
                    page.contains("There is no usable statement yet") && page.contains(reason),
                    "{page}"
                );
            }
            let page = upload(&path, &trade).await;
            assert!(
                page.contains("Reconciled; this is the result.") && page.contains("Matched"),
                "{page}"
            );
            // The same file again, and the other one of the day beside it.
            for file in [&trade, &funds] {
                let page = upload(&path, file).await;
                assert!(
                    page.contains("Matched") && !page.contains("After the close"),
                    "{page}"
                );
            }
            // Rubbish later takes nothing from a matched day.
            let page = upload(&path, b"nothing").await;
            assert!(
                page.contains("Matched") && page.contains("the file is no statement"),
                "{page}"
            );
        }
        refuse_uploads(&place).await;
    }
}

async fn refuse_uploads(place: &Place) {
    let file = format!("{}/file", place.path("wechat"));
    let large = vec![b'x'; 33 * 1024 * 1024];
    let answer = place.owner.upload(&file, &large).await;
    assert_eq!(answer.status, 413, "{}", answer.text);
    assert!(answer.text.contains("32 MB"), "{}", answer.text);
    assert_eq!(place.owner.post(&file, &[("file", "x")]).await.status, 422);
    let support = place.employed("support").await;
    assert_eq!(support.upload(&file, b"nothing").await.status, 403);
    let nowhere = format!("/admin/reconciliation/{}/balance/file", place.past.day);
    assert_eq!(place.owner.upload(&nowhere, b"nothing").await.status, 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_another_merchant_is_refused() {
    let place = Place::open(Engine::Sqlite).await;
    let fault = simulator::Fault::new(simulator::FaultKind::BillOfOther);
    place.past.shop.sim.fault(fault.at(simulator::Endpoint::Bill));
    for channel in Channel::ALL {
        let trade = place
            .past
            .download(channel, place.past.day, BillKind::Trade)
            .await;
        let path = place.path(channel.as_str());
        let answer = place.owner.upload(&format!("{path}/file"), &trade).await;
        let page = place.follow(&place.owner, answer).await;
        assert!(
            page.contains("Not reconciled") && page.contains("it is the statement of another merchant"),
            "{page}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_statements_are_files_of_both_formats() {
    for engine in engines() {
        let place = Place::open(engine).await;
        let cookie = cookie_of(&place.server).await;
        for channel in Channel::ALL {
            let path = place.path(channel.as_str());
            let page = place.owner.get(&path).await;
            assert!(!page.text.contains("trade.xlsx"), "nothing is kept yet");
            let missing = place.owner.get(&format!("{path}/files/trade.csv")).await;
            assert_eq!(missing.status, 404);
            let answer = place.owner.post(&format!("{path}/ask"), &[]).await;
            let page = place.follow(&place.owner, answer).await;
            for file in ["trade.csv", "trade.xlsx", "fund_flow.csv", "fund_flow.xlsx"] {
                assert!(page.contains(&format!("{path}/files/{file}")), "{file} {page}");
            }
            let lines =
                compare_formats(&place.server, &cookie, &format!("{path}/files/trade"), "?lang=zh").await;
            assert_eq!(lines.len(), 3);
            for heading in [
                "类型",
                "支付单号",
                "金额（元）",
                "手续费（元）",
                "净额（元）",
                "时间（UTC）",
            ] {
                assert!(
                    lines[0].iter().any(|cell| cell == heading),
                    "{heading} {:?}",
                    lines[0]
                );
            }
            let column = |heading: &str| lines[0].iter().position(|cell| cell == heading).unwrap();
            let (amount, fee, net) = (column("金额（元）"), column("手续费（元）"), column("净额（元）"));
            assert_eq!([&lines[1][amount], &lines[2][amount]], ["49.90", "100.00"]);
            assert_eq!([&lines[1][fee], &lines[2][fee]], ["0.30", "0.60"]);
            assert_eq!([&lines[1][net], &lines[2][net]], ["49.60", "99.40"]);
            assert_eq!(lines[1][column("类型")], "收款");
            assert_eq!(lines[1][column("系统")], "本系统");
            if channel == Channel::Wechat {
                let number = &place.numbers[0];
                assert_eq!(&lines[1][column("支付单号")], number);
            }
            let lines = compare_formats(
                &place.server,
                &cookie,
                &format!("{path}/files/fund_flow"),
                "?lang=en",
            )
            .await;
            // A movement for each payment, and one for its fee.
            assert_eq!(lines.len(), 5, "{lines:?}");
            let amount = lines[0].iter().position(|cell| cell == "Amount (CNY)").unwrap();
            let mut amounts: Vec<&str> = lines[1..].iter().map(|line| line[amount].as_str()).collect();
            amounts.sort_unstable();
            assert_eq!(amounts, ["-0.30", "-0.60", "100.00", "49.90"]);
            for file in ["trade.pdf", "trade", "notes.csv"] {
                let wrong = place.owner.get(&format!("{path}/files/{file}")).await;
                assert_eq!(wrong.status, 404, "{file}");
            }
        }
        assert!(place.audit_log("export").await);
    }
}
