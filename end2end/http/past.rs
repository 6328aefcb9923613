//! A shop that sold two days ago, so that its statements are there: it was made with clocks of its own, and is opened to the
//! real program, whose clock is the machine's.

use std::process::Output;

use chrono::{Days, NaiveDate};
use domain::{Channel, Method, Money, Payment, Refund};
use payments::gateway::bill::BillKind;
use payments::{Clock, Policy, RefundRequest, Requester};
use simulator::WechatKeys;
use tempfile::TempDir;

use crate::console::visitor::OWNER;
use crate::server::{API_KEY, Server, run};
use crate::shop::{Engine, Shop, new_database};

/// The key that the shop encrypts its secrets with.
const SECRETS_KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";

pub struct Past {
    pub shop: Shop,
    /// Beijing day on which it sold.
    pub day: NaiveDate,
    pub dir: TempDir,
}

impl Past {
    /// Opens the shop at ten in the morning.
    pub async fn open(engine: Engine) -> Past {
        let dir = TempDir::new().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite://{}/past.db", dir.path().display()),
            Engine::Postgres => new_database().await,
        };
        let day = Past::today() - Days::new(2);
        let opening = payments::parse_rfc3339(&format!("{day}T02:00:00Z")).unwrap();
        let own = TempDir::new().unwrap();
        let shop = Shop::open_at(url, own, opening, WechatKeys::PublicKey, Policy::default()).await;
        Past { shop, day, dir }
    }

    /// The day that it is now in Beijing.
    pub fn today() -> NaiveDate {
        payments::beijing(Clock::System.now())[..10].parse().unwrap()
    }

    pub async fn paid(&self, method: Method, yuan: &str) -> Payment {
        let order = self.shop.order(yuan).await;
        let payment = self.shop.start(&order, method).await;
        self.shop.scan_and_pay(&payment).await;
        self.shop.payment(&payment).await
    }

    pub async fn refunded(&self, payment: &Payment, yuan: &str) -> Refund {
        let request = RefundRequest {
            payment_id: payment.id.clone(),
            amount: Some(Money::parse_yuan(yuan).unwrap()),
            reason: "不想要了".to_owned(),
            refund_no: None,
            by: Requester::Rule,
        };
        let refund = payments::request_refund(&self.shop.services, request, None)
            .await
            .unwrap();
        self.shop.pass(std::time::Duration::from_mins(1)).await;
        refund.into_value().unwrap()
    }

    /// Ends the past: closes the database, and brings the gateways to the present.
    pub async fn end(&mut self) {
        self.shop.close().await;
        self.shop.services.db.close().await;
        self.keep_time().await;
    }

    /// Moves the clock of the gateways, which stands still by itself, to the present.
    pub async fn keep_time(&self) {
        let behind = Clock::System.now().millis() - self.shop.sim.now_ms();
        self.shop.sim.advance(behind).await;
    }

    /// Settings of the real program, which plans no day by itself.
    pub fn settings(&self) -> Vec<(String, String)> {
        let mut settings = self.shop.sim.credentials().env_lines(&self.shop.sim.base_url());
        let own = [
            ("GATEWAYS", "live"),
            ("DATABASE_URL", self.shop.database()),
            ("PUBLIC_URL", "http://127.0.0.1:3000"),
            ("SECRETS_KEY", SECRETS_KEY),
            ("STATEMENTS_CRON", "0 0 0 29 2 *"),
        ];
        settings.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        settings
    }

    /// Runs a command of the program to its end.
    pub async fn command(&self, args: &[&str], input: &str) -> Output {
        self.command_with(&[], args, input).await
    }

    /// The same with settings that differ; an empty value is one that is not set.
    pub async fn command_with(&self, other: &[(&str, &str)], args: &[&str], input: &str) -> Output {
        self.keep_time().await;
        let mut settings = self.settings();
        for (name, value) in other {
            settings.retain(|(known, _)| known != name);
            if !value.is_empty() {
                settings.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        let (dir, input) = (self.dir.path().to_owned(), input.to_owned());
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        // The gateways live in this process, and must answer meanwhile.
        tokio::task::spawn_blocking(move || {
            let settings: Vec<(&str, &str)> = settings
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            run(&dir, &settings, &args, &input)
        })
        .await
        .unwrap()
    }

    /// The real server on this past, with an API key and an owner.
    pub async fn server(&self, other: &[(&str, &str)]) -> Server {
        self.keep_time().await;
        let mut settings = self.settings();
        let own = [
            ("API_KEY", API_KEY),
            ("ADMIN_EMAIL", OWNER.0),
            ("ADMIN_PASSWORD", OWNER.1),
        ];
        for (name, value) in own.iter().chain(other) {
            settings.retain(|(known, _)| known != name);
            settings.push(((*name).to_owned(), (*value).to_owned()));
        }
        tokio::task::spawn_blocking(move || {
            let settings: Vec<(&str, &str)> = settings
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            Server::start_in(TempDir::new().unwrap(), &settings)
        })
        .await
        .unwrap()
    }

    /// A statement of the day as a person downloads it.
    pub async fn download(&self, channel: Channel, day: NaiveDate, kind: BillKind) -> Vec<u8> {
        // The clock of the shop is that of its own time; the gateways compare it with theirs.
        let behind = self.shop.sim.now_ms() - self.shop.services.clock.now().millis();
        let behind = std::time::Duration::from_millis(u64::try_from(behind).unwrap_or(0));
        self.shop.services.clock.advance(behind);
        let gateway = self.shop.services.gateways.get(channel).unwrap();
        gateway.download_bill(day, kind).await.unwrap()
    }
}
