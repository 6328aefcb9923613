//! The page of a payment link: what is paid for, and one button. The order opens at the tap.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use payments::{LinkState, PaymentLink};

use super::failed::FailedPage;
use crate::answer::set_cookie;
use crate::components::{Alert, Frame, HiddenLanguage, Scripts, icons};
use crate::context::{Request, request, services};
use crate::error::UiError;
use crate::i18n::{Words, fill};
use crate::islands::BusyForms;
use crate::view::money;
use crate::visitor;

#[component]
pub fn LinkPage() -> impl IntoView {
    let token = use_params_map().read_untracked().get("token").unwrap_or_default();
    let error = use_query_map().read_untracked().get("error");
    let error = error.and_then(|word| UiError::parse(&word));
    let page = async move {
        let (services, request) = (services(), request());
        match payments::find_link(&services, &token).await {
            Ok(link) => {
                let mut state = link.state(services.clock.now());
                match &request.visitor {
                    // A second press gets the same order, also when nothing else is left.
                    Some(visitor) if state == LinkState::Reserved => {
                        if payments::has_open_order(&services, &link, visitor)
                            .await
                            .is_ok_and(|has| has)
                        {
                            state = LinkState::Open;
                        }
                    }
                    Some(_) => {}
                    None => set_cookie(&visitor::cookie(
                        &services.clock.nonce(),
                        &request.site.public_url,
                    )),
                }
                view! { <Link link=link state=state error=error request=request/> }.into_any()
            }
            Err(error) => view! { <FailedPage error=UiError::from(error)/> }.into_any(),
        }
    };
    view! { <Suspense>{Suspend::new(page)}</Suspense> }
}

#[component]
fn Link(link: PaymentLink, state: LinkState, error: Option<UiError>, request: Request) -> impl IntoView {
    let words = request.words();
    let amount = link.amount.map(|amount| {
        view! {
            <p class="amount num">
                <span class="amount__sign">{money::SIGN}</span>
                {money::number(amount)}
            </p>
        }
    });
    let left = link.left().filter(|_| state == LinkState::Open).map(|left| {
        view! { <p class="card__text" data-testid="left">{fill(words.link_left, &[("n", &left.to_string())])}</p> }
    });
    let content = match state {
        LinkState::Open => view! { <PayForm link=link.clone() request=request.clone()/> }.into_any(),
        ended => {
            let (title, text) = ended_texts(ended, words);
            view! {
                <p class="notice notice--warn" data-testid="ended">
                    {icons::warning()} <span><strong>{title}</strong> " " {text}</span>
                </p>
            }
            .into_any()
        }
    };
    view! {
        <Title text=format!("{} · {}", link.subject, request.site.merchant)/>
        <Frame>
            <main class="page link-page" id="content" data-state=state_word(state)>
                <section class="card">
                    <p class="card__text">{request.site.merchant.clone()}</p>
                    <h1 class="card__title" tabindex="-1">{link.subject.clone()}</h1>
                    {amount}
                    {left}
                    <Alert text=error.map(|error| error.text(words))/>
                    {content}
                </section>
            </main>
            <div data-busy=words.busy><BusyForms/></div>
            <Scripts/>
        </Frame>
    }
}

#[component]
fn PayForm(link: PaymentLink, request: Request) -> impl IntoView {
    let words = request.words();
    let (label, field) = match link.amount {
        Some(amount) => (fill(words.pay_amount, &[("amount", &money::text(amount))]), None),
        None => (words.link_pay.to_owned(), Some(render_amount_field(words))),
    };
    let device = request
        .chosen_device()
        .map(|device| view! { <input type="hidden" name="device" value=device/> });
    view! {
        <form class="methods" method="post" action="/ui/open_link">
            <input type="hidden" name="token" value=link.token/>
            <HiddenLanguage language=request.chosen_language()/>
            {device}
            {field}
            <button class="button button--primary" data-action="open-link">{label}</button>
        </form>
    }
}

fn render_amount_field(words: &'static Words) -> AnyView {
    view! {
        <label class="link-page__field">
            <span>{words.link_amount}</span>
            <input
                class="link-page__input num"
                name="amount"
                inputmode="decimal"
                autocomplete="off"
                pattern="[0-9]{1,8}([.][0-9]{1,2})?"
                placeholder="0.00"
                required
            />
        </label>
    }
    .into_any()
}

const fn state_word(state: LinkState) -> &'static str {
    match state {
        LinkState::Open => "open",
        LinkState::SoldOut => "sold_out",
        LinkState::Reserved => "reserved",
        LinkState::Expired => "expired",
        LinkState::Closed => "closed",
    }
}

const fn ended_texts(state: LinkState, words: &Words) -> (&'static str, &'static str) {
    match state {
        LinkState::SoldOut => (words.link_sold_out_title, words.link_ended_text),
        LinkState::Reserved => (words.link_reserved_title, words.link_reserved_text),
        LinkState::Expired => (words.link_expired_title, words.link_ended_text),
        LinkState::Open | LinkState::Closed => (words.link_closed_title, words.link_ended_text),
    }
}
