//! The receipt, the same on screen and on paper, A4 or a roll of 80 mm.

use domain::{PaymentState, Refund};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use payments::{Checkout, Services};

use super::failed::FailedPage;
use crate::answer::see_other;
use crate::components::{Facts, Frame};
use crate::context::{request, services};
use crate::error::UiError;
use crate::links::CheckoutLink;
use crate::view::{PaidPart, Paper, ReceiptView, RefundLine, money};

#[component]
pub fn ReceiptPage() -> impl IntoView {
    let token = use_params_map().read_untracked().get("token").unwrap_or_default();
    let paper = use_query_map().read_untracked().get("paper").unwrap_or_default();
    let page = async move {
        match load_receipt(&token, Paper::parse(&paper).unwrap_or(Paper::A4)).await {
            Ok(Some(view)) => view! { <Receipt view=view/> }.into_any(),
            Ok(None) => ().into_any(),
            Err(error) => view! { <FailedPage error=error/> }.into_any(),
        }
    };
    view! { <Suspense>{Suspend::new(page)}</Suspense> }
}

/// Loads the receipt; an order without money has none, and its page shows its state.
async fn load_receipt(token: &str, paper: Paper) -> Result<Option<ReceiptView>, UiError> {
    let (services, request) = (services(), request());
    let checkout = payments::find_checkout(&services, token).await?;
    let refunds = list_shown_refunds(&services, &checkout).await?;
    let view = ReceiptView::new(&checkout, &refunds, paper, &request);
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

async fn list_shown_refunds(services: &Services, checkout: &Checkout) -> Result<Vec<Refund>, UiError> {
    let mut refunds = Vec::new();
    for payment in &checkout.payments {
        let may_have_some = payment.state == PaymentState::Paid;
        if may_have_some {
            refunds.extend(payments::list_refunds(services, &payment.id).await?);
        }
    }
    Ok(refunds)
}

#[component]
fn Receipt(view: ReceiptView) -> impl IntoView {
    let words = view.words;
    let other_paper = match view.paper {
        Paper::A4 => words.on_roll,
        Paper::Roll => words.on_a4,
    };
    let parts = view
        .payments
        .into_iter()
        .map(|part| view! { <Part part=part label=words.refunds/> });
    view! {
        <Title text=format!("{} · {}", view.title, view.merchant)/>
        <Frame>
            <main class="page page--single" id="content" data-state="receipt" data-paper=view.paper.as_str()>
                <article class="card receipt">
                    <h1 class="card__title">{view.title}</h1>
                    <p class="receipt__merchant">{view.merchant}</p>
                    <p class="receipt__subject">{view.subject}</p>
                    <p class="amount num" data-testid="amount">
                        <span class="amount__sign">{money::SIGN}</span>
                        {view.amount}
                    </p>
                    <Facts facts=view.facts label=words.order_details/>
                    {parts.collect_view()}
                    <p class="receipt__hint">
                        {words.print_hint} " " <a class="link" href=view.other_paper_path>{other_paper}</a>
                    </p>
                    <a class="button button--outline" href=view.checkout_path>{words.back_to_order}</a>
                </article>
            </main>
        </Frame>
    }
}

#[component]
fn Part(part: PaidPart, label: &'static str) -> impl IntoView {
    let refunds = (!part.refunds.is_empty()).then(|| {
        let lines = part
            .refunds
            .into_iter()
            .map(|line| view! { <Line line=line/> })
            .collect_view();
        view! {
            <h3 class="receipt__heading">{label}</h3>
            <ul class="receipt__refunds" data-testid="refunds">{lines}</ul>
        }
    });
    view! {
        <section class="receipt__part">
            <h2 class="receipt__heading">{part.title}</h2>
            <Facts facts=part.facts label=part.title/>
            {refunds}
        </section>
    }
}

#[component]
fn Line(line: RefundLine) -> impl IntoView {
    view! {
        <li class="receipt__refund">
            <span class="num">{line.amount}</span>
            <span>{line.status}</span>
            <span class="num">{line.at}</span>
            <span class="reference">{line.number}</span>
        </li>
    }
}
