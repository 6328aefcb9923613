//! What the server must provide before a page or a server function runs.
//!
//! Call [`provide_request`] in the one closure that is handed both to `leptos_routes_with_context` and to
//! `handle_server_fns_with_context`. Everything a page knows of its surroundings comes through here; pages read no header,
//! no environment and no clock of their own.

use std::net::IpAddr;
use std::sync::Arc;

use domain::Method;
use leptos::prelude::{expect_context, provide_context, use_context};
use payments::Services;

use crate::i18n::{Language, Words};

/// Whether `/pkg` holds the browser bundle. Without it no script is mentioned in any page, and every page still works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasBundle(pub bool);

/// What is the same for every request of one running server.
#[derive(Debug, Clone)]
pub struct Site {
    /// Who is being paid; the first line of every page.
    pub merchant: String,
    /// `PUBLIC_URL` without a slash at the end.
    pub public_url: String,
    /// The gateways are our simulator: the demo shop is open and pages carry the TEST stripe.
    pub is_simulator: bool,
    /// Where the simulated phone is (`http://…/wallet`), in simulator mode.
    pub wallet_url: Option<String>,
    /// The methods that can work here, in the order they are shown.
    pub methods: Vec<Method>,
}

/// What one request brought.
#[derive(Debug, Clone)]
pub struct Request {
    pub site: Arc<Site>,
    pub language: Language,
    /// The payer chose the language with `?lang=`, so links and forms must keep it.
    pub is_language_chosen: bool,
    /// `X-Request-Id` of the answer; shown where something of ours broke.
    pub request_id: String,
    /// The other end of the connection, as far as we can see.
    pub payer_ip: Option<IpAddr>,
}

impl Request {
    /// `query` is the raw query of the URL, `accept_language` the header's value.
    pub fn new(
        site: Arc<Site>,
        query: Option<&str>,
        accept_language: Option<&str>,
        request_id: String,
        payer_ip: Option<IpAddr>,
    ) -> Request {
        let chosen = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .find(|(name, _)| name == "lang")
            .and_then(|(_, word)| Language::parse(&word));
        Request {
            site,
            language: chosen.unwrap_or_else(|| Language::negotiate(accept_language.unwrap_or_default())),
            is_language_chosen: chosen.is_some(),
            request_id,
            payer_ip,
        }
    }

    pub fn words(&self) -> &'static Words {
        self.language.words()
    }

    /// Where a browser comes back to from a gateway.
    pub fn checkout_url(&self, token: &str) -> String {
        format!("{}/checkout/{token}", self.site.public_url)
    }

    /// The word for `?lang=` and for the hidden field of forms, when the payer chose one.
    pub fn chosen_language(&self) -> Option<&'static str> {
        self.is_language_chosen.then(|| self.language.as_str())
    }
}

/// Provides all that pages and server functions expect.
pub fn provide_request(services: Services, request: Request, has_bundle: HasBundle) {
    provide_context(services);
    provide_context(request);
    provide_context(has_bundle);
}

/// The core, as the server provided it.
pub fn services() -> Services {
    expect_context::<Services>()
}

pub fn request() -> Request {
    expect_context::<Request>()
}

pub fn has_bundle() -> bool {
    use_context::<HasBundle>().is_some_and(|bundle| bundle.0)
}
