//! Refunds as a merchant's program sees them.

use serde_json::{Value, json};

use super::api::{Api, pay};
use super::server::{Server, run};

const REFUND_FIELDS: [&str; 13] = [
    "id",
    "refundNo",
    "paymentId",
    "orderId",
    "amount",
    "currency",
    "reason",
    "status",
    "gatewayRefundId",
    "failureReason",
    "createdAt",
    "updatedAt",
    "finishedAt",
];

/// An order over 99.90 that is paid, and its payment.
async fn paid(server: &Server, api: &Api, method: &str) -> (Value, Value) {
    let order = api.order().await;
    let payment = api.payment(&order, method).await;
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    let payment = api.wait_for(&payment, "success").await;
    (order, payment)
}

fn door(payment: &Value) -> String {
    format!("/payments/{}/refund", payment["id"].as_str().unwrap())
}

async fn order_of(api: &Api, order: &Value) -> Value {
    let path = format!("/orders/{}", order["id"].as_str().unwrap());
    api.get(&path).await.ok(200)
}

#[tokio::test]
async fn a_partial_refund_is_followed_by_the_rest() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for method in ["alipay", "wechat"] {
        let (order, payment) = paid(&server, &api, method).await;
        let half = json!({"amount": 4000, "reason": "一半不合适", "refundNo": format!("half-{method}")});
        let refund = api.post(&door(&payment), &half).await.ok(202);
        let mut names: Vec<&str> = refund.as_object().unwrap().keys().map(String::as_str).collect();
        let mut wanted = REFUND_FIELDS.to_vec();
        names.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(names, wanted);
        for field in ["amount", "reason", "refundNo"] {
            assert_eq!(refund[field], half[field], "{field}");
        }
        assert_eq!(
            (&refund["status"], &refund["currency"], &refund["finishedAt"]),
            (&json!("pending"), &json!("CNY"), &Value::Null)
        );
        assert_eq!(refund["paymentId"], payment["id"]);
        assert_eq!(refund["orderId"], order["id"]);
        if method == "wechat" {
            // WeChat takes its time, and until then nothing is shown as done.
            assert_eq!(api.wait_for(&payment, "refunding").await["refundAmount"], 0);
            assert_eq!(order_of(&api, &order).await["status"], "paid");
        }
        let again = api.post(&door(&payment), &half).await.ok(200);
        assert_eq!(again["id"], refund["id"]);

        let part = api.wait_for(&payment, "success").await;
        assert_eq!(part["refundAmount"], 4000, "{method}");
        assert_eq!(part["refundReason"], "一半不合适");
        let show = format!("/refunds/{}", refund["id"].as_str().unwrap());
        let done = api.get(&show).await.ok(200);
        assert_eq!(done["status"], "success");
        assert_eq!(done["gatewayRefundId"].is_string(), method == "wechat");
        assert!(done["finishedAt"].as_str().unwrap().ends_with('Z'));
        let part = order_of(&api, &order).await;
        assert_eq!(part["status"], "partially_refunded");
        assert_eq!(
            (
                &part["paidAmount"],
                &part["refundedAmount"],
                &part["refundReason"]
            ),
            (&json!(9990), &json!(4000), &json!("一半不合适"))
        );

        let rest = api
            .post(&door(&payment), &json!({"reason": "全退"}))
            .await
            .ok(202);
        assert_eq!(rest["amount"], 5990);
        let list = format!("/payments/{}/refunds", payment["id"].as_str().unwrap());
        let list = api.get(&list).await.ok(200);
        assert_eq!(
            (&list["data"][0]["id"], &list["data"][1]["id"]),
            (&rest["id"], &refund["id"])
        );
        if method == "alipay" {
            let back = api.wait_for(&payment, "refunded").await;
            assert_eq!(back["refundAmount"], 9990);
            assert!(back["refundedAt"].is_string());
            assert_eq!(order_of(&api, &order).await["status"], "refunded");
        } else {
            // WeChat takes the second part a minute after the first; it is accepted all the same.
            api.wait_for(&payment, "refunding").await;
        }
        let none = api.post(&door(&payment), &json!({"reason": "再退"})).await;
        none.refused(409, "payment_not_refundable");
    }
}

#[tokio::test]
async fn an_impossible_refund_is_refused_with_its_code() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let order = api.order().await;
    let unpaid = api.payment(&order, "wechat").await;
    let all = json!({"reason": "退款"});
    api.post(&door(&unpaid), &all)
        .await
        .refused(409, "payment_not_refundable");
    let (_, payment) = paid(&server, &api, "wechat").await;
    let too_much = json!({"amount": 9991, "reason": "退款"});
    api.post(&door(&payment), &too_much)
        .await
        .refused(409, "refund_exceeds_payment");
    for (body, field) in [
        (json!({"amount": 0, "reason": "退款"}), Some("amount")),
        (json!({"amount": -1, "reason": "退款"}), Some("amount")),
        (json!({"amount": 1.5, "reason": "退款"}), Some("amount")),
        (json!({"amount": "100", "reason": "退款"}), Some("amount")),
        (json!({"amount": 1}), Some("reason")),
        (json!({"reason": ""}), Some("reason")),
        (json!({"reason": "a\nb"}), Some("reason")),
        (json!({"reason": "长".repeat(257)}), Some("reason")),
        (json!({"reason": "退款", "refundNo": ""}), Some("refundNo")),
        (json!({"reason": "退款", "refundNo": "a b"}), Some("refundNo")),
        (json!({"reason": "退款", "note": "x"}), None),
    ] {
        let refused = api.post(&door(&payment), &body).await.refused(422, "invalid");
        if field.is_some() {
            assert_eq!(refused.as_deref(), field, "{body}");
        }
    }
    for path in ["/payments/nobody/refund", "/payments/%00/refund"] {
        api.post(path, &all).await.refused(404, "not_found");
    }
    for path in ["/payments/nobody/refunds", "/refunds/nobody"] {
        api.get(path).await.refused(404, "not_found");
    }
    let list = format!("/payments/{}/refunds", payment["id"].as_str().unwrap());
    assert_eq!(
        api.get(&list).await.ok(200),
        json!({"data": [], "nextCursor": null})
    );

    let numbered = json!({"amount": 100, "reason": "退款", "refundNo": "N-1"});
    let first = api.post(&door(&payment), &numbered).await.ok(202);
    let other = json!({"amount": 101, "reason": "退款", "refundNo": "N-1"});
    api.post(&door(&payment), &other)
        .await
        .refused(409, "refund_no_reused");
    assert_eq!(
        api.post(&door(&payment), &numbered).await.ok(200)["id"],
        first["id"]
    );
}

#[tokio::test]
async fn one_key_is_one_refund_and_refunding_is_a_right_of_its_own() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let (_, payment) = paid(&server, &api, "alipay").await;
    let body = json!({"amount": 100, "reason": "退款"});
    let first = api.post_with_key(&door(&payment), "k-1", &body).await;
    assert_eq!(first.status, 202);
    let second = api.post_with_key(&door(&payment), "k-1", &body).await;
    assert_eq!((second.status, &second.text), (202, &first.text));
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    let other = json!({"amount": 200, "reason": "退款"});
    api.post_with_key(&door(&payment), "k-1", &other)
        .await
        .refused(409, "idempotency_conflict");
    let list = format!("/payments/{}/refunds", payment["id"].as_str().unwrap());
    assert_eq!(api.get(&list).await.ok(200)["data"].as_array().unwrap().len(), 1);

    for (scopes, status) in [("read,pay", 403), ("read,refund", 202), ("refund", 202)] {
        let made = run(
            server.dir.path(),
            &[],
            &["key", "create", "--name", "till", "--scope", scopes],
            "",
        );
        assert!(made.status.success());
        let till = Api::with_key(&server, String::from_utf8(made.stdout).unwrap().trim());
        let answer = till.post(&door(&payment), &body).await;
        assert_eq!(answer.status, status, "{scopes} {}", answer.text);
        if status == 403 {
            answer.refused(403, "forbidden");
        }
        let may_read = scopes.contains("read");
        assert_eq!(till.get(&list).await.status, if may_read { 200 } else { 403 });
        let order = json!({"userId": "u1", "subject": "Team plan", "amount": 9990});
        let may_pay = scopes.contains("pay");
        assert_eq!(
            till.post("/orders", &order).await.status,
            if may_pay { 201 } else { 403 }
        );
    }
}
