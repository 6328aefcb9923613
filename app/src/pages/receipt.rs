//! The receipt of a paid order: what it says on paper is what it says here.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::failed::FailedPage;
use crate::answer::see_other;
use crate::components::{Facts, Frame};
use crate::context::{request, services};
use crate::error::UiError;
use crate::links::CheckoutLink;
use crate::view::{ReceiptView, money};

#[component]
pub fn ReceiptPage() -> impl IntoView {
    let token = use_params_map().read_untracked().get("token").unwrap_or_default();
    let page = async move {
        match load(&token).await {
            Ok(Some(view)) => view! { <Receipt view=view/> }.into_any(),
            Ok(None) => ().into_any(),
            Err(error) => view! { <FailedPage error=error/> }.into_any(),
        }
    };
    view! { <Suspense>{Suspend::new(page)}</Suspense> }
}

/// An order that is not paid has no receipt; its page says where it stands.
async fn load(token: &str) -> Result<Option<ReceiptView>, UiError> {
    let request = request();
    let checkout = payments::find_checkout(&services(), token).await?;
    let view = ReceiptView::new(&checkout, &request);
    if view.is_none() {
        let link = CheckoutLink {
            token: &checkout.order.token,
            language: request.chosen_language(),
            ..CheckoutLink::default()
        };
        see_other(&link.path());
    }
    Ok(view)
}

#[component]
fn Receipt(view: ReceiptView) -> impl IntoView {
    let words = view.words;
    view! {
        <Title text=format!("{} · {}", words.receipt, view.merchant)/>
        <Frame>
            <main class="page page--single" id="content" data-state="receipt">
                <section class="card receipt">
                    <h1 class="card__title">{words.receipt}</h1>
                    <p class="receipt__merchant">{view.merchant}</p>
                    <p class="receipt__subject">{view.subject}</p>
                    <p class="amount num" data-testid="amount">
                        <span class="amount__sign">{money::SIGN}</span>
                        {view.amount}
                    </p>
                    <Facts facts=view.facts label=words.details/>
                    <a class="button button--text" href=view.checkout_path>{words.back_to_order}</a>
                </section>
            </main>
        </Frame>
    }
}
