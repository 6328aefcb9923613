//! Statements of the jobs on PostgreSQL, as they cross the wire: no more than `docs/architecture.md` allows.

use std::time::Duration;

use domain::{Channel, Method, PaymentStatus};
use payments::{Lane, Policy};
use simulator::{Fault, FaultKind, WechatKeys};

use crate::shop::{Engine, Shop, engines, new_database};
use crate::wire::{Wire, check_budget};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_due_payment_keeps_its_budget() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let wire = Wire::before(&new_database().await).await;
    let directory = tempfile::tempdir().unwrap();
    let mut shop = Shop::at(
        wire.url.clone(),
        directory,
        WechatKeys::PublicKey,
        Policy::default(),
    )
    .await;
    shop.sim.fault(Fault::new(FaultKind::Mute));
    let lane = Lane {
        channel: Channel::Wechat,
        is_watched: false,
    };
    let ask = async || {
        shop.sleep(Duration::from_mins(1)).await;
        wire.take(&[]);
        let n_asked = payments::reconcile_lane(&shop.services, lane).await.unwrap();
        assert_eq!(n_asked, 1, "only this one is due");
        wire.take(&[])
    };
    let order = shop.order("99.90").await;
    let payment = shop.start(&order, Method::Wechat).await;
    for _ in 0..3 {
        let unpaid = ask().await;
        assert!(
            unpaid.len() <= 3,
            "nothing new costs no transaction:\n{}",
            unpaid.join("\n")
        );
    }
    shop.scan_and_pay(&payment).await;
    check_budget("one due payment in a job", vec![ask().await]);
    assert_eq!(shop.payment_status(&payment).await, PaymentStatus::Success);
    shop.close().await;
}
