//! A month of statements at both gateways, each day with planted differences: every one is found as what it is, nothing else
//! is, and a second run changes nothing.
//!
//! `STATEMENT_PAYMENTS=1000` makes so many payments a day, and then each day has every kind; `STATEMENT_DAYS` makes another
//! number of days.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use domain::{Channel, Method, Money, Payment, PaymentStatus, Refund, RefundState};
use payments::console::{Actor, close_day};
use payments::reconciliation::{
    DifferenceKind, DifferenceState, ReconciledDay, ReconciliationStatus, StatementSource, reconcile_day,
};
use payments::{RefundRequest, Requester};
use simulator::{Endpoint, Fault, FaultKind, Faults, Plant, PlantKind, Table};

use crate::metrics;
use crate::reconciliation::{open, paid, reconcile, sleep_until_morning};
use crate::shop::{BOTH, Shop, on_each_engine};
use crate::tables::read_tables;

const FOREIGN: u32 = 2;
/// In yuan, of an order that is refunded in part.
const REFUND_FEN: i64 = 1_990;
/// Cases of a day and gateway in the short form.
const SHORT: usize = 3;

/// How a payment of a day, or its refund, comes to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Payment(PlantKind, Option<Table>),
    Refund(PlantKind, Option<Table>),
    /// Paid without a notification.
    Silent,
    /// Refunded in the gateway's own merchant platform.
    ByHand,
}

/// Every case of a gateway. Alipay lists only successful refunds, and keeps their fees.
fn cases(channel: Channel) -> Vec<Case> {
    use PlantKind::{Amount, Duplicate, Fee, Invent, Omit, Status};
    let mut cases = vec![
        Case::Payment(Duplicate, None),
        Case::Payment(Duplicate, Some(Table::Trade)),
    ];
    for table in [None, Some(Table::Trade), Some(Table::FundFlow)] {
        cases.extend([Omit, Amount, Fee, Invent].map(|kind| Case::Payment(kind, table)));
        cases.extend([Omit, Amount, Invent].map(|kind| Case::Refund(kind, table)));
        if channel == Channel::Wechat {
            cases.push(Case::Refund(Fee, table));
        }
        cases.extend([Case::Silent, Case::ByHand]);
    }
    if channel == Channel::Wechat {
        cases.push(Case::Refund(Status, None));
    }
    cases
}

/// A payment of a day that is made to differ, and the number of the refund that may belong to it.
struct Odd {
    case: Case,
    payment: Payment,
    refund_no: Option<String>,
}

impl Odd {
    fn plant(&self) -> Option<Plant> {
        let (plant, table) = match self.case {
            Case::Payment(kind, table) => (Plant::of_trade(kind, self.payment.payment_no.as_str()), table),
            Case::Refund(kind, table) => (Plant::of_refund(kind, self.refund_no.as_deref().unwrap()), table),
            Case::Silent | Case::ByHand => return None,
        };
        Some(match table {
            Some(table) => plant.only_in(table),
            None => plant,
        })
    }

    /// Kind and subject of the difference that must be found.
    fn expected(&self) -> (DifferenceKind, String) {
        let payment_no = self.payment.payment_no.to_string();
        let refund_no = self.refund_no.clone().unwrap_or_default();
        let trade = self.payment.transaction_id.clone().unwrap_or_default();
        let kind = match self.case {
            Case::Payment(kind, _) | Case::Refund(kind, _) => kind,
            Case::Silent => return (DifferenceKind::Status, payment_no),
            Case::ByHand => return (DifferenceKind::MissingInBooks, refund_no),
        };
        let is_refund = matches!(self.case, Case::Refund(..));
        let own = if is_refund {
            refund_no.clone()
        } else {
            payment_no.clone()
        };
        match (kind, self.case) {
            (PlantKind::Omit, _) => (DifferenceKind::MissingInStatement, own),
            (PlantKind::Amount, _) => (DifferenceKind::Amount, own),
            (PlantKind::Fee, _) => (DifferenceKind::Fee, own),
            (PlantKind::Status, _) => (DifferenceKind::Status, own),
            (PlantKind::Duplicate, _) => (DifferenceKind::Duplicate, invented(&trade)),
            // A movement names the gateway's number of a payment.
            (PlantKind::Invent, Case::Payment(_, Some(Table::FundFlow))) => {
                (DifferenceKind::MissingInBooks, invented(&trade))
            }
            (PlantKind::Invent, _) => (DifferenceKind::MissingInBooks, invented(&own)),
            (PlantKind::Foreign, _) => unreachable!("no case is foreign"),
        }
    }

    /// Whether the gateway is asked at each look: its answer leaves the books as they are.
    fn is_asked_again(&self) -> bool {
        self.case == Case::Refund(PlantKind::Status, None)
    }
}

/// A number as the simulator invents one.
fn invented(number: &str) -> String {
    format!("{}000000", &number[..number.len() - 6])
}

/// Results of a whole month.
#[derive(Debug, Default)]
struct Tally {
    n_payments: usize,
    n_planted: usize,
    n_found: usize,
    n_false: usize,
    n_repaired: usize,
    n_questions: i64,
}

struct Month<'a> {
    shop: &'a Shop,
    per_gateway: usize,
    is_long: bool,
    n_made: usize,
    /// Paid on each day at each gateway, in fen.
    gross: BTreeMap<(NaiveDate, &'static str), i64>,
    tally: Tally,
}

impl Month<'_> {
    fn today(&self) -> NaiveDate {
        payments::beijing(self.shop.services.clock.now())[..10]
            .parse()
            .unwrap()
    }

    /// Time until this time of day in Beijing, today or tomorrow.
    fn until(&self, seconds_of_day: u64) -> Duration {
        const DAY: u64 = 24 * 3600 * 1000;
        let now = u64::try_from(self.shop.services.clock.now().millis()).unwrap() + 8 * 3600 * 1000;
        let wanted = seconds_of_day * 1000;
        Duration::from_millis((wanted + DAY - now % DAY) % DAY)
    }

    fn next_amount(&mut self, method: Method) -> String {
        self.n_made += 1;
        let fen = 2_000 + i64::try_from(self.n_made * 3_761 % 28_000).unwrap();
        let of_day = (self.today(), method.as_str());
        *self.gross.entry(of_day).or_default() += fen;
        format!("{}.{:02}", fen / 100, fen % 100)
    }

    async fn sell(&mut self, method: Method) -> Payment {
        let yuan = self.next_amount(method);
        self.tally.n_payments += 1;
        paid(self.shop, method, &yuan).await
    }

    async fn ask_refund(&self, payment: &Payment) -> Refund {
        let request = RefundRequest {
            payment_id: payment.id.clone(),
            amount: Some(Money::from_fen(REFUND_FEN).unwrap()),
            reason: "不想要了".to_owned(),
            refund_no: None,
            by: Requester::Rule,
        };
        let refund = payments::request_refund(&self.shop.services, request, None).await;
        refund.unwrap().into_value().unwrap()
    }

    /// Cases of a day: all of them, or some in turn.
    fn cases_of(&self, day: usize, channel: Channel) -> Vec<Case> {
        let all = cases(channel);
        if self.is_long {
            return all;
        }
        (0..SHORT).map(|n| all[(day * SHORT + n) % all.len()]).collect()
    }

    /// Sells at both gateways, and refunds. On every fifth day a refund straddles midnight; nothing is left silent on it,
    /// because the jobs that refund would ask about it.
    async fn live_through(&mut self, day: usize) -> Vec<Odd> {
        let has_late_refund = day % 5 == 4;
        let mut odd = Vec::new();
        for (method, _) in BOTH {
            let channel = method.channel().unwrap();
            let cases = self.cases_of(day, channel);
            for _ in cases.len()..self.per_gateway {
                self.sell(method).await;
            }
            for case in cases {
                if case == Case::Silent {
                    continue;
                }
                let payment = self.sell(method).await;
                let refund_no = match case {
                    Case::Refund(..) => Some(self.ask_refund(&payment).await.refund_no.to_string()),
                    _ => None,
                };
                odd.push(Odd {
                    case,
                    payment,
                    refund_no,
                });
            }
        }
        self.shop.pass(Duration::from_secs(20)).await;
        for odd in &mut odd {
            if odd.case == Case::ByHand {
                let number = odd.payment.payment_no.as_str();
                let made = self.shop.sim.refund_by_hand(number, Some(REFUND_FEN)).await;
                odd.refund_no = Some(made.unwrap());
            }
        }
        if has_late_refund {
            self.refund_at_midnight().await;
        } else {
            odd.extend(self.pay_silently(day).await);
            self.sell_at_midnight().await;
        }
        odd
    }

    async fn pay_silently(&mut self, day: usize) -> Vec<Odd> {
        let mut odd = Vec::new();
        for (method, _) in BOTH {
            for case in self.cases_of(day, method.channel().unwrap()) {
                if case != Case::Silent {
                    continue;
                }
                let yuan = self.next_amount(method);
                self.tally.n_payments += 1;
                odd.push(Odd {
                    case,
                    payment: self.shop.paid_silently(method, &yuan).await,
                    refund_no: None,
                });
            }
        }
        odd
    }

    /// The last second of a day, and the first one of the next.
    async fn sell_at_midnight(&mut self) {
        self.shop.sleep(self.until(24 * 3600 - 1)).await;
        for pause in [1, 0] {
            for (method, _) in BOTH {
                self.sell(method).await;
            }
            self.shop.sleep(Duration::from_secs(pause)).await;
        }
    }

    /// Refunds that are asked for before midnight and end after it.
    async fn refund_at_midnight(&mut self) {
        self.shop.sleep(self.until(24 * 3600 - 30)).await;
        self.shop.sim.set_alipay_refund_ms(40_000);
        self.shop.sim.set_refund_delay_ms(40_000);
        let mut refunds = Vec::new();
        for (method, _) in BOTH {
            let payment = self.sell(method).await;
            refunds.push(self.ask_refund(&payment).await);
        }
        self.shop.pass(Duration::from_secs(90)).await;
        for refund in refunds {
            let found = payments::find_refund(&self.shop.services, &refund.id)
                .await
                .unwrap()
                .0;
            assert_eq!(found.state, RefundState::Succeeded);
        }
        self.shop.sim.set_alipay_refund_ms(0);
        self.shop.sim.set_refund_delay_ms(5_000);
    }

    fn n_questions(&self, channel: Channel) -> i64 {
        let of = |operation: &str, outcome: &str| {
            let series = format!(
                "gateway_requests_total{{gateway=\"{channel}\",operation=\"{operation}\",outcome=\"{outcome}\"}}"
            );
            metrics::value(self.shop, &series)
        };
        let outcomes = ["ok", "declined", "unknown"];
        let all = ["query", "refund_query"].into_iter();
        all.flat_map(|operation| outcomes.map(|outcome| of(operation, outcome)))
            .sum()
    }

    async fn run(&self, date: NaiveDate, channel: Channel) -> (ReconciledDay, i64) {
        let before = self.n_questions(channel);
        let day = reconcile_day(&self.shop.services, date, channel, StatementSource::Gateway)
            .await
            .unwrap();
        assert_eq!(day.row.note, None, "{date} {channel}");
        (day, self.n_questions(channel) - before)
    }

    /// Compares a day three times: with the plants, once more, and without them.
    async fn check(&mut self, date: NaiveDate, channel: Channel, odd: &[Odd]) {
        let shop = self.shop;
        let of_gateway: Vec<&Odd> = odd
            .iter()
            .filter(|odd| odd.payment.method().channel() == Some(channel))
            .collect();
        let of_state = |is_silent: bool| -> Vec<(DifferenceKind, String)> {
            let mut expected: Vec<_> = of_gateway
                .iter()
                .filter(|odd| (odd.case == Case::Silent) == is_silent)
                .map(|odd| odd.expected())
                .collect();
            expected.sort_by_key(sort_key);
            expected
        };
        let (to_find, to_repair) = (of_state(false), of_state(true));
        let gateway = match channel {
            Channel::Wechat => simulator::Gateway::Wechat,
            Channel::Alipay => simulator::Gateway::Alipay,
        };
        for plant in of_gateway.iter().filter_map(|odd| odd.plant()) {
            shop.sim.plant(plant).unwrap();
        }
        shop.sim
            .plant(Plant::foreign(gateway, &date.to_string(), FOREIGN))
            .unwrap();

        let (day, n_questions) = self.run(date, channel).await;
        let mut found = open(&day);
        found.sort_by_key(sort_key);
        let mut repaired: Vec<(DifferenceKind, String)> = day
            .differences
            .iter()
            .filter(|difference| difference.state == DifferenceState::Repaired)
            .map(|difference| (difference.kind, difference.subject.clone()))
            .collect();
        repaired.sort_by_key(sort_key);
        self.tally.n_planted += of_gateway.len();
        self.tally.n_found += matched(&found, &to_find) + matched(&repaired, &to_repair);
        self.tally.n_false += found.len() - matched(&found, &to_find);
        self.tally.n_repaired += repaired.len();
        self.tally.n_questions += n_questions;
        assert_eq!(found, to_find, "{date} {channel} {:#?}", day.differences);
        assert_eq!(repaired, to_repair, "{date} {channel}");
        assert_eq!(day.row.figures.n_foreign, i64::from(FOREIGN), "{date} {channel}");
        let n_again = of_gateway.iter().filter(|odd| odd.is_asked_again()).count();
        assert_eq!(
            n_questions,
            i64::try_from(repaired.len() + n_again).unwrap(),
            "one signed query for each"
        );
        for silent in of_gateway.iter().filter(|odd| odd.case == Case::Silent) {
            assert_eq!(shop.payment_status(&silent.payment).await, PaymentStatus::Success);
        }

        let before = read_tables(shop.database()).await;
        let (again, n_questions) = self.run(date, channel).await;
        assert_eq!(again, day, "{date} {channel}");
        assert_eq!(n_questions, i64::try_from(n_again).unwrap());
        assert_same(&before, &read_tables(shop.database()).await);

        shop.sim.clear_plants();
        self.check_sums(date, channel, &of_gateway).await;
    }

    /// Sums of the true statements: equal to the books and to the fund-flow statement, but for refunds made by hand.
    async fn check_sums(&self, date: NaiveDate, channel: Channel, odd: &[&Odd]) {
        let (day, _) = self.run(date, channel).await;
        let by_hand: Vec<_> = odd
            .iter()
            .filter(|odd| odd.case == Case::ByHand)
            .map(|odd| odd.expected())
            .collect();
        let mut left = open(&day);
        left.sort_by_key(sort_key);
        let mut wanted = by_hand.clone();
        wanted.sort_by_key(sort_key);
        assert_eq!(left, wanted, "{date} {channel}: {:#?}", day.differences);
        let figures = &day.row.figures;
        let (statement, books) = (figures.statement, figures.books);
        let by_hand_fen = REFUND_FEN * i64::try_from(by_hand.len()).unwrap();
        let what = format!("{date} {channel}: {figures:?}");
        assert_eq!(
            statement.payments,
            self.gross[&(date, channel.method().as_str())],
            "{what}"
        );
        assert_eq!(statement.payments, books.payments, "{what}");
        assert_eq!(statement.refunds, books.refunds + by_hand_fen, "{what}");
        assert!(statement.fees > 0, "{what}");
        assert_eq!(figures.fund_net, Some(statement.net()), "{what}");
        if by_hand.is_empty() {
            assert_eq!(statement, books, "{what}");
        } else {
            let actor = Actor::of_command("test");
            close_day(&self.shop.services, &actor, (date, channel), "商户平台手工退款")
                .await
                .unwrap();
        }
        let closed = payments::reconciliation::find_day(&self.shop.services, date, channel)
            .await
            .unwrap();
        assert_eq!(
            (closed.row.status, closed.n_open()),
            (ReconciliationStatus::Matched, 0),
            "{what}"
        );
        assert!(closed.row.close.is_some(), "{what}");
    }
}

fn sort_key((kind, subject): &(DifferenceKind, String)) -> (&'static str, String) {
    (kind.as_str(), subject.clone())
}

fn matched(found: &[(DifferenceKind, String)], wanted: &[(DifferenceKind, String)]) -> usize {
    wanted.iter().filter(|wanted| found.contains(wanted)).count()
}

#[track_caller]
fn assert_same(before: &crate::tables::Tables, after: &crate::tables::Tables) {
    let changed: Vec<&str> = before
        .iter()
        .filter(|(name, rows)| after.get(*name) != Some(*rows))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(changed, [""; 0], "tables that a second run changed");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a size of the test is no setting of the product"
)]
fn number(name: &str) -> Option<usize> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_difference_of_a_month_is_found_and_nothing_else() {
    let per_day = number("STATEMENT_PAYMENTS");
    let n_days = number("STATEMENT_DAYS").unwrap_or(30);
    on_each_engine(async |shop| {
        let began = Instant::now();
        let mut month = Month {
            shop,
            // Two payments at midnight are added.
            per_gateway: per_day.map_or(SHORT + 2, |n| n / 2 - 2),
            is_long: per_day.is_some(),
            n_made: 0,
            gross: BTreeMap::new(),
            tally: Tally::default(),
        };
        for day in 0..n_days {
            let date = month.today();
            let odd = month.live_through(day).await;
            // From half past ten the statements of the day before are there.
            shop.sleep(month.until(10 * 3600 + 1800)).await;
            for channel in Channel::ALL {
                month.check(date, channel, &odd).await;
            }
        }
        let Tally {
            n_payments,
            n_planted,
            n_found,
            n_false,
            n_repaired,
            n_questions,
        } = month.tally;
        println!(
            "{n_days} days, {n_payments} payments: {n_found} of {n_planted} differences found, {n_false} false alarms, {n_repaired} repaired, {n_questions} queries, in {:?}",
            began.elapsed()
        );
        assert_eq!((n_found, n_false), (n_planted, 0));
        let n_kinds = if month.is_long { n_days * 20 } else { n_days * SHORT };
        assert!(n_planted >= n_kinds, "{n_planted} planted");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_is_not_signed_repairs_nothing() {
    on_each_engine(async |shop| {
        let mut silent = Vec::new();
        for (method, _) in BOTH {
            paid(shop, method, "10.00").await;
            silent.push(shop.paid_silently(method, "49.90").await);
        }
        sleep_until_morning(shop).await;
        for payment in silent {
            let channel = payment.method().channel().unwrap();
            shop.sim
                .fault(Fault::new(FaultKind::BadSignature).at(Endpoint::Query));
            let day = reconcile(shop, channel).await;
            let expected = (DifferenceKind::Status, payment.payment_no.to_string());
            assert_eq!(open(&day), [expected], "{channel}");
            assert_ne!(shop.payment_status(&payment).await, PaymentStatus::Success);
            shop.sim.faults(Faults::none());
            let day = reconcile(shop, channel).await;
            assert_eq!(open(&day), [], "{channel}");
            assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
        }
    })
    .await;
}
