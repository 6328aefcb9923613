//! WeChat Pay APIv3 and the Alipay gateway as other people's servers.
//!
//! One listener serves the gateways' real paths, `/wallet` (a phone to pay with) and `/_control`
//! (faults, time, books). Nothing here is shared with the product's clients, not even the signing:
//! `rsa`, `sha2` and `aes-gcm` here, `aws-lc-rs` there; otherwise a mistake would check itself.
//!
//! [`world::World`] is the state machine of both gateways and needs no socket; `courier` and `server`
//! are the shell around it.

mod alipay;
mod books;
mod control;
mod courier;
mod dice;
mod faults;
mod keys;
mod letter;
mod payer;
mod post;
mod server;
mod settings;
mod time;
mod wallet;
mod wechat;
mod wire;
mod world;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use books::{BookedNotice, BookedTrade, Books, Gateway};
pub use control::{Alteration, SignedBy};
pub use faults::{Endpoint, Fault, FaultKind, Faults, When};
pub use letter::Letter;
pub use settings::{Clock, Credentials, Settings, WechatKeys};

use courier::Courier;
use keys::Keys;
use payer::Payer;
use time::Watch;

/// How long a stop waits for calls that are being answered.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    courier: Arc<Courier>,
    server: Option<JoinHandle<io::Result<()>>>,
}

impl Simulator {
    pub async fn start(settings: Settings) -> io::Result<Simulator> {
        let Settings {
            listen,
            clock,
            seed,
            wechat_keys,
            key_dir,
        } = settings;
        let keys = tokio::task::spawn_blocking(move || Keys::load(wechat_keys, key_dir.as_deref()));
        let keys = keys.await.map_err(io::Error::other)??;
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        // A world that starts anew must not repeat the ids of the last one, which its merchant has kept.
        let seed = match clock {
            Clock::System => seed ^ Watch::new(clock).now_ms().unsigned_abs(),
            Clock::Fixed { .. } => seed,
        };
        let courier = Arc::new(Courier::new(keys, seed, clock)?);
        tokio::spawn(Arc::clone(&courier).run());
        let server = tokio::spawn(server::serve(listener, Arc::clone(&courier)));
        Ok(Simulator {
            address,
            courier,
            server: Some(server),
        })
    }

    pub fn base_url(&self) -> String {
        let mut address = self.address;
        // Nobody can call "every interface"; this machine is one of those it listens on.
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{address}")
    }

    /// What a merchant sets as `WECHAT_GATEWAY`.
    pub fn wechat_url(&self) -> String {
        self.base_url()
    }

    /// What a merchant sets as `ALIPAY_GATEWAY`.
    pub fn alipay_url(&self) -> String {
        format!("{}/gateway.do", self.base_url())
    }

    pub fn wallet_url(&self) -> String {
        format!("{}/wallet", self.base_url())
    }

    pub fn control_url(&self) -> String {
        format!("{}/_control", self.base_url())
    }

    pub fn credentials(&self) -> &Credentials {
        self.courier.keys.credentials()
    }

    /// The simulator's present, which its signatures and expiries follow.
    pub fn now_ms(&self) -> i64 {
        self.courier.watch.now_ms()
    }

    /// Scans and pays; takes the content of a QR code or an `out_trade_no`. Returns when the first
    /// delivery of the notice was attempted.
    pub async fn pay(&self, prompt_or_trade_no: &str) -> Result<(), String> {
        self.pay_as(&Payer::first(prompt_or_trade_no)).await
    }

    /// WeChat gives a coupon: the payer pays less than the total, the merchant's order is paid in full.
    pub async fn pay_with_coupon(&self, prompt_or_trade_no: &str, coupon_fen: i64) -> Result<(), String> {
        self.pay_as(&Payer {
            coupon_fen,
            ..Payer::first(prompt_or_trade_no)
        })
        .await
    }

    async fn pay_as(&self, payer: &Payer<'_>) -> Result<(), String> {
        let paid = self.courier.act(|world, now_ms| payer::pay(world, now_ms, payer));
        paid.map_err(|refusal| refusal.to_string())?;
        self.courier.settle(self.now_ms()).await;
        Ok(())
    }

    /// Scans and declines: the order stays payable.
    pub async fn refuse(&self, prompt_or_trade_no: &str) -> Result<(), String> {
        let payer = Payer::first(prompt_or_trade_no);
        let refused = self
            .courier
            .act(|world, now_ms| payer::refuse(world, now_ms, &payer));
        refused.map(drop).map_err(|refusal| refusal.to_string())
    }

    /// Scans and leaves it at that; at Alipay this is what creates the trade.
    pub async fn scan(&self, prompt_or_trade_no: &str) -> Result<(), String> {
        let payer = Payer::first(prompt_or_trade_no);
        let scanned = self
            .courier
            .act(|world, now_ms| payer::scan(world, now_ms, &payer));
        scanned.map(drop).map_err(|refusal| refusal.to_string())
    }

    /// Somebody else's phone: refused once the first payer has scanned.
    pub async fn scan_as(&self, prompt_or_trade_no: &str, name: &str) -> Result<(), String> {
        let payer = Payer {
            name,
            ..Payer::first(prompt_or_trade_no)
        };
        let scanned = self
            .courier
            .act(|world, now_ms| payer::scan(world, now_ms, &payer));
        scanned.map(drop).map_err(|refusal| refusal.to_string())
    }

    /// Moves the clock and delivers every notice that falls due, each at its time; returns when all
    /// these deliveries were attempted. `advance(0)` delivers what is due now.
    pub async fn advance(&self, ms: i64) {
        self.courier.settle(self.now_ms().saturating_add(ms.max(0))).await;
    }

    /// These faults and no others.
    pub fn faults(&self, faults: Faults) {
        self.courier.act(|world, _| world.set_faults(&faults));
    }

    /// One fault more.
    pub fn fault(&self, fault: Fault) {
        self.courier.act(|world, _| world.add_fault(fault));
    }

    pub fn books(&self) -> Books {
        self.courier.act(|world, now_ms| {
            world.lapse(now_ms);
            world.books()
        })
    }

    /// A signed notice about this trade, altered as asked and not sent: for attacks, and for tests
    /// that carry notices themselves.
    pub fn letter(&self, out_trade_no: &str, alteration: &Alteration) -> Result<Letter, String> {
        control::forge(&self.courier, out_trade_no, alteration)
    }

    pub async fn stop(mut self) {
        self.courier.stop();
        if let Some(mut server) = self.server.take()
            && tokio::time::timeout(STOP_LIMIT, &mut server).await.is_err()
        {
            server.abort();
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.courier.stop();
    }
}
