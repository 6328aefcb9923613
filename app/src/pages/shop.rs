//! The demo shop, open in simulator mode only.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::failed::FailedPage;
use crate::components::{Alert, Frame, HiddenLanguage};
use crate::context::{Request, request};
use crate::error::UiError;
use crate::shop::Plan;
use crate::view::money;

#[component]
pub fn ShopPage() -> impl IntoView {
    let request = request();
    if request.site.is_simulator {
        view! { <Shop request=request/> }.into_any()
    } else {
        view! { <FailedPage error=UiError::NotFound/> }.into_any()
    }
}

#[component]
fn Shop(request: Request) -> impl IntoView {
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
            </main>
        </Frame>
    }
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
