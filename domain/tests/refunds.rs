//! Every report over every state of a refund: every cell of `advance`, and every walk over it.
//!
//! Promised at every step: a succeeded refund stays succeeded, only the gateway's report makes it so, and a failed number is
//! never used again.

use std::collections::HashSet;

use std::time::Duration;

use domain::refund::{MOST_REFUNDS, WINDOW, advance, authorise, check_limits, left};
use domain::{Money, RefundRefusal, RefundReport, RefundState, Timestamp};

fn reports() -> Vec<RefundReport> {
    let words = || "an account that was closed".to_owned();
    let mut reports = vec![
        RefundReport::Absent,
        RefundReport::Failed(words()),
        RefundReport::Stuck(words()),
    ];
    for gateway_refund_id in [None, Some("50000001".to_owned())] {
        reports.push(RefundReport::Processing {
            gateway_refund_id: gateway_refund_id.clone(),
        });
        reports.push(RefundReport::Succeeded {
            gateway_refund_id,
            finished_at: Timestamp::from_millis(0),
        });
    }
    reports
}

fn check(before: RefundState, report: &RefundReport, after: RefundState) {
    use RefundState::{Failed, Pending, Requested, Stuck, Succeeded};
    let context = || format!("{before:?} -- {report:?} --> {after:?}");
    let says_done = matches!(report, RefundReport::Succeeded { .. });
    let is_done = |state| state == Succeeded;
    assert!(
        !is_done(before) || is_done(after),
        "money came back: {}",
        context()
    );
    assert_eq!(
        is_done(after),
        is_done(before) || says_done,
        "done without the gateway's word: {}",
        context()
    );
    assert!(
        before != Failed || matches!(after, Failed | Succeeded),
        "a failed number is used again: {}",
        context()
    );
    assert!(
        after != Failed || before == Failed || matches!(report, RefundReport::Failed(_)),
        "given up without the gateway's word: {}",
        context()
    );
    assert!(
        after != Requested || before == Requested,
        "forgotten that it was sent: {}",
        context()
    );
    if *report == RefundReport::Absent {
        assert_eq!(before, after, "silence is no news: {}", context());
    }
    let is_under_way = matches!(before, Requested | Pending | Stuck);
    if is_under_way && matches!(report, RefundReport::Processing { .. }) {
        // Also out of `Stuck`: a person has acted, and the gateway has resumed it.
        assert_eq!(after, Pending, "{}", context());
    }
    if is_under_way && matches!(report, RefundReport::Stuck(_)) {
        assert_eq!(after, Stuck, "{}", context());
    }
}

#[test]
fn t_30_only_a_reported_success_makes_a_refund_succeed() {
    for start in RefundState::ALL {
        let mut seen = HashSet::from([start]);
        let mut open = vec![start];
        while let Some(state) = open.pop() {
            for report in reports() {
                let next = advance(state, &report);
                check(state, &report, next);
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
    }
}

#[test]
fn reordered_or_repeated_reports_end_the_same_once_a_refund_succeeded() {
    let done = RefundReport::Succeeded {
        gateway_refund_id: None,
        finished_at: Timestamp::from_millis(0),
    };
    for start in RefundState::ALL {
        for other in reports() {
            let early = advance(advance(start, &done), &other);
            let late = advance(advance(start, &other), &done);
            assert_eq!((early, late), (RefundState::Succeeded, RefundState::Succeeded));
            let once = advance(start, &other);
            assert_eq!(advance(once, &other), once, "{start:?} {other:?}");
        }
    }
}

fn fen(fen: i64) -> Money {
    Money::from_sum(fen).expect("a small sum")
}

#[test]
fn refunds_in_any_order_never_exceed_the_payment() {
    for paid in 1..=6 {
        for claimed in 0..=paid {
            for asked in 1..=8 {
                let authorised = authorise(Some(fen(paid)), fen(claimed), fen(asked));
                assert_eq!(
                    authorised.is_ok(),
                    claimed + asked <= paid,
                    "{paid} {claimed} {asked}"
                );
                assert!(authorised.is_ok() || authorised == Err(RefundRefusal::ExceedsPayment));
                let unpaid = authorise(None, fen(claimed), fen(asked));
                assert_eq!(unpaid, Err(RefundRefusal::NotPaid));
            }
            let rest = left(fen(paid), fen(claimed));
            assert_eq!(rest.fen() + claimed, paid);
            let all = authorise(Some(fen(paid)), fen(claimed), rest);
            assert_eq!(all.is_ok(), claimed < paid, "{all:?}");
            assert!(all.is_ok() || all == Err(RefundRefusal::NothingLeft));
        }
    }
    // The gateway may have refunded more than was asked for here; then nothing is left, never less than zero.
    assert_eq!(left(fen(5), fen(7)), Money::ZERO);
    assert_eq!(
        authorise(Some(fen(5)), fen(7), fen(1)),
        Err(RefundRefusal::ExceedsPayment)
    );
}

#[test]
fn the_gateways_limits_are_exact() {
    let paid_at = Timestamp::from_millis(1_700_000_000_000);
    let last = paid_at + WINDOW;
    assert_eq!(check_limits(paid_at, MOST_REFUNDS - 1, last), Ok(()));
    assert_eq!(
        check_limits(paid_at, MOST_REFUNDS, last),
        Err(RefundRefusal::TooMany)
    );
    let late = last + Duration::from_millis(1);
    assert_eq!(check_limits(paid_at, 0, late), Err(RefundRefusal::TooLate));
}
