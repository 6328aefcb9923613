//! After a kill with the usual leases: how soon a restarted server knows what happened meanwhile.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use simulator::{Endpoint, Fault, FaultKind, Faults};

use super::merchant::Merchant;
use super::stage::{Engine, Stage, engines};

const N_PAYMENTS: usize = 6;
/// An unwatched payment is asked about after five seconds, and the job comes by every second.
const UNTIL_CLAIMED: Duration = Duration::from_secs(7);
/// From the gateway's report to ours, whatever happens in between.
const AIM: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_during_downtime_is_known_soon_after_the_restart() {
    for engine in engines() {
        pay_between_two_lives(engine).await;
    }
}

async fn pay_between_two_lives(engine: Engine) {
    let stage = Stage::on(engine).await;
    let server = stage.server_with(&[("LEASE_MS", "60000")], None).await;
    let merchant = Merchant::of(&[&server.url]);
    let mut payments: Vec<Value> = Vec::new();
    for n in 0..N_PAYMENTS {
        payments.push(open(&merchant, n).await);
    }
    let mute = Faults::none().with(Fault::new(FaultKind::Mute));
    stage.sim.faults(
        mute.clone()
            .with(Fault::new(FaultKind::HangBefore).at(Endpoint::Query)),
    );
    // Now the rows are leased by a server that waits for its gateway.
    tokio::time::sleep(UNTIL_CLAIMED).await;
    for payment in &payments {
        stage
            .sim
            .pay(payment["paymentUrl"].as_str().unwrap())
            .await
            .unwrap();
    }
    let paid_at = Instant::now();
    stage.sim.faults(mute);
    server.kill().await;
    for payment in &payments {
        let path = format!("/payments/{}", payment["id"].as_str().unwrap());
        merchant
            .until(&path, |payment| payment["status"] == "success")
            .await;
    }
    let known_within = paid_at.elapsed();
    println!(
        "{engine:?}: {N_PAYMENTS} payments of a dead server's leases known {known_within:?} after they were paid"
    );
    assert!(known_within < AIM, "{engine:?}: {known_within:?}");
    server.stop().await;
    stage.audit().await;
}

async fn open(merchant: &Merchant, n: usize) -> Value {
    let order = json!({"orderNo": format!("life{n}"), "userId": "ann", "subject": "plan", "amount": 990});
    let (status, order) = merchant.post("/orders", &format!("order{n}"), &order).await;
    assert_eq!(status, 201, "{order}");
    let method = if n.is_multiple_of(2) { "wechat" } else { "alipay" };
    let start = json!({"orderId": order["id"], "method": method});
    let (status, payment) = merchant.post("/payments", &format!("payment{n}"), &start).await;
    assert_eq!(status, 201, "{payment}");
    payment
}
