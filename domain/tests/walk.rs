//! Every sequence of reports over two payments of one order, from every start, through `settle` and `lapse`.
//!
//! Promised at every step: an order is paid by one payment, paid is final, and every other sum that arrived is surplus.

use std::collections::HashSet;

use domain::{
    LatePolicy, Money, OrderState, PaymentState, Receipt, Report, Settlement, Timestamp, lapse, settle,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct World {
    order: OrderState,
    payments: [PaymentState; 2],
    settling: [bool; 2],
    surplus: [bool; 2],
}

fn asked() -> Money {
    Money::from_fen(9990).expect("a positive amount")
}

fn receipt(fen: i64) -> Report {
    Report::Paid(Receipt {
        transaction_id: "4200001".to_owned(),
        amount: Money::from_fen(fen).expect("a positive amount"),
        paid_at: Timestamp::from_millis(0),
    })
}

fn reports() -> Vec<Report> {
    vec![
        Report::Absent,
        Report::Unpaid,
        receipt(9990),
        receipt(9989),
        Report::Closed,
        Report::Declined("RULE_LIMIT".to_owned()),
    ]
}

/// Applies a settlement as the store does.
fn step(mut world: World, index: usize, policy: LatePolicy, report: &Report, at_deadline: bool) -> World {
    let rule = if at_deadline { lapse } else { settle };
    let before = world;
    match rule(world.order, world.payments[index], asked(), policy, report) {
        Settlement::Unchanged | Settlement::WrongAmount => {}
        Settlement::Acknowledged => world.payments[index] = PaymentState::Pending,
        Settlement::Closed => world.payments[index] = PaymentState::Closed,
        Settlement::Declined => world.payments[index] = PaymentState::Declined,
        Settlement::Paid => {
            world.payments[index] = PaymentState::Paid;
            world.settling[index] = true;
            world.order = OrderState::Paid;
        }
        Settlement::Surplus => {
            world.payments[index] = PaymentState::Paid;
            world.surplus[index] = true;
        }
    }
    check(&before, &world, index, policy, report);
    world
}

fn check(before: &World, after: &World, index: usize, policy: LatePolicy, report: &Report) {
    let context = || format!("{before:?} -- {report:?} on {index}, {policy:?} --> {after:?}");
    let n_settling = after.settling.iter().filter(|settles| **settles).count();
    assert!(n_settling <= 1, "paid twice: {}", context());
    assert_eq!(
        after.order == OrderState::Paid,
        n_settling == 1,
        "paid without a payment: {}",
        context()
    );
    for i in 0..2 {
        let is_paid = after.payments[i] == PaymentState::Paid;
        assert!(
            before.payments[i] != PaymentState::Paid || is_paid,
            "paid was lost: {}",
            context()
        );
        assert_eq!(
            is_paid,
            after.settling[i] ^ after.surplus[i],
            "money of neither kind: {}",
            context()
        );
    }
    if matches!(report, Report::Paid(receipt) if receipt.amount == asked()) {
        assert_eq!(
            after.payments[index],
            PaymentState::Paid,
            "money was ignored: {}",
            context()
        );
    }
    if matches!(report, Report::Paid(receipt) if receipt.amount != asked()) {
        assert_eq!(before, after, "a wrong sum changed something: {}", context());
    }
    if before.order == OrderState::Cancelled && policy == LatePolicy::Refund {
        assert_eq!(
            after.order,
            OrderState::Cancelled,
            "a cancelled order came back: {}",
            context()
        );
    }
}

/// Visits every state that any sequence of reports leads to, and takes every step out of each of them once:
/// sequences of five reports, and of any other length, are walks over these steps.
fn walk(start: World, policy: LatePolicy, reports: &[Report]) -> usize {
    let mut seen = HashSet::from([start]);
    let mut open = vec![start];
    let mut n_steps = 0;
    while let Some(world) = open.pop() {
        for report in reports {
            for index in 0..2 {
                for at_deadline in [false, true] {
                    n_steps += 1;
                    let next = step(world, index, policy, report, at_deadline);
                    if seen.insert(next) {
                        open.push(next);
                    }
                }
            }
        }
    }
    n_steps
}

#[test]
fn any_sequence_of_reports_pays_an_order_at_most_once_and_for_ever() {
    use PaymentState::{Closed, Created, Declined, Pending};
    let reports = reports();
    let unpaid = [Created, Pending, Closed, Declined];
    let mut n_steps = 0;
    for policy in [LatePolicy::Refund, LatePolicy::Accept] {
        for order in [OrderState::Open, OrderState::Cancelled] {
            for payments in unpaid
                .iter()
                .flat_map(|first| unpaid.map(|second| [*first, second]))
            {
                let start = World {
                    order,
                    payments,
                    settling: [false; 2],
                    surplus: [false; 2],
                };
                n_steps += walk(start, policy, &reports);
            }
        }
    }
    assert!(n_steps > 10_000, "only {n_steps} steps were walked");
}
