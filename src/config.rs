//! Settings, read and checked once, before anything else happens. A missing or wrong one stops the start.
//!
//! `Debug` shows no secret: secrets are `SecretString`s, and so is the address of the database, which may hold a password.

mod backups;
mod branding;
mod env_file;
mod epay;
mod gateways;
mod names;
mod notify;
mod products;
mod retention;
mod source;
mod traces;
mod value;
mod webhooks;

use std::net::SocketAddr;
use std::time::Duration;

use app::return_url::ReturnHosts;
use domain::schedule::SHIPPING_LIFE;
use domain::{LatePolicy, Money, Products};
use payments::alarm::Robots;
use payments::gateway::alipay::QrProduct;
use payments::secrets::KEY_BYTES;
use payments::{Logistics, OverdueAfter, Policy};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};

pub use self::backups::ScheduledBackups;
pub use self::branding::{Branding, Logo};
pub use self::epay::EpayConfig;
pub use self::gateways::{AlipayAccount, GatewayMode, WechatAccount};
pub use self::source::{ConfigError, Source};
pub use self::traces::TraceSettings;
pub use self::value::{Cron, PublicUrl, is_in_memory, parse_minutes};
pub use self::webhooks::WebhookSettings;
use crate::api_limits::Rate;
use crate::proxies::Proxies;

#[derive(Debug)]
pub struct Config {
    pub listen: SocketAddr,
    /// `None`: the address the server listens on, known once it does.
    pub public_url: Option<PublicUrl>,
    pub database_url: SecretString,
    pub backups: Option<ScheduledBackups>,
    pub gateways: GatewayMode,
    /// Products that the merchant has signed; pages offer no other.
    pub products: Products,
    pub alipay_qr_product: QrProduct,
    /// Serves a database although payments of another merchant account are unfinished in it.
    pub accepts_other_merchant: bool,
    pub simulator_listen: SocketAddr,
    pub metrics_listen: Option<SocketAddr>,
    pub api_key: Option<SecretString>,
    pub first_admin: Option<FirstAdmin>,
    pub policy: Policy,
    /// Rate limit of one API key.
    pub api_rate: Rate,
    /// Rate limit of one address without a valid key.
    pub api_stranger_rate: Rate,
    /// Connections served at once.
    pub max_connections: usize,
    /// Lifetime of an event stream of a checkout page.
    pub event_stream_life: Duration,
    pub expiry_cron: Cron,
    pub reconcile_cron: Cron,
    /// In Beijing time.
    pub statements_cron: Cron,
    pub branding: Branding,
    /// Hosts that payers may be sent back to.
    pub return_hosts: ReturnHosts,
    /// Directory of the browser bundle and the static files, when not in their usual place.
    pub site_root: Option<std::path::PathBuf>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Proxies,
    /// `None`: the key is in a file beside the database.
    pub secrets_key: Option<SecretBox<[u8; KEY_BYTES]>>,
    pub epay: EpayConfig,
    pub webhooks: WebhookSettings,
    /// Robots and mailboxes that tell operators of incidents.
    pub robots: Robots,
    pub log: Log,
    /// `None`: no traces.
    pub traces: Option<TraceSettings>,
}

/// The owner that is created when there is no user yet.
#[derive(Debug, Clone)]
pub struct FirstAdmin {
    pub email: String,
    pub password: SecretString,
}

#[derive(Debug, Clone)]
pub struct Log {
    /// A tracing filter that has been parsed once already.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

const DATABASE_URL: &str = "sqlite://data/tongqian.db";
const LISTEN: &str = "127.0.0.1:3000";
const SIMULATOR_LISTEN: &str = "127.0.0.1:0";
const EXPIRY_CRON: &str = "*/15 * * * * *";
const RECONCILE_CRON: &str = "*/5 * * * * *";
/// The gateways promise their statements for ten in the morning.
const STATEMENTS_CRON: &str = "0 30 10 * * *";
const API_RATE: Rate = Rate::default_of(200);
const API_STRANGER_RATE: Rate = Rate::default_of(20);
/// Each takes about 16 KiB of memory while it is idle.
const MAX_CONNECTIONS: usize = 4096;
const EVENT_STREAM_LIFE: Duration = Duration::from_mins(15);
/// Shorter passwords are guessable; longer ones only serve attacks on the hash.
const PASSWORD_BYTES: std::ops::RangeInclusive<usize> = 8..=256;
/// Minimum length in live mode, where a person types the key once and it stays for years.
const MIN_LIVE_API_KEY: usize = 20;
const MIN_LIVE_PASSWORD: usize = 12;

impl Config {
    pub fn read(source: &Source) -> Result<Config, ConfigError> {
        let defaults = Policy::default();
        let database_url = source
            .parsed("DATABASE_URL", value::parse_database_url)?
            .unwrap_or_else(|| SecretString::from(DATABASE_URL));
        let gateways = GatewayMode::read(source)?;
        let is_simulator = matches!(gateways, GatewayMode::Simulator);
        let products = products::read(source, is_simulator)?;
        let webhooks = WebhookSettings::read(source, is_simulator)?;
        let config = Config {
            listen: source
                .parsed("LISTEN", value::parse_address)?
                .map_or_else(|| value::parse_address(LISTEN), Ok)
                .map_err(|problem| ConfigError::new("LISTEN", problem))?,
            public_url: source.parsed("PUBLIC_URL", PublicUrl::parse)?,
            backups: backups::read(source, &database_url)?,
            database_url,
            gateways,
            products,
            alipay_qr_product: products::read_qr_product(source)?,
            accepts_other_merchant: source
                .parsed("ACCEPT_OTHER_MERCHANT", parse_yes)?
                .unwrap_or(false),
            simulator_listen: source
                .parsed("SIMULATOR_LISTEN", value::parse_address)?
                .map_or_else(|| value::parse_address(SIMULATOR_LISTEN), Ok)
                .map_err(|problem| ConfigError::new("SIMULATOR_LISTEN", problem))?,
            metrics_listen: source.parsed("METRICS_LISTEN", value::parse_address)?,
            api_key: source.parsed("API_KEY", value::parse_api_key)?,
            first_admin: FirstAdmin::read(source)?,
            policy: Policy {
                payment_ttl: source
                    .parsed("PAYMENT_TTL_MINUTES", parse_minutes)?
                    .unwrap_or(defaults.payment_ttl),
                order_ttl: source
                    .parsed("ORDER_TTL_MINUTES", parse_minutes)?
                    .unwrap_or(defaults.order_ttl),
                late_payment: source
                    .parsed("LATE_PAYMENT", parse_late_policy)?
                    .unwrap_or_default(),
                refund_approval_above: source.parsed("REFUND_APPROVAL_ABOVE", parse_fen)?,
                refund_confirm_above: source
                    .parsed("REFUND_CONFIRM_ABOVE", parse_fen)?
                    .unwrap_or(defaults.refund_confirm_above),
                retention: retention::read(source)?,
                shipping: source.parsed("WECHAT_SHIPPING", parse_shipping)?.flatten(),
                overdue_after: OverdueAfter {
                    payment: source
                        .parsed("PAYMENT_OVERDUE_MINUTES", parse_minutes)?
                        .unwrap_or(defaults.overdue_after.payment),
                    wechat_refund: source
                        .parsed("REFUND_OVERDUE_WECHAT_HOURS", value::parse_hours)?
                        .unwrap_or(defaults.overdue_after.wechat_refund),
                    alipay_refund: source
                        .parsed("REFUND_OVERDUE_ALIPAY_HOURS", value::parse_hours)?
                        .unwrap_or(defaults.overdue_after.alipay_refund),
                },
            },
            api_rate: source
                .parsed("API_RATE_PER_SECOND", Rate::parse)?
                .unwrap_or(API_RATE),
            api_stranger_rate: source
                .parsed("API_STRANGERS_PER_SECOND", Rate::parse)?
                .unwrap_or(API_STRANGER_RATE),
            max_connections: source
                .parsed("MAX_CONNECTIONS", value::parse_max_connections)?
                .unwrap_or(MAX_CONNECTIONS),
            event_stream_life: source
                .parsed("EVENT_STREAM_MINUTES", parse_minutes)?
                .unwrap_or(EVENT_STREAM_LIFE),
            expiry_cron: source
                .parsed("EXPIRY_CRON", Cron::parse)?
                .map_or_else(|| parse_cron(EXPIRY_CRON), Ok)?,
            reconcile_cron: source
                .parsed("RECONCILE_CRON", Cron::parse)?
                .map_or_else(|| parse_cron(RECONCILE_CRON), Ok)?,
            statements_cron: source
                .parsed("STATEMENTS_CRON", Cron::parse)?
                .map_or_else(|| parse_cron(STATEMENTS_CRON), Ok)?,
            branding: Branding::read(source)?,
            return_hosts: source
                .parsed("RETURN_URL_HOSTS", ReturnHosts::parse)?
                .unwrap_or_default(),
            site_root: source.text("LEPTOS_SITE_ROOT").map(std::path::PathBuf::from),
            trusted_proxies: source
                .parsed("TRUSTED_PROXIES", Proxies::parse)?
                .unwrap_or_default(),
            secrets_key: retention::read_secrets_key(source)?,
            epay: EpayConfig::read(source)?,
            robots: notify::read(source, &webhooks.guard())?,
            webhooks,
            log: Log::read(source)?,
            traces: traces::read(source)?,
        };
        source.refuse_unknown()?;
        config.check_shipping()?;
        config.check_live_settings()?;
        Ok(config)
    }

    /// Base of every absolute URL, as far as it is known before the server listens.
    pub fn base_url(&self) -> PublicUrl {
        self.public_url
            .clone()
            .unwrap_or_else(|| PublicUrl::of(self.listen))
    }

    pub fn is_live(&self) -> bool {
        matches!(self.gateways, GatewayMode::Live(_))
    }

    /// Refuses settings with which WeChat could not be told of a delivery: it is told by the payer's openid.
    fn check_shipping(&self) -> Result<(), ConfigError> {
        if self.policy.shipping.is_some() && self.policy.retention.payer_ids < SHIPPING_LIFE {
            let days = SHIPPING_LIFE.as_secs() / Duration::from_hours(24).as_secs();
            let problem = format!(
                "must be at least {days} with WECHAT_SHIPPING, which uploads by the payer's openid for so long"
            );
            return Err(ConfigError::new("RETAIN_PAYER_IDS_DAYS", problem));
        }
        Ok(())
    }

    /// Refuses settings that are good for trials but too weak for real money.
    fn check_live_settings(&self) -> Result<(), ConfigError> {
        let GatewayMode::Live(accounts) = &self.gateways else {
            return Ok(());
        };
        let wechat = accounts.wechat.as_ref();
        if self.policy.shipping.is_some() && wechat.is_none_or(|account| account.mini_app_secret.is_none()) {
            let problem = "missing: WECHAT_SHIPPING is set without it";
            return Err(ConfigError::new("WECHAT_MINI_APP_SECRET", problem));
        }
        let is_short = |secret: &SecretString, least| secret.expose_secret().chars().count() < least;
        if self
            .api_key
            .as_ref()
            .is_some_and(|key| is_short(key, MIN_LIVE_API_KEY))
        {
            let problem = format!("must have at least {MIN_LIVE_API_KEY} characters with live gateways");
            return Err(ConfigError::new("API_KEY", problem));
        }
        if self
            .first_admin
            .as_ref()
            .is_some_and(|owner| is_short(&owner.password, MIN_LIVE_PASSWORD))
        {
            let problem = format!("must have at least {MIN_LIVE_PASSWORD} characters with live gateways");
            return Err(ConfigError::new("ADMIN_PASSWORD", problem));
        }
        if value::is_in_memory(self.database_url.expose_secret()) {
            return Err(ConfigError::new(
                "DATABASE_URL",
                "is a database in memory, which is lost at every stop: with live gateways it must be a file or PostgreSQL",
            ));
        }
        Ok(())
    }
}

impl FirstAdmin {
    fn read(source: &Source) -> Result<Option<FirstAdmin>, ConfigError> {
        let email = source.parsed("ADMIN_EMAIL", parse_email)?;
        let password = source.parsed("ADMIN_PASSWORD", parse_password)?;
        match (email, password) {
            (None, None) => Ok(None),
            (Some(email), Some(password)) => Ok(Some(FirstAdmin { email, password })),
            (None, Some(_)) => Err(ConfigError::new(
                "ADMIN_EMAIL",
                "missing: ADMIN_PASSWORD is set without it",
            )),
            (Some(_), None) => Err(ConfigError::new(
                "ADMIN_PASSWORD",
                "missing: ADMIN_EMAIL is set without it",
            )),
        }
    }
}

impl Log {
    pub fn read(source: &Source) -> Result<Log, ConfigError> {
        let filter = source.parsed("LOG", |text| {
            tracing_subscriber::EnvFilter::try_new(text)
                .map(|_| text.to_owned())
                .map_err(|_| "is not a tracing filter such as info or tongqian=debug,warn".to_owned())
        })?;
        let format = source.parsed("LOG_FORMAT", |text| match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("must be text or json".to_owned()),
        })?;
        Ok(Log {
            filter: filter.unwrap_or_else(|| "info".to_owned()),
            format: format.unwrap_or(LogFormat::Text),
        })
    }
}

/// Parses an e-mail address: one `@` with something on both sides; whether it accepts mail is not checked.
pub fn parse_email(text: &str) -> Result<String, String> {
    let is_address = text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text
            .split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if is_address {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("is not an e-mail address".to_owned())
    }
}

pub fn parse_password(text: &str) -> Result<SecretString, String> {
    if PASSWORD_BYTES.contains(&text.len()) {
        Ok(SecretString::from(text))
    } else {
        Err(format!(
            "must have {} to {} bytes",
            PASSWORD_BYTES.start(),
            PASSWORD_BYTES.end()
        ))
    }
}

pub fn parse_fen(text: &str) -> Result<Money, String> {
    let fen = text.parse().ok().and_then(|fen| Money::from_sum(fen).ok());
    fen.ok_or_else(|| "must be a number of fen, such as 100000 for ¥1,000.00".to_owned())
}

fn parse_yes(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("must be yes or no".to_owned()),
    }
}

fn parse_late_policy(text: &str) -> Result<LatePolicy, String> {
    match text {
        "refund" => Ok(LatePolicy::Refund),
        "accept" => Ok(LatePolicy::Accept),
        _ => Err("must be refund or accept".to_owned()),
    }
}

fn parse_shipping(text: &str) -> Result<Option<Logistics>, String> {
    match (text, Logistics::parse(text)) {
        ("off", _) => Ok(None),
        (_, Some(logistics)) => Ok(Some(logistics)),
        (_, None) => Err("must be off, virtual or pickup".to_owned()),
    }
}

fn parse_cron(expression: &str) -> Result<Cron, ConfigError> {
    Cron::parse(expression).map_err(|problem| ConfigError::new("a built-in cron expression", problem))
}

#[cfg(test)]
mod tests;
