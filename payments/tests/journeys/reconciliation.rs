//! Reconciliation: a day's statements of both gateways against the books.

use std::io::Read as _;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::NaiveDate;
use domain::{Channel, Method, Money, Payment, PaymentStatus, Refund, Timestamp, hex_digits};
use flate2::read::GzDecoder;
use payments::console::{Actor, close_day, explain_difference, list_open_incidents};
use payments::gateway::bill::BillKind;
use payments::reconciliation::{
    Difference, DifferenceKind, DifferenceState, ReconciledDay, ReconciliationStatus, StatementSource,
    find_day, find_day_now, reconcile_day, run_statements,
};
use payments::{FeedQuery, RefundRequest, Requester, list_events};
use simulator::{Endpoint, Fault, FaultKind, Faults, Plant, PlantKind, Table};

use crate::shop::{BOTH, Engine, Shop, on_each_engine};

/// Beijing day on which the shop opens, at ten in the morning.
pub fn opening_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 24).unwrap()
}

pub async fn paid(shop: &Shop, method: Method, yuan: &str) -> Payment {
    let order = shop.order(yuan).await;
    let payment = shop.start(&order, method).await;
    shop.scan_and_pay(&payment).await;
    shop.payment(&payment).await
}

async fn refunded(shop: &Shop, payment: &Payment, yuan: &str) -> Refund {
    let request = RefundRequest {
        payment_id: payment.id.clone(),
        amount: Some(Money::parse_yuan(yuan).unwrap()),
        reason: "不想要了".to_owned(),
        refund_no: None,
        by: Requester::Rule,
    };
    let refund = payments::request_refund(&shop.services, request, None)
        .await
        .unwrap();
    let refund = refund.into_value().unwrap();
    shop.pass(Duration::from_mins(1)).await;
    payments::find_refund(&shop.services, &refund.id).await.unwrap().0
}

/// Goes to the next morning, when the statements of the opening day are there.
pub async fn sleep_until_morning(shop: &Shop) {
    shop.sleep(Duration::from_mins(1470)).await;
}

pub async fn reconcile(shop: &Shop, channel: Channel) -> ReconciledDay {
    reconcile_day(&shop.services, opening_day(), channel, StatementSource::Gateway)
        .await
        .unwrap()
}

pub async fn count_events(shop: &Shop) -> usize {
    payments::publish_events(&shop.services).await.unwrap();
    let query = FeedQuery {
        after: None,
        kind: domain::EventType::parse("reconciliation.finished"),
        limit: 100,
    };
    list_events(&shop.services, &query).await.unwrap().events.len()
}

pub fn open(day: &ReconciledDay) -> Vec<(DifferenceKind, String)> {
    let open = |difference: &&Difference| difference.state == DifferenceState::Open;
    day.differences
        .iter()
        .filter(open)
        .map(|difference| (difference.kind, difference.subject.clone()))
        .collect()
}

#[tokio::test]
async fn a_day_that_matches_is_closed_and_its_fees_are_in_the_books() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let first = paid(shop, method, "49.90").await;
            paid(shop, method, "100.00").await;
            paid(shop, method, "0.01").await;
            refunded(shop, &first, "9.90").await;
        }
        sleep_until_morning(shop).await;
        for channel in Channel::ALL {
            let day = reconcile(shop, channel).await;
            assert_eq!(day.differences, [], "{channel} {:?}", day.row.note);
            assert_eq!(day.row.status, ReconciliationStatus::Matched);
            assert!(day.row.close.is_some() && day.row.changed_at.is_none());
            let figures = &day.row.figures;
            assert_eq!(
                (figures.statement, figures.statement.payments),
                (figures.books, 14_991)
            );
            assert_eq!(figures.statement.refunds, 990);
            assert!(figures.statement.fees > 80, "{figures:?}");
            assert_eq!(figures.fund_net, Some(figures.statement.net()), "{channel}");
        }
        let n_events = count_events(shop).await;
        assert_eq!(n_events, 2);
        for channel in Channel::ALL {
            let before = find_day(&shop.services, opening_day(), channel).await.unwrap();
            let again = reconcile(shop, channel).await;
            assert_eq!(again, before);
        }
        assert_eq!(count_events(shop).await, n_events);
    })
    .await;
}

/// Checks that a planted difference is found as this kind.
async fn require_found(
    shop: &Shop,
    channel: Channel,
    plant: Plant,
    kind: DifferenceKind,
    subject: Option<&str>,
) {
    let what = format!("{channel} {plant:?}");
    shop.sim.plant(plant).unwrap();
    let day = reconcile(shop, channel).await;
    let found = open(&day);
    assert_eq!(found.len(), 1, "{what}: {:?} {:?}", day.row.note, day.differences);
    assert_eq!(found[0].0, kind, "{what}: {:?}", day.differences);
    if let Some(subject) = subject {
        assert_eq!(found[0].1, subject, "{what}");
    }
    assert_eq!(day.row.status, ReconciliationStatus::Differences);
    let incidents = list_open_incidents(&shop.services, None, 50).await.unwrap();
    assert_eq!(incidents.data.len(), 1, "{what}");
    shop.sim.clear_plants();
    let day = reconcile(shop, channel).await;
    assert_eq!(open(&day), [], "{what}: {:?}", day.differences);
    assert_eq!(day.row.status, ReconciliationStatus::Matched, "{what}");
    let incidents = list_open_incidents(&shop.services, None, 50).await.unwrap();
    assert_eq!(incidents.data.len(), 0, "{what}");
}

#[tokio::test]
async fn every_planted_difference_is_found_as_what_it_is() {
    on_each_engine(async |shop| {
        let mut trades = Vec::new();
        for (method, _) in BOTH {
            let first = paid(shop, method, "49.90").await;
            for yuan in ["100.00", "73.50", "250.00"] {
                paid(shop, method, yuan).await;
            }
            let refund = refunded(shop, &first, "19.90").await;
            trades.push((method.channel().unwrap(), first, refund));
        }
        sleep_until_morning(shop).await;
        for (channel, payment, refund) in &trades {
            let (number, refund_no) = (payment.payment_no.as_str(), refund.refund_no.as_str());
            for table in [None, Some(Table::Trade), Some(Table::FundFlow)] {
                let of_table = |plant: Plant| match table {
                    Some(table) => plant.only_in(table),
                    None => plant,
                };
                for (planted, kind) in [
                    (PlantKind::Omit, DifferenceKind::MissingInStatement),
                    (PlantKind::Amount, DifferenceKind::Amount),
                    (PlantKind::Fee, DifferenceKind::Fee),
                ] {
                    let plant = of_table(Plant::of_trade(planted, number));
                    require_found(shop, *channel, plant, kind, Some(number)).await;
                }
                for (planted, kind) in [
                    (PlantKind::Omit, DifferenceKind::MissingInStatement),
                    (PlantKind::Amount, DifferenceKind::Amount),
                ] {
                    let plant = of_table(Plant::of_refund(planted, refund_no));
                    require_found(shop, *channel, plant, kind, Some(refund_no)).await;
                }
                let plant = of_table(Plant::of_trade(PlantKind::Invent, number));
                require_found(shop, *channel, plant, DifferenceKind::MissingInBooks, None).await;
            }
            let plant = Plant::of_trade(PlantKind::Duplicate, number);
            require_found(shop, *channel, plant, DifferenceKind::Duplicate, None).await;
        }
        let (channel, _, refund) = &trades[0];
        let refund_no = refund.refund_no.as_str();
        let plant = Plant::of_refund(PlantKind::Status, refund_no);
        require_found(shop, *channel, plant, DifferenceKind::Status, Some(refund_no)).await;
        let plant = Plant::of_refund(PlantKind::Fee, refund_no);
        require_found(shop, *channel, plant, DifferenceKind::Fee, Some(refund_no)).await;
    })
    .await;
}

#[tokio::test]
async fn payments_of_other_programs_are_told_apart_without_an_alarm() {
    on_each_engine(async |shop| {
        for (method, gateway) in [
            (Method::Wechat, simulator::Gateway::Wechat),
            (Method::Alipay, simulator::Gateway::Alipay),
        ] {
            paid(shop, method, "49.90").await;
            shop.sim.plant(Plant::foreign(gateway, "2026-11-24", 40)).unwrap();
        }
        sleep_until_morning(shop).await;
        for channel in Channel::ALL {
            let day = reconcile(shop, channel).await;
            assert_eq!(
                (day.row.status, day.differences),
                (ReconciliationStatus::Matched, vec![])
            );
            let figures = day.row.figures;
            assert_eq!((figures.n_payments, figures.n_foreign), (1, 40));
            assert_eq!(
                figures.fund_net,
                Some(figures.statement.net() + figures.foreign_net)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_payment_that_only_the_statement_knows_is_asked_for_and_settled() {
    on_each_engine(async |shop| {
        let mut silent = Vec::new();
        for (method, _) in BOTH {
            paid(shop, method, "10.00").await;
            silent.push(shop.paid_silently(method, "49.90").await);
        }
        // Neither a notification nor a job tells us of it.
        sleep_until_morning(shop).await;
        for payment in &silent {
            let channel = payment.method().channel().unwrap();
            assert_ne!(shop.payment_status(payment).await, PaymentStatus::Success);
            let day = reconcile(shop, channel).await;
            assert_eq!(
                day.row.status,
                ReconciliationStatus::Matched,
                "{:?}",
                day.differences
            );
            let [difference] = day.differences.as_slice() else {
                panic!("{:?}", day.differences)
            };
            assert_eq!(
                (difference.kind, difference.state),
                (DifferenceKind::Status, DifferenceState::Repaired)
            );
            assert_eq!(shop.payment_status(payment).await, PaymentStatus::Success);
            assert_eq!(day.row.figures.statement, day.row.figures.books);
        }
    })
    .await;
}

#[tokio::test]
async fn a_refund_made_by_hand_waits_for_an_explanation() {
    on_each_engine(async |shop| {
        let actor = Actor::of_command("test");
        for (method, _) in BOTH {
            let channel = method.channel().unwrap();
            let payment = paid(shop, method, "49.90").await;
            paid(shop, method, "20.00").await;
            shop.sim
                .refund_by_hand(payment.payment_no.as_str(), Some(500))
                .await
                .unwrap();
            if method == Method::Wechat {
                continue;
            }
            sleep_until_morning(shop).await;
            let day = reconcile(shop, channel).await;
            let [(kind, subject)] = <[_; 1]>::try_from(open(&day)).unwrap();
            assert_eq!(kind, DifferenceKind::MissingInBooks);
            assert_eq!(
                day.differences[0].payment_no.as_deref(),
                Some(payment.payment_no.as_str())
            );
            let of = (opening_day(), channel);
            explain_difference(&shop.services, &actor, of, (kind, &subject), "顾客投诉")
                .await
                .unwrap();
            let day = find_day(&shop.services, of.0, of.1).await.unwrap();
            assert_eq!(day.row.status, ReconciliationStatus::Matched);
            assert_eq!(day.differences[0].explained_by.as_deref(), Some("os:test"));
            let again = reconcile(shop, channel).await;
            assert_eq!(again.differences[0].state, DifferenceState::Explained);
            assert_eq!(again.row.status, ReconciliationStatus::Matched);
        }
        let of = (opening_day(), Channel::Wechat);
        assert_eq!(reconcile(shop, Channel::Wechat).await.n_open(), 1);
        close_day(&shop.services, &actor, of, "顾客投诉").await.unwrap();
        let closed = find_day(&shop.services, of.0, of.1).await.unwrap();
        assert_eq!(
            (closed.row.status, closed.n_open()),
            (ReconciliationStatus::Matched, 0)
        );
        // A later change of a closed day is shown as one.
        shop.sim.fault(Fault::new(FaultKind::BillInvents).times(1));
        let changed = reconcile(shop, Channel::Wechat).await;
        assert_eq!(changed.n_open(), 1, "{:?}", changed.differences);
        assert!(changed.row.changed_at.is_some());
        shop.sim.faults(Faults::none());
        assert_eq!(reconcile(shop, Channel::Wechat).await.n_open(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_cannot_be_used_is_pending_and_asked_for_again() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for (method, _) in BOTH {
        paid(&shop, method, "49.90").await;
    }
    let early = reconcile(&shop, Channel::Wechat).await;
    assert_eq!(early.row.status, ReconciliationStatus::Pending);
    sleep_until_morning(&shop).await;
    for channel in Channel::ALL {
        for kind in [
            FaultKind::BillNotReady,
            FaultKind::BillMissing,
            FaultKind::BillWrongHash,
            FaultKind::BillDamaged,
            FaultKind::BillCutOff,
            FaultKind::BillOfOther,
            FaultKind::BillOfOtherDay,
            FaultKind::BadSignature,
            FaultKind::Html502,
        ] {
            if channel == Channel::Alipay && kind == FaultKind::BillWrongHash {
                continue;
            }
            shop.sim.fault(Fault::new(kind).at(Endpoint::Bill));
            let day = reconcile(&shop, channel).await;
            assert_eq!(
                (day.row.status, day.differences.len()),
                (ReconciliationStatus::Pending, 0),
                "{channel} {kind:?}"
            );
            assert!(
                day.row.note.is_some() && day.row.due_at.is_some(),
                "{channel} {kind:?}"
            );
            shop.sim.faults(Faults::none());
        }
        assert_eq!(
            reconcile(&shop, channel).await.row.status,
            ReconciliationStatus::Matched
        );
    }
    shop.close().await;
}

#[tokio::test]
async fn a_closed_day_has_changed_once_the_books_have_more_of_it() {
    on_each_engine(async |shop| {
        paid(shop, Method::Wechat, "49.90").await;
        // Another merchant account's, which this statement does not list.
        let other = paid(shop, Method::Wechat, "20.00").await;
        let number = other.payment_no.as_str();
        shop.sim.plant(Plant::of_trade(PlantKind::Omit, number)).unwrap();
        let moved = shop
            .meddle(format!(
                "update payments set account = 'other' where payment_no = '{number}'"
            ))
            .await;
        assert_eq!(moved, 1);
        // One that the books have on the next day.
        let next = paid(shop, Method::Wechat, "30.00").await;
        let moved = shop
            .meddle(format!(
                "update payments set paid_at = paid_at + 86400000 where payment_no = '{}'",
                next.payment_no
            ))
            .await;
        assert_eq!(moved, 1);
        // One that neither the statement nor the books have yet.
        let silent = shop.paid_silently(Method::Wechat, "40.00").await;
        let number = silent.payment_no.as_str();
        shop.sim.plant(Plant::of_trade(PlantKind::Omit, number)).unwrap();
        sleep_until_morning(shop).await;
        let day = reconcile(shop, Channel::Wechat).await;
        assert_eq!(
            (day.row.status, day.row.figures.books.payments),
            (ReconciliationStatus::Matched, 7_990),
            "{:?}",
            day.differences
        );
        let now = async || {
            find_day_now(&shop.services, opening_day(), Channel::Wechat)
                .await
                .unwrap()
        };
        assert!(!now().await.has_changed(), "{:?}", now().await);
        shop.pass(Duration::from_mins(1)).await;
        assert_eq!(shop.payment_status(&silent).await, PaymentStatus::Success);
        assert!(now().await.has_changed(), "{:?}", now().await);
    })
    .await;
}

#[tokio::test]
async fn missed_days_are_caught_up_once_by_several_servers() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            paid(shop, method, "49.90").await;
        }
        shop.sleep(Duration::from_mins(4350)).await;
        let latest = opening_day() + chrono::Days::new(2);
        let runs = [0, 1].map(|_| run_statements(&shop.services, Some(latest)));
        let n_done: usize = futures_util::future::join_all(runs)
            .await
            .into_iter()
            .map(Result::unwrap)
            .sum();
        assert_eq!(n_done, 6);
        for channel in Channel::ALL {
            for day in opening_day().iter_days().take(3) {
                let day = find_day(&shop.services, day, channel).await.unwrap();
                assert_eq!(day.row.status, ReconciliationStatus::Matched, "{:?}", day.row);
            }
        }
        assert_eq!(count_events(shop).await, 6);
        assert_eq!(run_statements(&shop.services, Some(latest)).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_file_that_a_person_brings_counts_like_a_download() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            paid(shop, method, "49.90").await;
        }
        sleep_until_morning(shop).await;
        for channel in Channel::ALL {
            let gateway = shop.services.gateways.get(channel).unwrap();
            let trade = gateway
                .download_bill(opening_day(), BillKind::Trade)
                .await
                .unwrap();
            let bring = |file: Vec<u8>| {
                reconcile_day(
                    &shop.services,
                    opening_day(),
                    channel,
                    StatementSource::File(file),
                )
            };
            for wrong in [b"nothing".to_vec(), trade[..trade.len() / 2].to_vec()] {
                let day = bring(wrong).await.unwrap();
                assert_eq!(day.row.status, ReconciliationStatus::Pending, "{channel}");
            }
            let day = bring(trade).await.unwrap();
            assert_eq!(
                (day.row.status, day.row.note),
                (ReconciliationStatus::Matched, None)
            );
        }
    })
    .await;
}

/// Number of kept statements that match: 1 or 0.
async fn count_kept(shop: &Shop, kind: BillKind, source: &str, file: &[u8], until: Timestamp) -> u64 {
    let sum = hex_digits(digest(&SHA256, file).as_ref());
    shop.meddle(format!(
        "update statements set day = day where kind = '{}' and source = '{source}' and sum = '{sum}'
            and received_at <= {}",
        kind.as_str(),
        until.millis()
    ))
    .await
}

#[tokio::test]
async fn a_file_beside_a_kept_one_leaves_it_as_it_came() {
    on_each_engine(async |shop| {
        paid(shop, Method::Wechat, "49.90").await;
        sleep_until_morning(shop).await;
        let gateway = shop.services.gateways.get(Channel::Wechat).unwrap();
        let plain = async |kind| {
            let packed = gateway.download_bill(opening_day(), kind).await.unwrap();
            let mut text = Vec::new();
            GzDecoder::new(packed.as_slice()).read_to_end(&mut text).unwrap();
            text
        };
        let trade = plain(BillKind::Trade).await;
        let funds = plain(BillKind::FundFlow).await;
        let bring = async |file: &[u8]| {
            let file = StatementSource::File(file.to_vec());
            let day = reconcile_day(&shop.services, opening_day(), Channel::Wechat, file)
                .await
                .unwrap();
            assert_eq!(
                (day.row.status, day.row.note),
                (ReconciliationStatus::Matched, None)
            );
        };
        bring(&trade).await;
        let first = shop.services.clock.now();
        shop.pass(Duration::from_mins(1)).await;
        bring(&funds).await;
        let second = shop.services.clock.now();
        assert_eq!(count_kept(shop, BillKind::Trade, "file", &trade, first).await, 1);
        assert_eq!(
            count_kept(shop, BillKind::FundFlow, "file", &funds, second).await,
            1
        );
        assert_eq!(
            count_kept(shop, BillKind::FundFlow, "file", &funds, first).await,
            0
        );
    })
    .await;
}

#[tokio::test]
async fn a_run_that_is_cut_off_anywhere_ends_as_if_it_had_run_once() {
    on_each_engine(async |shop| {
        for (method, _) in BOTH {
            let first = paid(shop, method, "49.90").await;
            for yuan in ["20.00", "30.00"] {
                paid(shop, method, yuan).await;
            }
            refunded(shop, &first, "9.90").await;
        }
        sleep_until_morning(shop).await;
        for channel in Channel::ALL {
            for n_steps in [0, 3, 10, 30, 100, 300, 1000] {
                let run = Box::pin(reconcile(shop, channel));
                let end = Box::pin(async {
                    for _ in 0..n_steps {
                        tokio::task::yield_now().await;
                    }
                });
                futures_util::future::select(run, end).await;
            }
            let day = reconcile(shop, channel).await;
            assert_eq!(
                day.row.status,
                ReconciliationStatus::Matched,
                "{:?}",
                day.differences
            );
            assert_eq!(day.row.figures.statement, day.row.figures.books);
        }
        assert_eq!(count_events(shop).await, 2);
    })
    .await;
}
