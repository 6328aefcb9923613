//! The document, and which page stands at which path.
//!
//! Every route is `SsrMode::Async`: the default streams fragments that only JavaScript can put in place, and loses the
//! status of what comes late.

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::components::{FlatRoutes, Route, Router};
use leptos_router::{SsrMode, path};

use crate::context::Request;
use crate::i18n::Language;
use crate::pages::{CheckoutPage, NotFoundPage, ReceiptPage, ShopPage};

/// The whole document around [`App`]: what the server renders for every path.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    provide_context(options);
    // The list of routes is made by rendering once outside of any request.
    let request = use_context::<Request>();
    let language = request
        .as_ref()
        .map_or(Language::Chinese, |request| request.language);
    let stylesheet = request.map(|request| request.site.theme.stylesheet_path.clone());
    view! {
        <!DOCTYPE html>
        <html lang=language.tag()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="robots" content="noindex, nofollow"/>
                <meta name="format-detection" content="telephone=no"/>
                <meta name="theme-color" content="#f6f7f9" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#12151a" media="(prefers-color-scheme: dark)"/>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                <link rel="stylesheet" href=stylesheet nonce=use_nonce()/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Router>
            <FlatRoutes fallback=NotFoundPage>
                <Route path=path!("/") view=ShopPage ssr=SsrMode::Async/>
                <Route path=path!("/checkout/:token") view=CheckoutPage ssr=SsrMode::Async/>
                <Route path=path!("/checkout/:token/receipt") view=ReceiptPage ssr=SsrMode::Async/>
            </FlatRoutes>
        </Router>
    }
}
