//! Summary and details of the order, the same in every state.

use leptos::prelude::*;

use crate::islands::CopyButton;
use crate::view::{CheckoutView, money};

/// Subject and amount, first on every screen.
#[component]
pub fn OrderSummary(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    let leave = view.leave_url().map(|url| {
        view! {
            <p class="leave">
                <a class="leave__link" href=url rel="noreferrer" data-action="leave">
                    <span aria-hidden="true">"←"</span> " " {words.leave}
                </a>
            </p>
        }
    });
    view! {
        <section class="summary" aria-label=words.summary>
            {leave}
            <p class="summary__subject">{view.subject}</p>
            <p class="amount num" data-testid="amount">
                <span class="visually-hidden">{words.amount} " "</span>
                <span class="amount__sign">{money::SIGN}</span>
                {view.amount}
            </p>
        </section>
    }
    .into_any()
}

/// Order details, below the summary on a desktop, below everything on a phone: paying needs no number.
#[component]
pub fn OrderDetails(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    let number = view.order_no.clone();
    view! {
        <dl class="facts details" aria-label=words.order_details>
            <div class="facts__row">
                <dt class="facts__label">{words.payee}</dt>
                <dd class="facts__value">{view.merchant}</dd>
            </div>
            <div class="facts__row">
                <dt class="facts__label">{words.order_no}</dt>
                <dd
                    class="facts__value facts__value--copy"
                    data-text=number
                    data-label=words.copy
                    data-done=words.copied
                >
                    <span class="reference" data-testid="order-no">{view.order_no}</span>
                    <CopyButton/>
                </dd>
            </div>
            <div class="facts__row">
                <dt class="facts__label">{words.ordered_at}</dt>
                <dd class="facts__value num">{view.ordered_at}</dd>
            </div>
        </dl>
    }
    .into_any()
}
