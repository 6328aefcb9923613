//! What a person must hear of when a refund changes.

use domain::{Money, PaymentId, Refund, RefundId, RefundNo, RefundState, Timestamp};

use super::incident;
use crate::store::incidents::IncidentKind;

fn refund(state: RefundState) -> Refund {
    Refund {
        id: RefundId::parse("ref_1").unwrap(),
        refund_no: RefundNo::parse("R1").unwrap(),
        payment_id: PaymentId::parse("pay_1").unwrap(),
        amount: Money::from_fen(100).unwrap(),
        reason: String::new(),
        state,
        gateway_refund_id: None,
        failure_reason: Some("CLOSED: m".to_owned()),
        created_at: Timestamp::from_millis(0),
        finished_at: None,
        version: 0,
    }
}

#[test]
fn a_person_hears_of_what_failed_stuck_or_came_back_to_life_and_of_nothing_else() {
    use RefundState::{Failed, Stuck, Succeeded};
    for before in RefundState::ALL {
        for after in RefundState::ALL {
            let said = incident(&refund(before), &refund(after)).map(|(kind, _)| kind);
            let wanted = match (before, after) {
                (before, after) if before == after => None,
                (Failed, Succeeded) => Some(IncidentKind::RefundRevived),
                (_, Failed) => Some(IncidentKind::RefundFailed),
                (_, Stuck) => Some(IncidentKind::RefundStuck),
                _ => None,
            };
            assert_eq!(said, wanted, "{before:?} {after:?}");
        }
    }
}

#[test]
fn an_incident_repeats_the_gateways_words() {
    let (_, detail) = incident(&refund(RefundState::Pending), &refund(RefundState::Failed)).unwrap();
    assert_eq!(detail, "CLOSED: m");
}
