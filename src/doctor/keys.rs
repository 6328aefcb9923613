//! Keys, certificates and names of the gateways.

use std::path::Path;

use payments::Clock;
use payments::gateway::{Note, check_settings, wechat};

use super::Report;
use crate::config::{Config, GatewayMode, PublicUrl, Source};
use crate::gateways::{alipay_settings, wechat_settings};

/// The certificate that WeChat's console gives out in one folder with the private key.
const MERCHANT_CERTIFICATE: &str = "apiclient_cert.pem";

pub fn check(config: &Config, source: &Source, public_url: &PublicUrl, report: &mut Report) {
    report.add_notes(notes(config, public_url));
    let GatewayMode::Live(accounts) = &config.gateways else {
        return;
    };
    let beside = source
        .text("WECHAT_PRIVATE_KEY")
        .and_then(|text| text.trim_matches('"').strip_prefix('@'))
        .map(|path| Path::new(path).with_file_name(MERCHANT_CERTIFICATE));
    if let (Some(account), Some(pem)) = (
        &accounts.wechat,
        beside.and_then(|path| std::fs::read_to_string(path).ok()),
    ) {
        let settings = wechat_settings(account, public_url);
        report.add_notes(wechat::check_merchant_certificate(
            &settings,
            &pem,
            Clock::System.now(),
        ));
    }
}

/// Notes about the keys alone.
pub fn notes(config: &Config, public_url: &PublicUrl) -> Vec<Note> {
    let GatewayMode::Live(accounts) = &config.gateways else {
        return Vec::new();
    };
    let wechat = accounts
        .wechat
        .as_ref()
        .map(|account| wechat_settings(account, public_url));
    let alipay = accounts
        .alipay
        .as_ref()
        .map(|account| alipay_settings(account, config.alipay_qr_product, public_url));
    check_settings(wechat.as_ref(), alipay.as_ref(), Clock::System.now())
}
