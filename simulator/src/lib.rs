//! WeChat Pay APIv3 and the Alipay gateway as independent servers.
//!
//! Two addresses serve the gateways' real paths, `/wallet` (a phone to pay with) and `/_control`
//! (faults, time, books); the second one is what WeChat Pay calls its backup host. Nothing here is shared with the product's clients, not even the signing:
//! `rsa`, `sha2` and `aes-gcm` here, `aws-lc-rs` there; otherwise a mistake would check itself.
//!
//! [`state::State`] is the state machine of both gateways and needs no socket; `dispatcher`, `server` and
//! `listener` are the shell around it, and [`InProcess`] is another one for simulations without sockets.

mod alipay;
mod books;
mod control;
mod dispatcher;
mod fault_injection;
mod faults;
mod in_process;
mod keys;
mod listener;
mod outbox;
mod payer;
mod rng;
mod saved;
mod server;
mod settings;
mod signed_notification;
mod state;
mod statement;
mod time;
mod wallet;
mod wechat;
mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

pub use books::{
    BookedNotification, BookedRefund, BookedShipping, BookedTrade, Books, Gateway, RefundOutcome,
};
pub use control::{Alteration, SignedBy};
pub use faults::{Endpoint, Fault, FaultKind, Faults, Host, When};
pub use in_process::{Answer, Due, InProcess, KeyRing};
pub use keys::{ALIPAY_APP_ID, MCH_ID as WECHAT_MCH_ID};
pub use settings::{
    AlipayCertificate, AlipayNotifications, AlipaySigning, Clock, Credentials, Products, Settings, WechatKeys,
};
pub use signed_notification::SignedNotification;
pub use statement::{Plant, PlantKind, Table};

use dispatcher::Dispatcher;
use keys::Keys;
use listener::Listener;
use payer::Payer;
use time::Watch;

/// Time for calls in progress to finish at a stop.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// Reasons for which a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("it cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("its keys and books cannot be kept")]
    Files {
        #[source]
        source: io::Error,
    },
}

/// A running simulator; dropping it stops it.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    backup_address: SocketAddr,
    dispatcher: Arc<Dispatcher>,
    servers: Vec<JoinHandle<()>>,
}

impl Simulator {
    pub async fn start(settings: Settings) -> Result<Simulator, StartError> {
        let Settings {
            listen,
            backup_listen,
            clock,
            seed,
            wechat_keys,
            products,
            key_dir,
            books_file,
        } = settings;
        let keys = tokio::task::spawn_blocking(move || Keys::load(wechat_keys, key_dir.as_deref()));
        let keys = keys.await.map_err(io::Error::other).flatten();
        let keys = keys.map_err(|source| StartError::Files { source })?;
        let listeners = [
            Arc::new(open_door(Host::Primary, listen).await?),
            Arc::new(open_door(Host::Backup, backup_listen).await?),
        ];
        let [address, backup_address] = [listeners[0].address(), listeners[1].address()];
        // A fresh simulator must not repeat the ids of the last one, which its merchant has kept.
        let seed = match clock {
            Clock::System => seed ^ Watch::new(clock, 0).now_ms().unsigned_abs(),
            Clock::Fixed { .. } => seed,
        };
        let dispatcher = Dispatcher::new(keys, seed, clock, listeners.clone(), books_file);
        let dispatcher = Arc::new(dispatcher.map_err(|source| StartError::Files { source })?);
        dispatcher.act(|state, _| state.products = products);
        tokio::spawn(Arc::clone(&dispatcher).run());
        tokio::spawn(Arc::clone(&dispatcher).keep_saved());
        let servers = listeners.map(|listener| tokio::spawn(listener.serve(Arc::clone(&dispatcher))));
        Ok(Simulator {
            address,
            backup_address,
            dispatcher,
            servers: servers.into(),
        })
    }

    pub fn base_url(&self) -> String {
        url_of(self.address)
    }

    /// Value of a merchant's `WECHAT_GATEWAY`.
    pub fn wechat_url(&self) -> String {
        self.base_url()
    }

    /// Backup address of WeChat Pay, for when [`Simulator::wechat_url`] does not answer (docs/gateway-facts.md 1.1).
    pub fn wechat_backup_url(&self) -> String {
        url_of(self.backup_address)
    }

    /// Value of a merchant's `ALIPAY_GATEWAY`.
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
        self.dispatcher.keys.credentials()
    }

    /// The simulator's time, which its signatures and expiries follow.
    pub fn now_ms(&self) -> i64 {
        self.dispatcher.watch.now_ms()
    }

    /// Sets the products that the merchant has signed; a call of another one is refused.
    pub fn sign(&self, products: Products) {
        self.dispatcher.act(|state, _| state.products = products);
    }

    /// Scans and pays; takes the content of a QR code or an `out_trade_no`. Returns when the first
    /// delivery of the notification was attempted.
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
        let paid = self
            .dispatcher
            .act(|state, now_ms| payer::pay(state, now_ms, payer));
        paid.map_err(|refusal| refusal.to_string())?;
        self.dispatcher.settle(self.now_ms()).await;
        Ok(())
    }

    /// Scans and declines: the order stays payable.
    pub async fn refuse(&self, prompt_or_trade_no: &str) -> Result<(), String> {
        let payer = Payer::first(prompt_or_trade_no);
        let refused = self
            .dispatcher
            .act(|state, now_ms| payer::refuse(state, now_ms, &payer));
        refused.map(drop).map_err(|refusal| refusal.to_string())
    }

    /// Scans without paying; at Alipay this creates the trade.
    pub async fn scan(&self, prompt_or_trade_no: &str) -> Result<(), String> {
        let payer = Payer::first(prompt_or_trade_no);
        let scanned = self
            .dispatcher
            .act(|state, now_ms| payer::scan(state, now_ms, &payer));
        scanned.map(drop).map_err(|refusal| refusal.to_string())
    }

    /// Scans with another payer's phone: refused once the first payer has scanned.
    pub async fn scan_as(&self, prompt_or_trade_no: &str, name: &str) -> Result<(), String> {
        let payer = Payer {
            name,
            ..Payer::first(prompt_or_trade_no)
        };
        let scanned = self
            .dispatcher
            .act(|state, now_ms| payer::scan(state, now_ms, &payer));
        scanned.map(drop).map_err(|refusal| refusal.to_string())
    }

    /// Moves the clock and delivers every notification that falls due, each at its time; returns when all these
    /// deliveries were attempted. `advance(0)` delivers what is due now.
    pub async fn advance(&self, ms: i64) {
        self.dispatcher
            .settle(self.now_ms().saturating_add(ms.max(0)))
            .await;
    }

    /// Replaces all faults by these.
    pub fn faults(&self, faults: Faults) {
        self.dispatcher.change_faults(|state| state.set_faults(&faults));
    }

    /// Adds a fault.
    pub fn fault(&self, fault: Fault) {
        self.dispatcher.change_faults(|state| state.add_fault(fault));
    }

    /// Plants a difference between the statements and the books, until all are cleared.
    pub fn plant(&self, plant: Plant) -> Result<(), String> {
        self.dispatcher.act(|state, _| state.plant(&[plant]))
    }

    pub fn clear_plants(&self) {
        self.dispatcher.act(|state, _| state.plants.clear());
    }

    /// Pays, and the gateway never notifies the merchant.
    pub async fn pay_silently(&self, prompt_or_trade_no: &str) -> Result<(), String> {
        self.pay_as(&Payer {
            is_silent: true,
            ..Payer::first(prompt_or_trade_no)
        })
        .await
    }

    /// The merchant gives a discount: the payer pays less, and so much less is settled.
    pub async fn pay_with_discount(&self, prompt_or_trade_no: &str, fen: i64) -> Result<(), String> {
        self.pay_as(&Payer {
            merchant_coupon_fen: fen,
            ..Payer::first(prompt_or_trade_no)
        })
        .await
    }

    /// Refunds as a person does in the gateway's own merchant platform; returns the number of the refund.
    pub async fn refund_by_hand(&self, out_trade_no: &str, fen: Option<i64>) -> Result<String, String> {
        let refund_no = self
            .dispatcher
            .act(|state, now_ms| state.refund_by_hand(now_ms, out_trade_no, fen))?;
        self.dispatcher.settle(self.now_ms()).await;
        Ok(refund_no)
    }

    /// Ends a refund of WeChat's now instead of when its time is up; an abnormal one may still succeed or be
    /// closed. Returns when the first delivery of its notification was attempted.
    pub async fn settle_refund(&self, out_refund_no: &str, outcome: RefundOutcome) -> Result<(), String> {
        self.dispatcher
            .act(|state, now_ms| wechat::settle_refund(state, now_ms, out_refund_no, outcome))?;
        self.dispatcher.settle(self.now_ms()).await;
        Ok(())
    }

    /// Sets the duration of WeChat's refunds from now on; the default is five seconds.
    pub fn set_refund_delay_ms(&self, ms: i64) {
        self.dispatcher
            .act(|state, _| state.wechat.refund_delay_ms = ms.max(0));
    }

    /// The merchant's balance at WeChat Pay, which refunds are paid from.
    pub fn merchant_balance_fen(&self) -> i64 {
        self.dispatcher.act(|state, _| state.wechat.account.balance_fen)
    }

    /// Sets that balance by a top-up or a withdrawal.
    pub fn set_merchant_balance_fen(&self, fen: i64) {
        self.dispatcher.act(|state, now_ms| {
            let crate::state::State { wechat, rng, .. } = state;
            wechat.account.set_balance(rng, now_ms, fen);
        });
    }

    pub fn set_alipay_signing(&self, signing: AlipaySigning) {
        self.dispatcher.act(|state, _| state.alipay.signing = signing);
    }

    /// Sets the balance of the merchant's Alipay account; a larger refund is refused. None pays every refund.
    pub fn set_alipay_balance(&self, fen: Option<i64>) {
        self.dispatcher
            .act(|state, _| state.alipay.funds.balance_fen = fen);
    }

    /// Sets the duration of Alipay's accepted refunds; until then the answer says `fund_change` N.
    pub fn set_alipay_refund_ms(&self, ms: i64) {
        self.dispatcher
            .act(|state, _| state.alipay.funds.refund_takes_ms = ms.max(0));
    }

    pub fn books(&self) -> Books {
        self.dispatcher.act(|state, now_ms| {
            state.lapse(now_ms);
            state.books()
        })
    }

    /// Returns a signed notification about this trade, altered as asked and not sent: for attacks, and for tests
    /// that deliver notifications themselves.
    pub fn letter(&self, out_trade_no: &str, alteration: &Alteration) -> Result<SignedNotification, String> {
        control::forge(&self.dispatcher, out_trade_no, alteration)
    }

    pub async fn stop(mut self) {
        self.dispatcher.stop();
        for mut server in std::mem::take(&mut self.servers) {
            if tokio::time::timeout(STOP_LIMIT, &mut server).await.is_err() {
                server.abort();
            }
        }
        self.dispatcher.save().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.dispatcher.stop();
    }
}

async fn open_door(host: Host, address: SocketAddr) -> Result<Listener, StartError> {
    let listener = Listener::open(host, address).await;
    listener.map_err(|source| StartError::Listen { address, source })
}

fn url_of(mut address: SocketAddr) -> String {
    // An unspecified address cannot be called; this machine is one of those it listens on.
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{address}")
}
