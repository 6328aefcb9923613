//! Lines that a start prints: addresses, and with live gateways the merchant accounts and how answers are verified.

use domain::Channel;
use payments::gateway::{alipay, wechat};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::config::{AlipayAccount, Config, GatewayMode, PublicUrl, WechatAccount};

/// Returns the live configuration for the operator to check before the first payment.
pub fn live_lines(config: &Config, public_url: &PublicUrl) -> Vec<String> {
    let GatewayMode::Live(accounts) = &config.gateways else {
        return Vec::new();
    };
    let or_none = |line: Option<String>| line.unwrap_or_else(|| "not configured".to_owned());
    let configured = [
        accounts.wechat.as_ref().map(|_| Channel::Wechat),
        accounts.alipay.as_ref().map(|_| Channel::Alipay),
    ];
    let callbacks: Vec<String> = configured
        .into_iter()
        .flatten()
        .map(|channel| public_url.notification_address(channel))
        .collect();
    vec![
        format!("Version: {}", env!("CARGO_PKG_VERSION")),
        format!(
            "Database: {}",
            describe_database(config.database_url.expose_secret())
        ),
        format!(
            "WeChat Pay: {}",
            or_none(accounts.wechat.as_ref().map(describe_wechat))
        ),
        format!(
            "Alipay: {}",
            or_none(accounts.alipay.as_ref().map(describe_alipay))
        ),
        format!("Callbacks: {}", callbacks.join(" ")),
        console_line(public_url),
    ]
}

pub fn console_line(public_url: &PublicUrl) -> String {
    format!("Console: {}/admin", public_url.as_str())
}

/// Describes engine and location, without user and password.
pub fn describe_database(url: &str) -> String {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return format!("SQLite {}", path.split('?').next().unwrap_or(path));
    }
    let Ok(url) = Url::parse(url) else {
        return "PostgreSQL".to_owned();
    };
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .unwrap_or("localhost");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!(
        "PostgreSQL {} at {host}{port}",
        url.path().trim_start_matches('/')
    )
}

fn describe_wechat(account: &WechatAccount) -> String {
    let verified_by = match account.verify() {
        wechat::Verify::PublicKey { id, .. } => format!("WeChat Pay's public key {id}"),
        wechat::Verify::Certificate { .. } => "a platform certificate".to_owned(),
        wechat::Verify::Download => "platform certificates that are downloaded".to_owned(),
    };
    format!(
        "live, merchant {}, app {}, answers verified by {verified_by}, at {}",
        account.mch_id, account.app_id, account.gateway_url
    )
}

fn describe_alipay(account: &AlipayAccount) -> String {
    let verified_by = match account.verify() {
        alipay::Verify::PublicKey { .. } => "Alipay's public key",
        alipay::Verify::Certificates { .. } => "certificates",
    };
    let seller = account
        .seller_id
        .as_ref()
        .map(|seller| format!(", seller {seller}"));
    format!(
        "live, app {}{}, answers verified by {verified_by}, at {}",
        account.app_id,
        seller.unwrap_or_default(),
        account.gateway_url
    )
}

/// Names the settings that let payments or notifications travel unencrypted. None in simulator mode, where no money moves.
pub fn find_unencrypted(config: &Config, public_url: &PublicUrl) -> Vec<&'static str> {
    let GatewayMode::Live(accounts) = &config.gateways else {
        return Vec::new();
    };
    let wechat = accounts.wechat.as_ref();
    let alipay = accounts.alipay.as_ref();
    [
        ("PUBLIC_URL", Some(public_url.as_str())),
        (
            "WECHAT_GATEWAY",
            wechat.map(|account| account.gateway_url.as_str()),
        ),
        (
            "WECHAT_BACKUP_GATEWAY",
            wechat.and_then(|account| account.backup_url.as_deref()),
        ),
        (
            "ALIPAY_GATEWAY",
            alipay.map(|account| account.gateway_url.as_str()),
        ),
    ]
    .into_iter()
    .filter(|(_, url)| url.is_some_and(|url| url.starts_with("http:")))
    .map(|(name, _)| name)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_described_without_its_password() {
        for (url, expected) in [
            ("sqlite://data/tongqian.db", "SQLite data/tongqian.db"),
            ("sqlite:///var/lib/t.db?mode=rwc", "SQLite /var/lib/t.db"),
            (
                "postgres://user:hush@db.example:5433/shop?x=1",
                "PostgreSQL shop at db.example:5433",
            ),
            (
                "postgres://user:hush@db.example/shop",
                "PostgreSQL shop at db.example",
            ),
            ("postgres:///shop", "PostgreSQL shop at localhost"),
        ] {
            assert_eq!(describe_database(url), expected);
        }
    }
}
