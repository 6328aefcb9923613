//! Context that the server provides before a page or a server function runs.
//!
//! Call [`provide_request`] in the one closure that is handed both to `leptos_routes_with_context` and to
//! `handle_server_fns_with_context`. Pages read no header, environment or clock of their own; everything comes through
//! here.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use domain::{Method, Product, Products};
use leptos::prelude::{expect_context, provide_context, use_context};
use payments::Services;

use crate::device::{Device, PayMode};
use crate::i18n::{Language, Words};
use crate::qr::DrawnCodes;
use crate::return_url::ReturnHosts;
use crate::shop::DemoShop;
use crate::theme::Theme;
use crate::visitor;

/// Whether `/pkg` holds the browser bundle. Without it pages mention no script, and still work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasBundle(pub bool);

/// Settings of pages, the same for every request of one running server.
#[derive(Debug, Clone)]
pub struct PageSettings {
    /// Name of the payee; the first line of every page.
    pub merchant: String,
    pub theme: Theme,
    /// `PUBLIC_URL` without a trailing slash.
    pub public_url: String,
    /// Simulator mode: pages carry the TEST stripe.
    pub is_simulator: bool,
    /// The demo shop, open in simulator mode only.
    pub demo_shop: Option<DemoShop>,
    /// Address of the simulated wallet (`http://…/wallet`), in simulator mode.
    pub wallet_url: Option<String>,
    /// Available methods, in the order they are shown.
    pub methods: Vec<Method>,
    /// Products that the merchant has signed; pages offer no other.
    pub products: Products,
    /// Origins, separated by spaces, that the form of a payment may be redirected to.
    pub form_targets: String,
    /// Hosts that payers may be sent back to.
    pub return_hosts: ReturnHosts,
    /// Names of settings that let payments or notifications travel unencrypted; the console warns of them.
    pub unencrypted: Vec<&'static str>,
    /// Warnings and failures of the offline checks of `tongqian doctor`, as they were at the start.
    pub findings: Vec<String>,
    /// QR codes that were drawn before.
    pub codes: DrawnCodes,
}

/// Request headers that pages need.
#[derive(Debug, Clone, Copy, Default)]
pub struct Browser<'a> {
    pub accept_language: &'a str,
    pub user_agent: &'a str,
    /// `Cookie` headers, joined by `; ` as they would be in one.
    pub cookies: &'a str,
}

/// Data of one request.
#[derive(Debug, Clone)]
pub struct Request {
    pub site: Arc<PageSettings>,
    pub language: Language,
    /// The payer chose the language with `?lang=`, so links and forms must keep it.
    pub is_language_chosen: bool,
    pub device: Device,
    /// The payer corrected our guess with `?device=`; links and forms keep it.
    pub is_device_chosen: bool,
    /// `X-Request-Id` of the answer; shown on internal errors.
    pub request_id: String,
    /// Address of the payer, as far as we can see.
    pub payer_ip: Option<IpAddr>,
    /// Token of a visitor whose openid was asked for.
    pub visitor: Option<String>,
}

impl Request {
    /// `query` is the raw query of the URL.
    pub fn new(
        site: Arc<PageSettings>,
        query: Option<&str>,
        browser: Browser<'_>,
        request_id: String,
        payer_ip: Option<IpAddr>,
    ) -> Request {
        let language = parameter(query, "lang").and_then(|word| Language::parse_tag(&word));
        let kept = Language::find_kept(browser.cookies);
        let device = parameter(query, "device").and_then(|word| Device::parse(&word));
        Request {
            visitor: visitor::find(browser.cookies, &site.public_url),
            site,
            language: language
                .or(kept)
                .unwrap_or_else(|| Language::negotiate(browser.accept_language)),
            is_language_chosen: language.is_some(),
            device: device.unwrap_or_else(|| Device::of(browser.user_agent)),
            is_device_chosen: device.is_some(),
            request_id,
            payer_ip,
        }
    }

    /// Products with which the payer can use a method here, the best first; none when it is not offered.
    pub fn products(&self, method: Method, mode: Option<PayMode>) -> Vec<Product> {
        if method.channel().is_some() && !self.site.methods.contains(&method) {
            return Vec::new();
        }
        let signed = self.site.products.union(Products::of(&[Product::Balance]));
        self.device.products(method, mode, signed)
    }

    pub fn words(&self) -> &'static Words {
        self.language.words()
    }

    /// Address that a browser returns to from a gateway.
    pub fn checkout_url(&self, token: &str) -> String {
        format!("{}/checkout/{token}", self.site.public_url)
    }

    /// Value of `?lang=` and of the hidden field, when the payer chose one.
    pub fn chosen_language(&self) -> Option<&'static str> {
        self.is_language_chosen.then(|| self.language.as_str())
    }

    /// Value of `?device=` and of the hidden field, when the payer chose one.
    pub fn chosen_device(&self) -> Option<&'static str> {
        self.is_device_chosen.then(|| self.device.as_str())
    }
}

/// Finds the first value of a name in the raw query of a URL, decoded.
pub fn parameter<'a>(query: Option<&'a str>, name: &str) -> Option<Cow<'a, str>> {
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(found, _)| found == name)
        .map(|(_, word)| word)
}

/// Provides the context of pages and server functions.
pub fn provide_request(services: Services, request: Request, has_bundle: HasBundle) {
    provide_context(services);
    provide_context(request);
    provide_context(has_bundle);
}

/// Returns the core, as the server provided it.
pub fn services() -> Services {
    expect_context::<Services>()
}

pub fn request() -> Request {
    expect_context::<Request>()
}

pub fn has_bundle() -> bool {
    use_context::<HasBundle>().is_some_and(|bundle| bundle.0)
}
