//! WeChat's backup host: called when the first does not answer, and never because of an answer.

use domain::{Method, OrderStatus};
use payments::Error;
use payments::gateway::GatewayError;
use simulator::{Endpoint, Fault, FaultKind, Faults, Host};

use crate::shop::{Engine, Shop};

#[tokio::test]
async fn a_host_that_does_not_answer_is_replaced_by_the_other() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for kind in [FaultKind::ResetBefore, FaultKind::ResetAfter, FaultKind::Truncate] {
        let order = shop.order("9.99").await;
        shop.sim
            .fault(Fault::new(kind).at(Endpoint::Create).host(Host::Primary));
        let payment = shop.start(&order, Method::Wechat).await;
        assert!(payment.prompt.is_some(), "{kind:?}");
        shop.sim.faults(Faults::none());
        shop.scan_and_pay(&payment).await;
        assert_eq!(shop.status(&order).await, OrderStatus::Paid, "{kind:?}");
    }
    assert_eq!(
        shop.sim.books().trades.len(),
        3,
        "the second call was the first one again"
    );

    shop.sim.fault(Fault::new(FaultKind::Refuse));
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Wechat).await;
    shop.scan_and_pay(&payment).await;
    assert_eq!(shop.status(&order).await, OrderStatus::Paid);
    shop.close().await;
}

#[tokio::test]
async fn an_answer_of_any_kind_is_an_answer() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    for kind in [
        FaultKind::Html502,
        FaultKind::ErrorBefore,
        FaultKind::Busy,
        FaultKind::BadSignature,
    ] {
        let order = shop.order("9.99").await;
        shop.sim
            .fault(Fault::new(kind).at(Endpoint::Create).host(Host::Primary));
        let unknown = shop.try_start(&order, Method::Wechat).await;
        assert!(
            matches!(unknown, Err(Error::Unreachable { .. })),
            "{kind:?} {unknown:?}"
        );
        shop.sim.faults(Faults::none());
    }
    shop.close().await;
}

#[tokio::test]
async fn a_call_lost_at_the_first_host_stays_unknown() {
    let mut shop = Shop::on(Engine::Sqlite).await;
    let order = shop.order("9.99").await;
    let payment = shop.start(&order, Method::Wechat).await;
    shop.sim.fault(Fault::new(FaultKind::Refuse).host(Host::Backup));
    shop.sim.fault(
        Fault::new(FaultKind::ResetAfter)
            .at(Endpoint::Close)
            .host(Host::Primary),
    );
    let gateway = shop.services.gateways.wechat.as_ref().unwrap();
    let closing = gateway.close(&payment.payment_no).await;
    assert!(
        matches!(closing, Err(GatewayError::Unknown { .. })),
        "{closing:?}"
    );
    shop.sim.faults(Faults::none());
    assert_eq!(
        gateway.query(&payment.payment_no).await.unwrap(),
        domain::Report::Closed
    );
    shop.close().await;
}
