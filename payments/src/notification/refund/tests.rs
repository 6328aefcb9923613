use domain::{NewPayment, OrderId, PaymentId, PaymentNo, Product, RefundId, RefundNo, Timestamp};

use super::*;

fn yuan(text: &str) -> Money {
    Money::parse_yuan(text).unwrap()
}

fn payment(state: PaymentState) -> Payment {
    let at = Timestamp::from_millis(0);
    let new = NewPayment {
        id: PaymentId::parse("pay_1").unwrap(),
        payment_no: PaymentNo::parse("P1").unwrap(),
        order_id: OrderId::parse("ord_1").unwrap(),
        product: Product::Qr,
        amount: yuan("10.00"),
        expires_at: at,
        created_at: at,
    };
    Payment {
        state,
        settles: true,
        transaction_id: Some("T1".to_owned()),
        paid_at: Some(at),
        ..Payment::new(new)
    }
}

fn refund(number: &str, sum: &str, state: RefundState) -> Refund {
    Refund {
        id: RefundId::parse("ref_1").unwrap(),
        refund_no: RefundNo::parse(number).unwrap(),
        payment_id: PaymentId::parse("pay_1").unwrap(),
        amount: yuan(sum),
        reason: String::new(),
        state,
        gateway_refund_id: None,
        failure_reason: None,
        created_at: Timestamp::from_millis(0),
        updated_at: Timestamp::from_millis(0),
        finished_at: None,
        version: 0,
    }
}

/// WeChat's notification about `R1`, correct in all parts.
fn news() -> RefundNews {
    RefundNews {
        refund_no: Some("R1".to_owned()),
        transaction_id: Some("T1".to_owned()),
        amount: Some(yuan("4.00")),
        refunded: None,
        total: Some(yuan("10.00")),
        report: Some(RefundReport::Processing {
            gateway_refund_id: None,
        }),
    }
}

/// Verdict on the notification for a paid payment with the refunds `ours`.
fn judged(news: &RefundNews, ours: &[Refund]) -> String {
    let named = ours
        .iter()
        .find(|refund| Some(refund.refund_no.as_str()) == news.refund_no.as_deref());
    match judge(news, Some(&payment(PaymentState::Paid)), named, ours) {
        RefundVerdict::Apply(refund, _) => format!("apply {}", refund.refund_no),
        RefundVerdict::Ask(of) => format!("ask {}", of.len()),
        RefundVerdict::Incident(kind, _) => kind.as_str().to_owned(),
        RefundVerdict::Known => "known".to_owned(),
    }
}

#[test]
fn a_refund_notification_is_applied_when_every_number_and_amount_matches() {
    let ours = [refund("R1", "4.00", RefundState::Pending)];
    assert_eq!(judged(&news(), &ours), "apply R1");
    let another = |change: fn(&mut RefundNews)| {
        let mut news = news();
        change(&mut news);
        judged(&news, &ours)
    };
    assert_eq!(
        another(|news| news.transaction_id = Some("T2".to_owned())),
        "refund_mismatch"
    );
    assert_eq!(
        another(|news| news.total = Some(Money::parse_yuan("9.99").unwrap())),
        "refund_mismatch"
    );
    assert_eq!(
        another(|news| news.amount = Some(Money::parse_yuan("4.01").unwrap())),
        "refund_mismatch"
    );
    assert_eq!(
        another(|news| news.refund_no = Some("R2".to_owned())),
        "unknown_refund"
    );
}

#[test]
fn a_refund_of_an_unpaid_payment_raises_an_incident() {
    let named = refund("R1", "4.00", RefundState::Pending);
    for state in PaymentState::ALL
        .into_iter()
        .filter(|state| *state != PaymentState::Paid)
    {
        let (news, payment) = (news(), payment(state));
        let verdict = judge(&news, Some(&payment), Some(&named), &[]);
        assert!(
            matches!(verdict, RefundVerdict::Incident(IncidentKind::UnknownRefund, _)),
            "{state:?} {verdict:?}"
        );
    }
    let news = news();
    let verdict = judge(&news, None, None, &[]);
    assert!(matches!(
        verdict,
        RefundVerdict::Incident(IncidentKind::UnmatchedNotification, _)
    ));
}

#[test]
fn a_hint_causes_a_query_of_refunds_in_progress() {
    let hint = RefundNews {
        report: None,
        amount: None,
        refunded: Some(yuan("4.00")),
        ..news()
    };
    for (state, verdict) in [
        (RefundState::Requested, "ask 1"),
        (RefundState::Pending, "ask 1"),
        (RefundState::Stuck, "ask 1"),
        (RefundState::Succeeded, "known"),
        (RefundState::Failed, "unknown_refund"),
    ] {
        assert_eq!(
            judged(&hint, &[refund("R1", "4.00", state)]),
            verdict,
            "{state:?}"
        );
    }
    let more = RefundNews {
        refunded: Some(yuan("4.01")),
        ..hint
    };
    let ours = [refund("R1", "4.00", RefundState::Succeeded)];
    assert_eq!(
        judged(&more, &ours),
        "unknown_refund",
        "somebody gave back more than we know of"
    );
}

#[test]
fn a_hint_without_a_number_may_be_about_any_refund() {
    let hint = RefundNews {
        refund_no: None,
        report: None,
        amount: None,
        refunded: Some(yuan("10.00")),
        ..news()
    };
    assert_eq!(judged(&hint, &[]), "unknown_refund");
    let done = refund("R1", "4.00", RefundState::Succeeded);
    let open = refund("R2", "6.00", RefundState::Pending);
    assert_eq!(judged(&hint, &[done.clone(), open]), "ask 1");
    assert_eq!(judged(&hint, std::slice::from_ref(&done)), "unknown_refund");
    let all = refund("R1", "10.00", RefundState::Succeeded);
    assert_eq!(judged(&hint, &[all]), "known");
    let failed = refund("R1", "10.00", RefundState::Failed);
    assert_eq!(judged(&hint, &[failed]), "unknown_refund");
}
