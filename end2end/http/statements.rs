//! Statements of each verb on PostgreSQL, as they cross the wire: no more than `docs/architecture.md` allows.

use serde_json::{Value, json};

use super::api::{Api, client, pay, send};
use super::callbacks::{ONLY_CALLBACKS, deliver, headers_of, letter};
use super::database::new_database;
use super::server::Server;
use super::wire::{Wire, check_budget};

/// Runs of a verb: the first ones prepare their statements.
const N_RUNS: usize = 6;
/// Words of statements that only jobs of the server run: they cross the wire at times of their own.
const JOBS: [&str; 12] = [
    "event_turn",
    "position is null",
    "from deliveries",
    "update deliveries",
    "servers",
    "webhook_endpoints",
    "leased_until",
    "from incidents",
    "webhook_replays",
    "gateway_calls",
    "set to_send",
    "n_answers",
];

struct Bench {
    wire: Wire,
    server: Server,
    api: Api,
}

impl Bench {
    /// Without PostgreSQL there is nothing to count.
    async fn open(name: &str) -> Option<Bench> {
        let wire = Wire::before(&new_database(name).await?).await;
        let mut settings = vec![("DATABASE_URL", wire.url.as_str())];
        settings.extend(ONLY_CALLBACKS);
        let server = Server::simulated(&settings);
        let api = Api::of(&server);
        Some(Bench { wire, server, api })
    }

    /// Runs a verb several times, each on an object of its own, and checks the cheapest run.
    async fn count<T>(&self, verb: &str, prepare: impl AsyncFn() -> T, run: impl AsyncFn(&T)) {
        let mut runs = Vec::new();
        for _ in 0..N_RUNS {
            let object = prepare().await;
            self.wire.take(&JOBS);
            run(&object).await;
            runs.push(self.wire.take(&JOBS));
        }
        check_budget(verb, runs);
    }

    async fn payment(&self) -> Value {
        self.api.payment(&self.api.order().await, "wechat").await
    }

    async fn paid(&self) -> Value {
        let payment = self.payment().await;
        pay(self.server.wallet.as_deref().unwrap(), &payment["paymentUrl"]).await;
        self.api.wait_for(&payment, "success").await
    }

    async fn deliver(&self, letter: &Value) -> u16 {
        let body = letter["body"].as_str().unwrap().as_bytes().to_vec();
        let answer = deliver(&self.server, "wechat", headers_of(letter), body).await;
        answer.status
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_keep_their_budget() {
    let Some(bench) = Bench::open("http_statements").await else {
        return;
    };
    let api = &bench.api;
    let payment = bench.payment().await;
    let path = format!("/payments/{}", payment["id"].as_str().unwrap());
    bench
        .count(
            "status",
            async || (),
            async |()| {
                api.get(&path).await.ok(200);
            },
        )
        .await;
    let order = api.order().await;
    bench
        .count(
            "checkout page",
            async || (),
            async |()| {
                let page = client().get(order["checkoutUrl"].as_str().unwrap());
                assert_eq!(send(page).await.status, 200);
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_keep_their_budget() {
    let Some(bench) = Bench::open("http_write_statements").await else {
        return;
    };
    let api = &bench.api;
    bench
        .count("create order", async || (), async |()| drop(api.order().await))
        .await;
    bench
        .count(
            "create payment",
            async || api.order().await,
            async |order| drop(api.payment(order, "wechat").await),
        )
        .await;
    bench
        .count(
            "refund request",
            async || bench.paid().await,
            async |payment| {
                let path = format!("/payments/{}/refund", payment["id"].as_str().unwrap());
                api.post(&path, &json!({"reason": "why"})).await.ok(202);
            },
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_keep_their_budget() {
    let Some(bench) = Bench::open("http_callback_statements").await else {
        return;
    };
    let new = async || letter(&bench.server, &bench.payment().await, &json!({})).await;
    bench
        .count("new callback", new, async |letter| {
            assert_eq!(bench.deliver(letter).await / 100, 2);
        })
        .await;
    let known = async || {
        let letter = new().await;
        assert_eq!(bench.deliver(&letter).await / 100, 2);
        letter
    };
    bench
        .count("duplicate callback", known, async |letter| {
            assert_eq!(bench.deliver(letter).await / 100, 2);
        })
        .await;
    let forged = async || {
        letter(
            &bench.server,
            &bench.payment().await,
            &json!({"signedBy": "stranger"}),
        )
        .await
    };
    bench
        .count("forged callback", forged, async |letter| {
            assert_eq!(bench.deliver(letter).await, 401);
        })
        .await;
}
