//! Refunds in the console: a dialog, a second step, and above the threshold a second person.

use serde_json::{Value, json};

use crate::api::{Api, pay};
use crate::console::visitor::{OWNER, Visitor, let_passwords_grow_old, server, tells_of};
use crate::server::Server;

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn sell(server: &Server, fen: i64) -> Value {
    let api = Api::of(server);
    let body = json!({"userId": "ann", "subject": "Team plan", "amount": fen});
    let order = api.post("/orders", &body).await.ok(201);
    let payment = api.payment(&order, "alipay").await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    api.wait_for(&payment, "success").await
}

/// The hidden field of the second step.
fn refund_no(page: &str) -> &str {
    let (_, rest) = page
        .split_once("name=\"refund_no\" value=\"")
        .expect("the second step");
    rest.split('"').next().unwrap()
}

/// Sends both steps of the dialog; returns the second answer.
async fn ask(visitor: &Visitor, payment: &Value, amount: &str) -> crate::api::Answer {
    let path = format!("/admin/payments/{}/refund", text(&payment["id"]));
    let fields = [
        ("amount", amount),
        ("reason", "defect"),
        ("words", "one seat <too> few"),
    ];
    let second = visitor.post(&format!("{path}/check"), &fields).await;
    assert_eq!(second.status, 200, "{}", second.text);
    assert!(
        second.text.contains(&format!("Refund ¥{amount} to ann?")),
        "{}",
        second.text
    );
    let number = refund_no(&second.text).to_owned();
    let fields = [&fields[..], &[("refund_no", &number)]].concat();
    visitor.post(&path, &fields).await
}

/// Every refund of the payment, as the API lists them.
async fn refunds(api: &Api, payment: &Value) -> Vec<Value> {
    let path = format!("/payments/{}/refunds", text(&payment["id"]));
    let list = api.get(&path).await.ok(200);
    list["data"].as_array().or(list.as_array()).unwrap().clone()
}

#[tokio::test]
async fn a_partial_refund_never_exceeds_the_remainder() {
    let server = server(&[]);
    let api = Api::of(&server);
    let payment = sell(&server, 9990).await;
    let visitor = Visitor::employed(&server, "support").await;
    let path = format!("/admin/payments/{}/refund", text(&payment["id"]));
    let dialog = visitor.get(&path).await;
    assert!(
        dialog.text.contains("value=\"99.90\""),
        "all that is left is the default: {}",
        dialog.text
    );

    let first = ask(&visitor, &payment, "49.95").await;
    assert_eq!(first.status, 303, "{}", first.text);
    let order = visitor.get(first.header("location").unwrap()).await;
    for words in [
        "The refund is on its way.",
        "Something was wrong with it: one seat &lt;too&gt; few",
        "Requested a refund",
    ] {
        assert!(order.text.contains(words), "{words}: {}", order.text);
    }
    let list = refunds(&api, &payment).await;
    assert_eq!((list.len(), &list[0]["amount"]), (1, &json!(4995)));
    let place = format!("/admin/orders/{}", text(&payment["orderId"]));
    for number in ["refundNo", "id"] {
        let found = visitor
            .get(&format!("/admin/orders?q={}", text(&list[0][number])))
            .await;
        assert_eq!(
            found.header("location"),
            Some(place.as_str()),
            "the order of a {number}"
        );
    }

    // The back button sends the same form again: it is the same refund.
    let number = text(&list[0]["refundNo"]);
    let again = [
        ("amount", "49.95"),
        ("reason", "defect"),
        ("words", "one seat <too> few"),
        ("refund_no", number),
    ];
    assert_eq!(visitor.post(&path, &again).await.status, 303);
    assert_eq!(refunds(&api, &payment).await.len(), 1);
    let changed = [
        ("amount", "1.00"),
        ("reason", "defect"),
        ("words", ""),
        ("refund_no", number),
    ];
    assert_eq!(
        visitor.post(&path, &changed).await.status,
        409,
        "one number, one content"
    );

    for amount in ["49.96", "0", "-1", "1e1", "4.999", "x"] {
        let refused = visitor
            .post(
                &format!("{path}/check"),
                &[("amount", amount), ("reason", "wish"), ("words", "")],
            )
            .await;
        assert_eq!(refused.status, 422, "{amount}");
        assert!(
            refused
                .text
                .contains("Not an amount, or more than can be refunded.")
        );
    }
    // Skipping the second step is refused by the verb.
    let forced = [
        ("amount", "49.96"),
        ("reason", "wish"),
        ("words", ""),
        ("refund_no", "R01JDGXQR7T0000000000000000"),
    ];
    assert_eq!(visitor.post(&path, &forced).await.status, 409);
    assert_eq!(
        visitor
            .post(&path, &[("amount", "1.00"), ("refund_no", "mine")])
            .await
            .status,
        422
    );

    assert_eq!(ask(&visitor, &payment, "49.95").await.status, 303);
    let paid = api.wait_for(&payment, "refunded").await;
    assert_eq!(paid["refundAmount"], 9990);
    assert!(
        visitor
            .get(&path)
            .await
            .text
            .contains("There is nothing left to refund")
    );
}

#[tokio::test]
async fn a_refund_above_the_threshold_needs_a_second_person() {
    let server = server(&[("REFUND_APPROVAL_ABOVE", "5000")]);
    let api = Api::of(&server);
    let payment = sell(&server, 9990).await;
    let support = Visitor::employed(&server, "support").await;
    let finance = Visitor::employed(&server, "finance").await;
    let owner = Visitor::owner(&server).await;

    // At the threshold no second person is needed.
    assert_eq!(ask(&support, &payment, "10.00").await.status, 303);
    assert_eq!(refunds(&api, &payment).await.len(), 1);

    let asked = ask(&finance, &payment, "60.00").await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    assert!(asked.header("location").unwrap().ends_with("said=refund_waiting"));
    assert_eq!(
        refunds(&api, &payment).await.len(),
        1,
        "nothing moves before it is approved"
    );
    let page = owner.get("/admin/refunds").await;
    assert!(
        page.text.contains("Refund ¥60.00 to ann?") && page.text.contains("finance@example.com"),
        "{}",
        page.text
    );
    assert!(page.text.contains("<span class=\"side__count num\">1</span>"));
    let (_, rest) = page.text.split_once("/admin/refunds/wish_").unwrap();
    let path = format!("/admin/refunds/wish_{}", rest.split('/').next().unwrap());

    // A pending amount is reserved: a second request cannot take it.
    let second = support
        .post(
            &format!("/admin/payments/{}/refund/check", text(&payment["id"])),
            &[("amount", "60.00"), ("reason", "wish"), ("words", "")],
        )
        .await;
    assert_eq!(second.status, 422);

    assert_eq!(support.post(&format!("{path}/approve"), &[]).await.status, 403);
    assert_eq!(
        finance.post(&format!("{path}/approve"), &[]).await.status,
        409,
        "not one's own"
    );
    assert_eq!(
        finance
            .post(&format!("{path}/reject"), &[("why", "oops")])
            .await
            .status,
        409
    );
    let done = owner.submit(&format!("{path}/approve"), &[]).await;
    assert!(done.text.contains("Approved.") && done.text.contains("No refund waits for a decision"));
    assert_eq!(owner.post(&format!("{path}/approve"), &[]).await.status, 409);
    assert_eq!(
        owner
            .post(&format!("{path}/reject"), &[("why", "late")])
            .await
            .status,
        409
    );
    let list = refunds(&api, &payment).await;
    assert_eq!(list.len(), 2);
    assert!(list.iter().any(|refund| refund["amount"] == 6000));
    let trail = owner.get("/admin/audit-log").await.text;
    assert!(tells_of(&trail, "request_refund") && tells_of(&trail, "approve_refund"));
}

#[tokio::test]
async fn a_rejected_approval_moves_nothing_and_frees_the_amount() {
    let server = server(&[("REFUND_APPROVAL_ABOVE", "0")]);
    let api = Api::of(&server);
    let payment = sell(&server, 9990).await;
    let support = Visitor::employed(&server, "support").await;
    let owner = Visitor::owner(&server).await;
    ask(&support, &payment, "99.90").await;
    let page = owner.get("/admin/refunds").await;
    let (_, rest) = page.text.split_once("/admin/refunds/wish_").unwrap();
    let path = format!("/admin/refunds/wish_{}", rest.split('/').next().unwrap());
    assert_eq!(
        owner.post(&format!("{path}/reject"), &[("why", "")]).await.status,
        422
    );
    let done = owner
        .submit(&format!("{path}/reject"), &[("why", "wrong order")])
        .await;
    assert!(done.text.contains("wrong order"), "{}", done.text);
    assert!(refunds(&api, &payment).await.is_empty());
    assert_eq!(owner.post(&format!("{path}/approve"), &[]).await.status, 409);
    let asked = ask(&support, &payment, "99.90").await;
    assert_eq!(asked.status, 303, "the sum is free again");
}

#[tokio::test]
async fn a_large_refund_asks_for_the_password_and_keeps_the_form() {
    let server = server(&[("REFUND_CONFIRM_ABOVE", "5000")]);
    let api = Api::of(&server);
    let payment = sell(&server, 20_000).await;
    let support = Visitor::employed(&server, "support").await;
    let_passwords_grow_old(&server).await;
    assert_eq!(
        ask(&support, &payment, "50.00").await.status,
        303,
        "a small one does not ask"
    );
    assert_eq!(refunds(&api, &payment).await.len(), 1);

    let path = format!("/admin/payments/{}/refund", text(&payment["id"]));
    let large = [("amount", "50.01"), ("reason", "stock"), ("words", "会员 & more")];
    let door = support.post(&format!("{path}/check"), &large).await;
    let place = door.header("location").unwrap().to_owned();
    assert!(
        door.status == 303 && place.starts_with("/admin/confirm?next="),
        "{place}"
    );
    // Skipping the second step asks for the password as well, and nothing moves.
    let forced = [&large[..], &[("refund_no", "R01JDGXQR7T0000000000000000")]].concat();
    let refused = support.post(&path, &forced).await;
    assert_eq!((refused.status, refused.header("location")), (303, Some(&*place)));
    assert_eq!(refunds(&api, &payment).await.len(), 1);

    let question = support.get(&place).await;
    let (_, rest) = question.text.split_once("name=\"next\" value=\"").unwrap();
    let next = rest.split('"').next().unwrap().replace("&amp;", "&");
    let wrong = [("password", "wrong horse battery"), ("next", &*next)];
    assert_eq!(support.post("/admin/confirm", &wrong).await.status, 401);
    assert_eq!(
        support.post(&path, &forced).await.header("location"),
        Some(&*place)
    );
    let form = support
        .submit("/admin/confirm", &[("password", OWNER.1), ("next", &*next)])
        .await;
    for typed in [
        "value=\"50.01\"",
        "value=\"stock\" selected",
        "value=\"会员 &amp; more\"",
    ] {
        assert!(form.text.contains(typed), "{typed}: {}", form.text);
    }
    assert_eq!(ask(&support, &payment, "50.01").await.status, 303);
    assert_eq!(refunds(&api, &payment).await.len(), 2);
}

#[tokio::test]
async fn a_viewer_cannot_refund() {
    let server = server(&[]);
    let payment = sell(&server, 9990).await;
    let path = format!("/admin/payments/{}/refund", text(&payment["id"]));
    for role in ["viewer", "developer"] {
        let visitor = Visitor::employed(&server, role).await;
        let order = visitor
            .get(&format!("/admin/orders/{}", text(&payment["orderId"])))
            .await;
        assert!(!order.text.contains(&path), "{role} is not offered it");
        for answer in [
            visitor.get(&path).await,
            visitor.post(&format!("{path}/check"), &[("amount", "1")]).await,
            visitor.post(&path, &[("amount", "1")]).await,
        ] {
            assert_eq!(answer.status, 403, "{role}");
        }
    }
    let support = Visitor::employed(&server, "support").await;
    assert_eq!(
        support.get("/admin/payments/pay_nothing/refund").await.status,
        404
    );
}
