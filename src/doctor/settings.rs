//! Every setting by itself: what is missing, malformed, or no setting of ours.

use std::collections::BTreeSet;

use domain::{Method, Product};

use super::Report;
use crate::config::{Config, GatewayMode, Source};

/// More mistakes than this are one: the file belongs to another program.
const MOST_MISTAKES: usize = 30;

/// Reads the settings and notes every mistake; `None` when they cannot be used. A setting that is wrong is left out, and
/// the others are read again: the second mistake of a file is as wrong as the first.
pub fn read(source: &mut Source, report: &mut Report) -> Option<Config> {
    let mut seen = BTreeSet::new();
    loop {
        match Config::read(source) {
            Ok(config) if seen.is_empty() => {
                report.ok("settings", "every name is known, every value can be read");
                note_mode(&config, source, report);
                return Some(config);
            }
            Ok(_) => return None,
            Err(error) => {
                // The same name again says only that it was left out.
                let is_new = seen.insert(error.name.clone());
                if !is_new || (seen.len() > 1 && error.problem.starts_with("missing")) {
                    return None;
                }
                report.fail(error.name.as_str(), error.problem.as_str());
                if seen.len() >= MOST_MISTAKES || !source.leave_out(&error.name) {
                    return None;
                }
            }
        }
    }
}

fn note_mode(config: &Config, source: &Source, report: &mut Report) {
    const NAME: &str = "GATEWAYS";
    let accounts = match &config.gateways {
        GatewayMode::Live(accounts) => accounts,
        GatewayMode::Simulator => {
            let set = ["WECHAT_MCH_ID", "ALIPAY_APP_ID"];
            return match set.into_iter().find(|name| source.text(name).is_some()) {
                Some(name) => report.warn(NAME, format!("simulator: no money moves, although {name} is set")),
                None => report.ok(NAME, "simulator: no money moves"),
            };
        }
    };
    let names: Vec<&str> = [
        accounts.wechat.as_ref().map(|_| "WeChat Pay"),
        accounts.alipay.as_ref().map(|_| "Alipay"),
    ]
    .into_iter()
    .flatten()
    .collect();
    report.ok(NAME, format!("live: {}", names.join(" and ")));
    note_products(config, report);
}

/// Notes what pages offer: a product that is not signed is refused by the gateway while a payer waits.
fn note_products(config: &Config, report: &mut Report) {
    for (name, method) in [
        ("WECHAT_PRODUCTS", Method::Wechat),
        ("ALIPAY_PRODUCTS", Method::Alipay),
    ] {
        let products: Vec<&str> = config.products.of_method(method).map(Product::as_str).collect();
        report.ok(name, format!("pages offer {}", products.join(", ")));
    }
    let GatewayMode::Live(accounts) = &config.gateways else {
        return;
    };
    let sells_in_mini_program = accounts
        .wechat
        .as_ref()
        .is_some_and(|account| account.mini_app_id.is_some());
    if sells_in_mini_program {
        note_shipping(config, report);
    }
    let is_without_secret = accounts
        .wechat
        .as_ref()
        .is_some_and(|account| account.app_secret.is_none());
    if config.products.contains(Product::Jsapi) && is_without_secret {
        report.warn(
            "WECHAT_APP_SECRET",
            "missing: jsapi is signed, but a page inside WeChat cannot learn the payer's openid without it",
        );
    }
}

/// Notes whether WeChat is told of deliveries: without it, it may hold the money of the mini program back.
fn note_shipping(config: &Config, report: &mut Report) {
    const NAME: &str = "WECHAT_SHIPPING";
    match config.policy.shipping {
        Some(logistics) => report.ok(
            NAME,
            format!("payments of the mini program are reported as {}", logistics.as_str()),
        ),
        None => report.ok(
            NAME,
            "off: where WeChat holds the mini program's money until its shipping information is uploaded, set virtual or pickup",
        ),
    }
}
