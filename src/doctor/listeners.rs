//! Addresses that the server listens on: free, or held by our own server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::Report;
use crate::config::{Config, GatewayMode};
use crate::listen;

const PATIENCE: Duration = Duration::from_secs(3);

pub async fn check(config: &Config, report: &mut Report) {
    let is_ours = check_one("LISTEN", config.listen, "/health/live", "\"status\"", report).await;
    if let Some(address) = config.metrics_listen {
        if address.port() != 0 && address == config.listen {
            report.fail(
                "METRICS_LISTEN",
                format!("{address} is LISTEN as well: give it a port of its own"),
            );
        } else {
            check_one(
                "METRICS_LISTEN",
                address,
                "/metrics",
                "tongqian_build_info",
                report,
            )
            .await;
        }
    }
    if matches!(config.gateways, GatewayMode::Simulator) && !is_ours {
        check_one(
            "SIMULATOR_LISTEN",
            config.simulator_listen,
            "/wallet",
            "<html",
            report,
        )
        .await;
    }
}

/// Whether a server of ours holds the address already.
async fn check_one(
    name: &'static str,
    address: SocketAddr,
    path: &str,
    sign: &str,
    report: &mut Report,
) -> bool {
    match listen::bind(address) {
        Ok(_) => {
            report.ok(name, format!("{address} is free"));
            false
        }
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            let is_ours = shows_sign(address, path, sign).await;
            if is_ours {
                report.ok(name, format!("{address} is held by our own server"));
            } else {
                report.fail(
                    name,
                    format!("{address} is held by another program: choose another port"),
                );
            }
            is_ours
        }
        Err(error) => {
            report.fail(name, format!("cannot listen on {address}: {error}"));
            false
        }
    }
}

/// Whether what listens there answers as our server does.
async fn shows_sign(address: SocketAddr, path: &str, sign: &str) -> bool {
    let Ok(client) = local_client(PATIENCE) else {
        return false;
    };
    let url = format!("http://{}{path}", reachable(address));
    match client.get(url).send().await {
        Ok(response) => response.text().await.is_ok_and(|body| body.contains(sign)),
        Err(_) => false,
    }
}

/// Builds a client for addresses of this machine: plain HTTP, and never through a proxy.
pub fn local_client(timeout: Duration) -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .connect_timeout(timeout)
        .timeout(timeout)
        .no_proxy()
        .tls_certs_only([])
        .build()
}

/// Replaces an address that stands for all by one that a program of this machine reaches.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
