//! Frame of every page: the TEST stripe, the merchant, the languages.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icons;
use crate::context::{Request, has_bundle, request};
use crate::i18n::Language;
use crate::links;

#[component]
pub fn Frame(children: Children) -> impl IntoView {
    let request = request();
    let words = request.words();
    let stripe = request
        .site
        .is_simulator
        .then(|| view! { <TestStripe request=request.clone()/> });
    view! {
        <a class="skip" href="#content">{words.skip}</a>
        {stripe}
        <header class="top">
            <Mark logo_path=request.site.theme.logo_path.clone()/>
            <span class="top__name">{request.site.merchant.clone()}</span>
        </header>
        {children()}
        <footer class="foot">
            <p class="foot__text">{words.privacy}</p>
            <Contact link=request.site.theme.contact.clone() label=words.contact/>
            <Languages current=request.language label=words.language/>
        </footer>
    }
}

/// The operator's logo, in a square of a fixed size so that nothing moves when it loads.
#[component]
fn Mark(logo_path: Option<String>) -> impl IntoView {
    match logo_path {
        Some(path) => view! { <img class="top__logo" src=path alt="" width="32" height="32"/> }.into_any(),
        None => view! { <span class="top__mark">{icons::coin()}</span> }.into_any(),
    }
}

#[component]
fn Contact(link: Option<String>, label: &'static str) -> impl IntoView {
    link.map(|link| view! { <a class="foot__contact" href=link rel="noreferrer">{label}</a> })
}

/// Script tags on pages with islands, if there is a bundle; other pages load no script.
#[component]
pub fn Scripts() -> impl IntoView {
    let options = use_context::<LeptosOptions>().filter(|_| has_bundle());
    options.map(|options| view! { <HydrationScripts options=options islands=true/> }.into_any())
}

#[component]
fn TestStripe(request: Request) -> impl IntoView {
    let words = request.words();
    let wallet = request.site.wallet_url.clone().map(|wallet| {
        view! {
            <a class="stripe__link" href=wallet target="_blank" rel="noreferrer">{words.open_wallet}</a>
        }
    });
    view! {
        <aside class="stripe">
            <span class="stripe__text">{words.test_stripe}</span>
            {wallet}
        </aside>
    }
}

/// Language links to this same page; the rest of its query stays.
#[component]
fn Languages(current: Language, label: &'static str) -> impl IntoView {
    let location = use_location();
    let (path, query) = (location.pathname.get_untracked(), location.search.get_untracked());
    let links = Language::ALL.map(|language| {
        let is_current = language == current;
        view! {
            <a
                class="languages__link"
                href=links::in_language(&path, &query, language.as_str())
                lang=language.tag()
                hreflang=language.tag()
                aria-current=is_current.then_some("true")
            >
                {language.name()}
            </a>
        }
    });
    view! { <nav class="languages" aria-label=label>{links.collect_view()}</nav> }
}
