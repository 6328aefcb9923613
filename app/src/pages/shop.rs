//! The demo shop, open in simulator mode only.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::failed::FailedPage;
use crate::components::{Alert, Frame, HiddenLanguage};
use crate::context::{Request, request};
use crate::error::UiError;
use crate::i18n::fill;
use crate::shop::{DemoShop, Message, Plan};
use crate::view::{moment, money};

#[component]
pub fn ShopPage() -> impl IntoView {
    let request = request();
    match request.site.demo_shop.clone() {
        Some(shop) => view! { <Shop shop=shop request=request/> }.into_any(),
        None => view! { <FailedPage error=UiError::NotFound/> }.into_any(),
    }
}

#[component]
fn Shop(shop: DemoShop, request: Request) -> impl IntoView {
    let words = request.words();
    let error = use_query_map().read_untracked().get("error");
    let alert = error
        .and_then(|word| UiError::parse(&word))
        .map(|error| error.text(words));
    let plans = Plan::ALL.map(|plan| view! { <PlanCard plan=plan request=request.clone()/> });
    view! {
        <Title text=format!("{} · {}", words.shop_title, request.site.merchant)/>
        <Frame>
            <main class="page shop" id="content">
                <h1 class="shop__title">{words.shop_title}</h1>
                <p class="shop__text">{words.shop_text} " " <a href="/docs">{words.docs_title}</a></p>
                <Alert text=alert/>
                <ul class="shop__plans">{plans.collect_view()}</ul>
                <Told shop=shop request=request/>
            </main>
        </Frame>
    }
}

/// Webhooks that the shop's own program was sent, so that a first visitor sees how a merchant learns of a payment.
#[component]
fn Told(shop: DemoShop, request: Request) -> impl IntoView {
    let words = request.words();
    let messages = shop.inbox.messages();
    let none = messages
        .is_empty()
        .then(|| view! { <p class="shop__text">{words.told_nothing}</p> });
    let rows = messages
        .iter()
        .map(|message| draw_message(message, &request))
        .collect_view();
    let n_refused = shop.inbox.n_refused();
    let refused = (n_refused > 0).then(|| {
        let text = fill(words.told_refused, &[("n", &n_refused.to_string())]);
        view! { <p class="shop__refused">{text}</p> }
    });
    view! {
        <section class="shop__told" aria-labelledby="told">
            <h2 class="shop__heading" id="told">{words.told_title}</h2>
            <p class="shop__text">{words.told_text}</p>
            {none}
            <ol class="shop__messages">{rows}</ol>
            {refused}
        </section>
    }
}

fn draw_message(message: &Message, request: &Request) -> AnyView {
    let words = request.words();
    view! {
        <li class="shop__message">
            <strong>{message.title(words)}</strong>
            <code>{message.kind.as_str()}</code>
            <span class="num">{money::text(message.amount)}</span>
            <code>{message.number.clone()}</code>
            <span class="shop__signature">{words.told_signature}</span>
            <span class="num">{moment(message.received_at)}</span>
        </li>
    }
    .into_any()
}

#[component]
fn PlanCard(plan: Plan, request: Request) -> impl IntoView {
    let words = request.words();
    let name = plan.name(words);
    view! {
        <li class="plan">
            <h2 class="plan__name">{name}</h2>
            <p class="plan__price num">
                <span class="amount__sign">{money::SIGN}</span>
                {money::number(plan.price())}
                <span class="plan__period">{words.per_month}</span>
            </p>
            <p class="plan__text">{plan.text(words)}</p>
            <form method="post" action="/ui/buy_plan" data-plan=plan.as_str()>
                <input type="hidden" name="plan" value=plan.as_str()/>
                <HiddenLanguage language=request.chosen_language()/>
                <button class="button button--primary" aria-label=format!("{} {name}", words.buy)>
                    {words.buy}
                </button>
            </form>
        </li>
    }
}
