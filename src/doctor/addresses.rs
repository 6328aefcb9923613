//! The public address: what the gateways demand of it, and whether it leads here.

use std::net::IpAddr;
use std::time::Duration;

use url::{Host, Url};

use super::Report;
use crate::config::{Config, GatewayMode, PublicUrl};

const NAME: &str = "PUBLIC_URL";
const CONNECT: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(8);

/// Checks the addresses by themselves. In simulator mode any will do.
pub fn check(config: &Config, public_url: &PublicUrl, report: &mut Report) {
    let GatewayMode::Live(accounts) = &config.gateways else {
        return report.ok(
            NAME,
            format!("{} (no gateway calls back there)", public_url.as_str()),
        );
    };
    check_public(config, public_url, report);
    let urls = [
        (
            "WECHAT_GATEWAY",
            accounts.wechat.as_ref().map(|account| &account.gateway_url),
        ),
        (
            "ALIPAY_GATEWAY",
            accounts.alipay.as_ref().map(|account| &account.gateway_url),
        ),
    ];
    for (name, url) in urls {
        let Some(url) = url.and_then(|url| Url::parse(url).ok()) else {
            continue;
        };
        if url.scheme() == "http" && !is_loopback(&url) {
            report.warn(name, format!("{url} is not encrypted: use https"));
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn check_public(config: &Config, public_url: &PublicUrl, report: &mut Report) {
    let text = public_url.as_str();
    if config.public_url.is_none() {
        let problem = format!(
            "is not set, so gateways would be told to call {text}; set the https address that the world sees"
        );
        return report.fail(NAME, problem);
    }
    if !public_url.is_secure() {
        let problem = format!("{text} is not encrypted: gateways call back over https only");
        return report.fail(NAME, problem);
    }
    let Ok(url) = Url::parse(text) else {
        return report.fail(NAME, "is not an absolute URL");
    };
    let private = || format!("{text} is an address of this network: gateways cannot reach it");
    match url.host() {
        Some(Host::Ipv4(address)) if !is_public(IpAddr::V4(address)) => report.fail(NAME, private()),
        Some(Host::Ipv6(address)) if !is_public(IpAddr::V6(address)) => report.fail(NAME, private()),
        Some(Host::Domain(name)) if is_local_name(name) => report.fail(NAME, private()),
        Some(Host::Domain(_)) => report.ok(NAME, text),
        _ => report.warn(
            NAME,
            format!("{text} has no name: WeChat wants a registered domain"),
        ),
    }
}

/// Whether the world can reach an address, as far as its range tells.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            !(address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_documentation()
                || is_shared)
        }
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local())
        }
    }
}

fn is_local_name(name: &str) -> bool {
    !name.contains('.')
        || [".localhost", ".local", ".internal", ".lan", ".home.arpa"]
            .iter()
            .any(|ending| name.ends_with(ending))
}

/// Asks the public address for its health, as the world would.
pub async fn check_reach(config: &Config, public_url: &PublicUrl, report: &mut Report) {
    if !config.is_live() || config.public_url.is_none() {
        return;
    }
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .timeout(WHOLE)
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return report.warn(NAME, format!("was not asked: {error}")),
    };
    let url = format!("{}/health/live", public_url.as_str());
    let response = match client.get(&url).send().await {
        Ok(response) => response,
        Err(error) => return note_silence(&error, report),
    };
    let status = response.status();
    let is_ours = response.headers().contains_key("x-request-id")
        && response
            .text()
            .await
            .is_ok_and(|body| body.contains("\"status\""));
    if is_ours {
        report.ok(NAME, "leads to a server of Tongqian");
    } else if status.is_redirection() {
        let problem =
            format!("answers {url} with {status}: gateways follow no redirect; set the address it leads to");
        report.fail(NAME, problem);
    } else if status.is_server_error() {
        let problem = format!("{url} answers {status}: a proxy is there, and no server behind it");
        report.warn(NAME, problem);
    } else {
        let problem = format!(
            "{url} answers {status}, and not as a server of Tongqian: it leads elsewhere, or a proxy in between changes bodies"
        );
        report.fail(NAME, problem);
    }
}

fn note_silence(error: &reqwest::Error, report: &mut Report) {
    let chain = crate::telemetry::chain(error);
    if chain.to_ascii_lowercase().contains("certificate") {
        report.fail(
            NAME,
            format!("its certificate is not trusted, so no gateway calls back: {chain}"),
        );
    } else {
        report.warn(
            NAME,
            format!("is not reached from here ({chain}): start the server, then run this again"),
        );
    }
}
