//! What goes wrong on the way, on demand.

use std::time::Duration;

use simulator::{Endpoint, Fault, FaultKind, Faults, Gateway};

use crate::merchant::{Merchant, form};

#[tokio::test]
async fn an_error_is_before_or_after_the_effect() {
    let shop = Merchant::open().await;
    for (number, kind, n_trades) in [
        ("T00000001", FaultKind::ErrorBefore, 0),
        ("T00000002", FaultKind::Html502, 0),
        ("T00000003", FaultKind::Busy, 0),
        ("T00000004", FaultKind::ErrorAfter, 1),
    ] {
        shop.sim
            .fault(Fault::new(kind).on(Gateway::Wechat).at(Endpoint::Create).times(1));
        let answer = shop.create(&shop.order(number, 100)).await;
        assert!(answer.status >= 429, "{kind:?}");
        assert_eq!(
            answer.header("wechatpay-signature"),
            "",
            "nobody vouches for a failure"
        );
        assert_eq!(shop.sim.books().trades.len(), n_trades, "{kind:?}");
    }
}

#[tokio::test]
async fn replies_are_forged_unsigned_cut_off_or_never_come() {
    let shop = Merchant::open().await;
    shop.code_url(&shop.order("T00000001", 100)).await;
    for kind in [FaultKind::BadSignature, FaultKind::NoSignature, FaultKind::Probe] {
        shop.sim
            .faults(Faults::none().with(Fault::new(kind).at(Endpoint::Query)));
        let answer = shop.query("T00000001").await;
        assert_eq!(answer.status, 200);
        assert!(!shop.wechat_signed(&answer.headers, &answer.body), "{kind:?}");
    }
    shop.sim.faults(Faults::none());
    let answer = shop.query("T00000001").await;
    assert!(shop.wechat_signed(&answer.headers, &answer.body));
    for kind in [FaultKind::Truncate, FaultKind::HangAfter] {
        shop.sim
            .faults(Faults::none().with(Fault::new(kind).on(Gateway::Alipay)));
        let params =
            shop.alipay_sign(shop.alipay_params("alipay.trade.query", &serde_json::json!({"trade_no": "1"})));
        let url = format!(
            "{}?{}",
            shop.sim.alipay_url(),
            form(&params.iter().collect::<Vec<_>>())
        );
        // What never comes is waited for shortly; what does come, for as long as a busy machine needs.
        let patience = match kind {
            FaultKind::HangAfter => Duration::from_millis(300),
            _ => Duration::from_secs(30),
        };
        let request = shop.client.post(url).timeout(patience);
        let body = async { request.send().await?.bytes().await };
        let error = body.await.unwrap_err();
        assert_eq!(error.is_timeout(), kind == FaultKind::HangAfter, "{kind:?}");
    }
    tokio::time::timeout(Duration::from_secs(20), shop.sim.stop())
        .await
        .expect("a hanging call does not hold it");
}

#[tokio::test]
async fn a_stale_query_does_not_see_a_fresh_payment() {
    let shop = Merchant::open().await;
    shop.sim.fault(Fault::new(FaultKind::Stale { seconds: 5 }));
    shop.code_url(&shop.order("T00000001", 100)).await;
    shop.sim.pay("T00000001").await.unwrap();
    assert_eq!(shop.query("T00000001").await.json()["trade_state"], "NOTPAY");
    shop.sim.advance(5_000).await;
    assert_eq!(shop.query("T00000001").await.json()["trade_state"], "SUCCESS");
}

#[tokio::test]
async fn a_payer_may_pay_before_the_close() {
    let shop = Merchant::open().await;
    shop.sim.fault(Fault::new(FaultKind::LatePay).times(1));
    shop.code_url(&shop.order("T00000002", 100)).await;
    shop.sim.pay("T00000002").await.unwrap();
    shop.code_url(&shop.order("T00000001", 100)).await;
    assert_eq!(shop.close("T00000001").await.status, 204);
    shop.sim.pay("T00000001").await.unwrap();
    assert_eq!(shop.query("T00000001").await.json()["trade_state"], "SUCCESS");
    assert_eq!(shop.inbox.count(), 2);
    shop.code_url(&shop.order("T00000003", 100)).await;
    shop.close("T00000003").await;
    assert!(shop.sim.pay("T00000003").await.is_err());
}
