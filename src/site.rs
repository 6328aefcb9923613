//! Configuration of the site that is the same for every visitor.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::Stylesheet;
use app::context::HasBundle;
use app::shop::DemoShop;
use app::theme::{Marks, Theme};
use domain::{Channel, Product};
use leptos::prelude::LeptosOptions;
use payments::Services;
use simulator::Simulator;

use crate::bundle::Bundle;
use crate::config::{Config, EpayConfig, Logo, PublicUrl};
use crate::proxies::Proxies;
use crate::start_report::find_unencrypted;

/// Name of the bundle's files.
const OUTPUT_NAME: &str = "tongqian";

#[derive(Debug)]
pub struct SiteConfig {
    pub public_url: PublicUrl,
    pub proxies: Proxies,
    pub leptos: LeptosOptions,
    /// The part that pages use.
    pub page_settings: Arc<app::context::PageSettings>,
    pub has_bundle: HasBundle,
    pub bundle: Option<Bundle>,
    pub stylesheet: Stylesheet,
    /// The operator's logo and the gateways' marks, with their addresses.
    pub pictures: Vec<(String, Logo)>,
    pub epay: EpayConfig,
}

impl SiteConfig {
    pub fn new(
        config: &Config,
        public_url: PublicUrl,
        findings: Vec<String>,
        services: &Services,
        demo: Option<(&Simulator, &DemoShop)>,
    ) -> SiteConfig {
        let root = find_root(config.site_root.as_deref());
        let bundle = find_bundle(config.site_root.as_deref(), &root);
        if bundle.is_none() {
            tracing::info!(
                "no browser bundle in this program or in {}: pages work with plain forms",
                root.display()
            );
        }
        let is_offered = |channel: &Channel| services.gateways.get(*channel).is_some();
        let branding = &config.branding;
        let stylesheet = branding
            .accent
            .map_or_else(Stylesheet::plain, Stylesheet::with_accent);
        let place = |name: &str, picture: &Option<Logo>| {
            picture.clone().map(|picture| (path_of(name, &picture), picture))
        };
        let logo = place("logo", &branding.logo);
        let wechat_mark = place("wechat", &branding.marks.wechat);
        let alipay_mark = place("alipay", &branding.marks.alipay);
        let address = |placed: &Option<(String, Logo)>| placed.as_ref().map(|(path, _)| path.clone());
        let page_settings = app::context::PageSettings {
            codes: app::qr::DrawnCodes::default(),
            merchant: branding.merchant_name.clone(),
            theme: Theme {
                stylesheet_path: stylesheet.path.clone(),
                logo_path: address(&logo),
                contact: branding.contact.clone(),
                marks: Marks {
                    wechat: address(&wechat_mark),
                    alipay: address(&alipay_mark),
                },
            },
            return_hosts: config.return_hosts.clone(),
            unencrypted: find_unencrypted(config, &public_url),
            findings,
            public_url: public_url.as_str().to_owned(),
            is_simulator: demo.is_some(),
            demo_shop: demo.map(|(_, shop)| shop.clone()),
            wallet_url: demo.map(|(simulator, _)| simulator.wallet_url()),
            // Without an app secret a page does not learn the payer's openid, and opens no JSAPI payment by itself.
            products: if payments::can_authorize(services) {
                config.products
            } else {
                config.products.without(Product::Jsapi)
            },
            form_targets: form_targets(services),
            methods: Channel::ALL
                .into_iter()
                .filter(is_offered)
                .map(Channel::method)
                .collect(),
        };
        if !page_settings.unencrypted.is_empty() {
            let settings = page_settings.unencrypted.join(", ");
            tracing::warn!(
                settings,
                "{settings} without https: money and its news travel in the clear, and gateways do not call back there"
            );
        }
        let leptos = LeptosOptions::builder()
            .output_name(OUTPUT_NAME)
            .site_root(root.to_string_lossy().into_owned())
            .site_pkg_dir(bundle.as_ref().map_or_else(
                || "pkg".to_owned(),
                |bundle| format!("pkg/{}", bundle.fingerprint),
            ))
            .site_addr(config.listen)
            .build();
        SiteConfig {
            public_url,
            proxies: config.trusted_proxies.clone(),
            leptos,
            page_settings: Arc::new(page_settings),
            has_bundle: HasBundle(bundle.is_some()),
            bundle,
            stylesheet,
            pictures: [logo, wechat_mark, alipay_mark].into_iter().flatten().collect(),
            epay: config.epay.clone(),
        }
    }
}

/// Origins that the form of a payment may be redirected to, besides those of the live gateways.
fn form_targets(services: &Services) -> String {
    let oauth = payments::authorization_origin(services);
    let gateways = Channel::ALL
        .into_iter()
        .filter_map(|channel| services.gateways.get(channel))
        .map(|gateway| gateway.origin());
    let mut origins: Vec<String> = oauth.into_iter().chain(gateways).collect();
    origins.sort();
    origins.dedup();
    origins.join(" ")
}

/// Returns the bundle inside the program, unless the operator names a directory; else the one on the disk.
fn find_bundle(told: Option<&Path>, root: &Path) -> Option<Bundle> {
    let embedded = if told.is_none() { Bundle::embedded() } else { None };
    embedded.or_else(|| Bundle::read(&root.join("pkg")))
}

fn path_of(name: &str, logo: &Logo) -> String {
    format!(
        "/assets/{name}.{}.{}",
        app::fingerprint(&logo.content),
        logo.kind.extension()
    )
}

/// Returns the configured directory, or where `make` puts it, seen from the working directory or from the program.
fn find_root(told: Option<&Path>) -> PathBuf {
    if let Some(told) = told {
        return told.to_owned();
    }
    let usual = PathBuf::from("target/site");
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent);
    let places = [
        Some(usual.clone()),
        beside.and_then(Path::parent).map(|target| target.join("site")),
        beside.map(|beside| beside.join("site")),
    ];
    places
        .into_iter()
        .flatten()
        .find(|place| place.join("pkg").is_dir())
        .unwrap_or(usual)
}
