//! The checkout page of one order, in every state of it.

use std::time::Duration;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use leptos_router::params::ParamsMap;
use payments::Services;

use super::failed::FailedPage;
use super::states::StateCard;
use crate::components::{Frame, OrderDetails, OrderSummary, Scripts};
use crate::context::{Request, has_bundle, request, services};
use crate::error::UiError;
use crate::islands::{BusyForms, PaymentWatcher};
use crate::view::{self, CheckoutView, PageRequest, spending};

/// Longest wait for a gateway's answer when the payer may just have returned from it.
const PATIENCE: Duration = Duration::from_millis(1500);

#[component]
pub fn CheckoutPage() -> impl IntoView {
    let token = use_params_map().read_untracked().get("token").unwrap_or_default();
    let page_request = page_request(&use_query_map().read_untracked());
    let loaded = use_context::<LoadedView>();
    let page = async move {
        let view = match loaded {
            Some(LoadedView(view)) => Ok(*view),
            None => load_checkout(&services(), &request(), &token, page_request).await,
        };
        match view {
            Ok(view) => view! { <Checkout view=view/> }.into_any(),
            Err(error) => view! { <FailedPage error=error/> }.into_any(),
        }
    };
    view! { <Suspense>{Suspend::new(page)}</Suspense> }
}

fn page_request(query: &ParamsMap) -> PageRequest {
    PageRequest {
        opens: query.get("open").is_some(),
        is_asked: query.get("asked").is_some(),
        is_spending: query.get("pay").as_deref() == Some("balance"),
        error: query.get("error").and_then(|word| UiError::parse(&word)),
        n_refreshes: query.get("n").and_then(|n| n.parse().ok()).unwrap_or(0),
    }
}

/// View that the server has loaded already, for the page that it is about to draw.
#[derive(Debug, Clone)]
pub struct LoadedView(pub Box<CheckoutView>);

/// Loads the view of a checkout page, and marks its payment as watched.
pub async fn load_checkout(
    services: &Services,
    request: &Request,
    token: &str,
    page_request: PageRequest,
) -> Result<CheckoutView, UiError> {
    let mut checkout = payments::find_checkout(services, token).await?;
    if let Some(number) = view::handed_over(&checkout, services.clock.now()) {
        // Parameters that the gateway appends to our address prove nothing (T-24): the gateway itself is queried.
        let (asked, number) = (services.clone(), number.clone());
        let asking = async move { payments::query_payment(&asked, &number, None).await };
        if payments::wait_for(PATIENCE, asking).await.is_some() {
            checkout = payments::find_checkout(services, token).await?;
        }
    }
    let available = if spending::is_allowed(&checkout.order) {
        let balance = payments::find_balance(services, &checkout.order.user_id).await?;
        Some(balance.available)
    } else {
        None
    };
    let view = CheckoutView::new(&checkout, available, services.clock.now(), request, page_request);
    if view.state.is_pending() {
        // A browser without JavaScript follows no events; loading the page is its sign that somebody waits.
        payments::try_to_attend(services, &checkout).await;
    }
    Ok(view)
}

/// Refreshes the page without JavaScript, automatically for a while, then on request. Never inside of `main`: the watcher's
/// replacement of `main` is parsed as if there were no script.
#[component]
fn Refresh(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    let is_pending = view.state.is_pending();
    let again = || {
        view! { <p class="again"><a class="again__link" href=view.path()>{words.check_again}</a></p> }
            .into_any()
    };
    let content = match view.refresh_path() {
        Some(path) => view! { <meta http-equiv="refresh" content=format!("5;url={path}")/> }.into_any(),
        None => again(),
    };
    is_pending.then(|| view! { <noscript>{content}</noscript> }.into_any())
}

/// Sends a payer of the epay protocol back without JavaScript; with it the page counts down, and the payer may stay.
#[component]
fn Leaving(view: CheckoutView) -> impl IntoView {
    let url = view.return_url.filter(|_| view.returns_without_script);
    url.map(|url| {
        let leave = view! { <meta http-equiv="refresh" content=format!("5;url={url}")/> };
        if has_bundle() {
            view! { <noscript>{leave}</noscript> }.into_any()
        } else {
            leave.into_any()
        }
    })
}

/// `main` carries the watcher's data, so that they stay correct when `main` is replaced.
#[component]
fn Checkout(view: CheckoutView) -> impl IntoView {
    let title = format!("{} · {}", view.title, view.merchant);
    let words = view.words;
    let refresh = view! { <Refresh view=view.clone()/> };
    let leaving = view! { <Leaving view=view.clone()/> };
    let millis_left = view.deadline.as_ref().map(|deadline| deadline.millis_left);
    let (path, version) = (view.path(), view.live.version);
    view! {
        <Title text=title/>
        <Frame>
            <main
                class="page checkout"
                id="content"
                data-state=view.state.as_str()
                data-live=view.live.state.as_str()
                data-version=version.to_string()
                data-path=path
                data-millis-left=millis_left
                data-watched=view.is_watched().to_string()
                data-renew=view.may_renew().then_some("once")
            >
                <OrderSummary view=view.clone()/>
                <StateCard view=view.clone()/>
                <OrderDetails view=view.clone()/>
            </main>
            <div data-lost=words.connection_lost><PaymentWatcher/></div>
            <div data-busy=words.busy><BusyForms/></div>
            {leaving}
            {refresh}
            <Scripts/>
        </Frame>
    }
}
