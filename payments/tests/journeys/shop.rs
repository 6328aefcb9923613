//! A shop for the journeys: database, simulator, notifications and jobs, with clocks that only the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::post;
use domain::{
    Channel, Method, Money, Order, OrderId, OrderStatus, Payment, PaymentStatus, Product, Timestamp,
};
use payments::console::{Actor, Invitation, Operator, find_credentials, invite};
use payments::gateway::{Gateways, alipay, wechat};
use payments::outbound::{Networks, OutboundGuard};
use payments::secrets::Secrets;
use payments::store::Db;
use payments::users::Role;
use payments::{Checkout, Clock, Error, NewOrder, Outbox, Outcome, Policy, Services, StartPayment};
use simulator::{Simulator, WechatKeys};
use sqlx::Connection;

/// 2026-11-24 10:00 in Beijing.
const OPENING: Timestamp = Timestamp::from_millis(1_795_485_600_000);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

pub struct Shop {
    pub services: Services,
    pub sim: Simulator,
    database: String,
    _directory: tempfile::TempDir,
    is_closed: bool,
}

/// Engines to test on.
pub fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Sqlite];
    if postgres_url().is_some() {
        engines.push(Engine::Postgres);
    }
    engines
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the tests find PostgreSQL is no setting of the product"
)]
fn postgres_url() -> Option<String> {
    std::env::var("TEST_DATABASE_URL")
        .ok()
        .filter(|url| !url.is_empty())
}

/// Runs a journey on every engine.
pub async fn on_each_engine(journey: impl AsyncFn(&Shop)) {
    for engine in engines() {
        let mut shop = Shop::on(engine).await;
        // Boxed: a journey is long, and so is its future.
        Box::pin(journey(&shop)).await;
        shop.close().await;
    }
}

/// Creates a person of the console with this role and a recently confirmed password.
pub async fn employ(services: &Services, email: &str, role: Role) -> Operator {
    let actor = Actor::of_command("test");
    let invitation = Invitation {
        email,
        password_hash: "a hash",
        role,
        must_change_password: false,
    };
    invite(services, &actor, invitation).await.unwrap();
    let who = find_credentials(services, email).await.unwrap().unwrap();
    Operator {
        session_id: String::new(),
        user_id: who.user_id,
        email: who.email,
        role,
        has_totp: false,
        must_change_password: false,
        is_confirmed: true,
    }
}

/// Actor for this person.
pub fn visit_of(operator: &Operator) -> Actor {
    Actor {
        email: operator.email.clone(),
        ip: None,
        request_id: String::new(),
    }
}

/// Retries like a merchant's program when our database had no connection (503): fifty requests that wait for one row need
/// more patience on a busy machine than a server has.
/// row need more patience on a busy machine than a server has.
pub async fn persistently<T, F>(verb: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    loop {
        match verb().await {
            Err(Error::Internal(error)) if error.is_absence() => {}
            answer => return answer,
        }
    }
}

impl Shop {
    pub async fn on(engine: Engine) -> Shop {
        Shop::open(engine, WechatKeys::PublicKey, Policy::default()).await
    }

    pub async fn open(engine: Engine, wechat_keys: WechatKeys, policy: Policy) -> Shop {
        let directory = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite://{}/shop.db", directory.path().display()),
            Engine::Postgres => new_database().await,
        };
        Shop::at(url, directory, wechat_keys, policy).await
    }

    /// A shop on the database at this address.
    pub async fn at(
        url: String,
        directory: tempfile::TempDir,
        wechat_keys: WechatKeys,
        policy: Policy,
    ) -> Shop {
        Shop::open_at(url, directory, OPENING, wechat_keys, policy).await
    }

    /// A shop that opens at another time.
    pub async fn open_at(
        url: String,
        directory: tempfile::TempDir,
        opening: Timestamp,
        wechat_keys: WechatKeys,
        policy: Policy,
    ) -> Shop {
        let settings = simulator::Settings {
            clock: simulator::Clock::Fixed {
                now_ms: opening.millis(),
            },
            wechat_keys,
            ..simulator::Settings::default()
        };
        let sim = Simulator::start(settings).await.unwrap();
        let clock = Clock::fixed(opening, 7);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let notify_url = format!("http://{}/notify", listener.local_addr().unwrap());
        let gateways = gateways(&sim, &notify_url, &clock);
        let services = Services::new(Db::connect(&url).await.unwrap(), clock, Secrets::new([7; 32]));
        let services = Services {
            gateways: Arc::new(gateways.counted_in(&services.metrics)),
            policy,
            outbox: Outbox::new("https://shop.example", OutboundGuard::new(Networks::loopback())),
            ..services
        };
        let app = axum::Router::new()
            .route("/notify/{channel}", post(notify))
            .with_state(services.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Shop {
            services,
            sim,
            database: url,
            _directory: directory,
            is_closed: false,
        }
    }

    pub async fn order(&self, yuan: &str) -> Order {
        self.order_of("会员 & 月卡 100%", yuan).await
    }

    pub async fn order_of(&self, subject: &str, yuan: &str) -> Order {
        let new = NewOrder {
            order_no: None,
            user_id: "ann".to_owned(),
            subject: subject.to_owned(),
            amount: Money::parse_yuan(yuan).unwrap(),
            return_url: None,
            metadata: None,
            allows_balance: false,
            expires_in: None,
        };
        payments::create_order(&self.services, new, None)
            .await
            .unwrap()
            .into_value()
            .unwrap()
    }

    pub async fn try_start(&self, order: &Order, method: Method) -> Result<Payment, Error> {
        let start = StartPayment::new(order.id.clone(), method.default_product());
        payments::start_payment(&self.services, start, None)
            .await
            .map(|made| made.into_value().unwrap())
    }

    pub async fn start(&self, order: &Order, method: Method) -> Payment {
        self.try_start(order, method).await.unwrap()
    }

    /// The payer scans the code that the page shows, and pays.
    pub async fn scan_and_pay(&self, payment: &Payment) {
        self.sim.pay(payment.prompt.as_deref().unwrap()).await.unwrap();
    }

    /// Payment of a new order that the gateway has and does not notify.
    pub async fn paid_silently(&self, method: Method, yuan: &str) -> Payment {
        let order = self.order(yuan).await;
        let payment = self.start(&order, method).await;
        let prompt = payment.prompt.as_deref().unwrap();
        self.sim.pay_silently(prompt).await.unwrap();
        payment
    }

    /// Advances the time here and at the gateways, in steps small enough that everything due runs at its time.
    pub async fn pass(&self, duration: Duration) {
        let step = Duration::from_secs(5);
        let mut left = duration;
        while !left.is_zero() {
            let now = left.min(step);
            self.services.clock.advance(now);
            self.sim.advance(i64::try_from(now.as_millis()).unwrap()).await;
            self.run_jobs().await;
            left -= now;
        }
    }

    /// Advances the time while nothing runs.
    pub async fn sleep(&self, duration: Duration) {
        self.services.clock.advance(duration);
        self.sim
            .advance(i64::try_from(duration.as_millis()).unwrap())
            .await;
    }

    pub async fn run_jobs(&self) {
        payments::reconcile_payments(&self.services).await.unwrap();
        payments::reconcile_refunds(&self.services).await.unwrap();
        payments::expire(&self.services).await.unwrap();
    }

    pub async fn checkout(&self, order: &Order) -> Checkout {
        payments::find_checkout(&self.services, &order.token)
            .await
            .unwrap()
    }

    pub async fn status(&self, order: &Order) -> OrderStatus {
        self.checkout(order).await.order.status()
    }

    pub async fn payment(&self, payment: &Payment) -> Payment {
        payments::find_payment(&self.services, &payment.id)
            .await
            .unwrap()
            .0
    }

    pub async fn payment_status(&self, payment: &Payment) -> PaymentStatus {
        self.payment(payment).await.status()
    }

    pub async fn cancel(&self, id: &OrderId) -> Result<Outcome<Order>, Error> {
        payments::cancel_order(
            &self.services,
            id,
            Some("改变主意".to_owned()),
            &payments::Requester::Rule,
            None,
        )
        .await
    }

    /// Delivers a notification of the simulator unchanged; returns the status of the answer.
    pub async fn deliver(&self, letter: &simulator::SignedNotification) -> StatusCode {
        let channel = if letter.url.ends_with("alipay") {
            Channel::Alipay
        } else {
            Channel::Wechat
        };
        let headers = headers_of(letter);
        let reply = payments::accept_notification(&self.services, channel, &headers, &letter.body).await;
        StatusCode::from_u16(reply.status).unwrap()
    }

    /// Address of its database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Changes rows by SQL, bypassing the store; returns how many.
    pub async fn meddle(&self, sql: String) -> u64 {
        let sql = sqlx::AssertSqlSafe(sql);
        if self.database.starts_with("sqlite:") {
            let mut rows = sqlx::SqliteConnection::connect(&self.database).await.unwrap();
            let done = sqlx::query(sql).execute(&mut rows).await.unwrap();
            done.rows_affected()
        } else {
            let mut rows = sqlx::PgConnection::connect(&self.database).await.unwrap();
            let done = sqlx::query(sql).execute(&mut rows).await.unwrap();
            done.rows_affected()
        }
    }

    /// Ends the journey: checks that no invariant is broken, and that the gateways' payments are those in our database.
    pub async fn close(&mut self) {
        for finding in payments::check_invariants(&self.services).await.unwrap() {
            assert_eq!(finding.n_broken, 0, "broken: {}", finding.name);
        }
        self.is_closed = true;
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        assert!(
            self.is_closed || std::thread::panicking(),
            "a journey ends with close()"
        );
    }
}

pub fn headers_of(letter: &simulator::SignedNotification) -> HeaderMap {
    letter
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.parse::<axum::http::HeaderName>().unwrap(),
                value.parse().unwrap(),
            )
        })
        .collect()
}

async fn notify(
    State(services): State<Services>,
    Path(channel): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let channel = if channel == "alipay" {
        Channel::Alipay
    } else {
        Channel::Wechat
    };
    let reply = payments::accept_notification(&services, channel, &headers, &body).await;
    (StatusCode::from_u16(reply.status).unwrap(), reply.body)
}

fn gateways(sim: &Simulator, notify_url: &str, clock: &Clock) -> Gateways {
    let given = sim.credentials();
    let verify = match &given.wechat_public_key_id {
        Some(id) => wechat::Verify::PublicKey {
            id: id.clone(),
            key: given.wechat_public_key.clone(),
        },
        None => wechat::Verify::Download,
    };
    let wechat = wechat::Settings {
        app_id: given.wechat_app_id.clone(),
        mini_app_id: Some(given.wechat_mini_app_id.clone()),
        mobile_app_id: Some(given.wechat_mobile_app_id.clone()),
        mch_id: given.wechat_mch_id.clone(),
        serial_no: given.wechat_serial_no.clone(),
        api_v3_key: given.wechat_api_v3_key.clone().into(),
        private_key: given.wechat_private_key.clone().into(),
        verify,
        gateway_url: sim.wechat_url(),
        backup_url: Some(sim.wechat_backup_url()),
        notify_url: format!("{notify_url}/wechat"),
        oauth: Some(wechat::OauthSettings {
            app_secret: given.wechat_app_secret.clone().into(),
            authorize_url: sim.base_url(),
            api_url: sim.base_url(),
        }),
        mini_api: Some(wechat::MiniApiSettings {
            app_secret: given.wechat_mini_app_secret.clone().into(),
            api_url: sim.base_url(),
        }),
    };
    let alipay = alipay::Settings {
        app_id: given.alipay_app_id.clone(),
        private_key: given.alipay_private_key.clone().into(),
        verify: alipay::Verify::PublicKey {
            key: given.alipay_public_key.clone(),
        },
        seller_id: Some(given.alipay_seller_id.clone()),
        mini_app_id: Some(given.alipay_mini_app_id.clone()),
        qr_product: alipay::QrProduct::default(),
        gateway_url: sim.alipay_url(),
        notify_url: format!("{notify_url}/alipay"),
    };
    Gateways {
        wechat: Some(wechat::Wechat::new(wechat, clock.clone()).unwrap().into()),
        alipay: Some(alipay::Alipay::new(alipay, clock.clone()).unwrap().into()),
    }
}

/// A database of its own for every shop.
pub async fn new_database() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let server = postgres_url().unwrap();
    let name = format!(
        "shop_{}_{}",
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::SeqCst)
    );
    let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
    let statement = sqlx::AssertSqlSafe(format!("create database {name}"));
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

/// Both gateways, each by the method and the product that a QR code is.
pub const BOTH: [(Method, Product); 2] = [(Method::Wechat, Product::Native), (Method::Alipay, Product::Qr)];
