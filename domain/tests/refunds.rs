//! Every report over every state of a refund: `advance` is a table, and this is every cell and every walk over it.
//!
//! Promised at every step: money that is back stays back, nothing but the gateway's word makes it so, and a number that
//! failed is never taken up again.

use std::collections::HashSet;

use domain::refund::advance;
use domain::{RefundReport, RefundState, Timestamp};

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
        // Also out of `Stuck`: a person has acted, and the gateway has taken it up again.
        assert_eq!(after, Pending, "{}", context());
    }
    if is_under_way && matches!(report, RefundReport::Stuck(_)) {
        assert_eq!(after, Stuck, "{}", context());
    }
}

#[test]
fn t_30_whatever_the_gateways_say_only_their_word_of_success_ends_a_refund_well() {
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
fn news_that_comes_in_another_order_or_twice_ends_the_same_once_money_is_back() {
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
