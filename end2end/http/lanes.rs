//! Lanes: a gateway that hangs delays no payment of the other one.

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use serde_json::json;

use super::api::{Api, client, pay, send};
use super::server::Server;

const N_HANGING: usize = 60;
/// From the payment to our knowledge of it, by polling. A watched payment is queried every four seconds, by a job that runs
/// every five; behind the hanging gateway's questions it would wait for 85 s.
const KNOWN_WITHIN: Duration = Duration::from_secs(30);
/// Timeout of one call to a gateway: less than this means that no call was waited for.
const CALL_TIMEOUT: Duration = Duration::from_secs(8);

async fn fault(server: &Server, fault: serde_json::Value) {
    let url = format!("{}/faults", server.control());
    send(client().post(url).json(&fault)).await.ok(200);
}

#[tokio::test]
async fn a_hanging_gateway_does_not_delay_the_other_ones_payments() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    stream::iter(0..N_HANGING)
        .for_each_concurrent(4, async |_| {
            api.payment(&api.order().await, "wechat").await;
        })
        .await;
    let alipay_order = api.order().await;
    let payment = api.payment(&alipay_order, "alipay").await;
    for endpoint in ["query", "create"] {
        fault(
            &server,
            json!({"kind": "hangBefore", "gateway": "wechat", "endpoint": endpoint}),
        )
        .await;
    }
    fault(&server, json!({"kind": "mute"})).await;
    // All of them are due, and the job has met the hanging gateway.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let started = Instant::now();
    let order = api.order().await;
    let body = json!({"orderId": order["id"], "method": "wechat"});
    api.post("/payments", &body)
        .await
        .refused(503, "gateway_unreachable");
    assert!(started.elapsed() < CALL_TIMEOUT, "{:?}", started.elapsed());

    // The payer looks at the page, pays, and no callback comes.
    let page = client().get(alipay_order["checkoutUrl"].as_str().unwrap());
    assert_eq!(send(page).await.status, 200);
    pay(server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
    let paid_at = Instant::now();
    let path = format!("/payments/{}", payment["id"].as_str().unwrap());
    while api.get(&path).await.ok(200)["status"] != "success" {
        assert!(paid_at.elapsed() < KNOWN_WITHIN, "{:?}", paid_at.elapsed());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
