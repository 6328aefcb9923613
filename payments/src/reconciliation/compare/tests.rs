//! Tests of the comparison of one line.

use super::super::statement::{NumbersOfLine, RefundOfLine};
use super::*;

const END: Timestamp = Timestamp::from_millis(1_795_536_000_000);

fn payment(amount: i64, fee: i64) -> Line {
    Line {
        numbers: NumbersOfLine::default(),
        is_ours: true,
        refund: None,
        amount,
        settled: amount,
        fee,
        rate: Some(6000),
        at: Timestamp::from_millis(1_795_500_000_000),
        flow: Flow { gross: amount, fee },
        has_moved: true,
        is_judged: false,
    }
}

fn refund(amount: i64, fee: i64, state: RefundLine) -> Line {
    Line {
        refund: Some(Box::new(RefundOfLine {
            refund_no: "R1".into(),
            state,
        })),
        ..payment(amount, fee)
    }
}

fn kind(line: &Line, amount: i64, state: BookState) -> Option<DifferenceKind> {
    judge(line, amount, state, &Rates::default(), Some(END)).map(|found| found.kind)
}

const DONE: BookState = BookState::Refund(RefundState::Succeeded);

#[test]
fn a_line_is_judged_by_amount_then_status_then_movement_then_fee() {
    let good = payment(4990, 30);
    assert_eq!(kind(&good, 4990, BookState::Paid), None);
    assert_eq!(kind(&good, 4991, BookState::Unpaid), Some(DifferenceKind::Amount));
    assert_eq!(kind(&good, 4990, BookState::Unpaid), Some(DifferenceKind::Status));
    let moved = |gross, fee| Line {
        flow: Flow { gross, fee },
        ..payment(4990, 30)
    };
    assert_eq!(
        kind(&moved(4991, 30), 4990, BookState::Paid),
        Some(DifferenceKind::Amount)
    );
    assert_eq!(
        kind(&moved(4990, 31), 4990, BookState::Paid),
        Some(DifferenceKind::Fee)
    );
    let unmoved = Line {
        has_moved: false,
        ..moved(0, 0)
    };
    assert_eq!(
        kind(&unmoved, 4990, BookState::Paid),
        Some(DifferenceKind::MissingInStatement)
    );
    for fee in [29, 31] {
        assert_eq!(
            kind(&payment(4990, fee), 4990, BookState::Paid),
            Some(DifferenceKind::Fee),
            "{fee}"
        );
    }
}

#[test]
fn a_movement_of_the_last_minutes_may_be_booked_on_the_next_day() {
    let late = Line {
        at: END - Duration::from_mins(1),
        flow: Flow::default(),
        has_moved: false,
        ..payment(4990, 30)
    };
    assert_eq!(kind(&late, 4990, BookState::Paid), None);
}

#[test]
fn a_statement_is_a_snapshot_of_its_refunds() {
    use RefundState::{Failed, Pending, Requested, Stuck, Succeeded};
    for (line, fine, wrong) in [
        (
            RefundLine::Done,
            &[Succeeded][..],
            &[Failed, Pending, Requested, Stuck][..],
        ),
        (
            RefundLine::InProgress,
            &[Succeeded, Failed, Pending, Requested, Stuck],
            &[],
        ),
        (
            RefundLine::Failed,
            &[Failed, Pending, Requested, Stuck],
            &[Succeeded],
        ),
    ] {
        for state in fine {
            assert_eq!(
                kind(&refund(990, 6, line), 990, BookState::Refund(*state)),
                None,
                "{line:?} {state:?}"
            );
        }
        for state in wrong {
            assert_eq!(
                kind(&refund(990, 6, line), 990, BookState::Refund(*state)),
                Some(DifferenceKind::Status),
                "{line:?} {state:?}"
            );
        }
    }
}

#[test]
fn the_fee_of_a_refund_is_a_difference_of_two_rounded_fees() {
    for fee in [5, 6] {
        assert_eq!(
            kind(&refund(990, fee, RefundLine::Done), 990, DONE),
            None,
            "{fee}"
        );
    }
    for fee in [4, 7] {
        assert_eq!(
            kind(&refund(990, fee, RefundLine::Done), 990, DONE),
            Some(DifferenceKind::Fee),
            "{fee}"
        );
    }
    let in_one = Line {
        flow: Flow { gross: 984, fee: 0 },
        ..refund(990, 6, RefundLine::Done)
    };
    assert_eq!(kind(&in_one, 990, DONE), None);
}

fn untold(amount: i64, fee: i64) -> Line {
    Line {
        rate: None,
        ..payment(amount, fee)
    }
}

#[test]
fn a_rate_that_is_not_told_is_learnt_from_the_day() {
    let round = |amount: i64, rate: i64| (amount * rate + 500_000) / 1_000_000;
    let mut lines: Vec<Line> = (1..60).map(|n| untold(n * 997, round(n * 997, 6000))).collect();
    lines.extend((1..30).map(|n| untold(n * 1009, round(n * 1009, 3800))));
    let rates = Rates::learn(lines.iter(), None);
    assert_eq!(rates.main(), Some(6000));
    for line in &lines {
        assert_eq!(judge_fee(line, &rates), None, "{line:?}");
    }
    let wrong = untold(49_900, 300);
    assert_eq!(
        judge_fee(&wrong, &rates).map(|found| (found.statement, found.books)),
        Some((300, 299))
    );
}

#[test]
fn a_day_of_one_payment_is_judged_by_an_earlier_rate_or_by_what_gateways_sign() {
    let (right, wrong) = (untold(4990, 30), untold(4990, 31));
    for earlier in [Some(6000), None] {
        assert_eq!(
            judge_fee(&right, &Rates::learn([&right].into_iter(), earlier)),
            None
        );
        assert!(judge_fee(&wrong, &Rates::learn([&wrong].into_iter(), earlier)).is_some());
    }
    assert_eq!(Rates::learn([].into_iter(), Some(6000)).main(), None);
}
