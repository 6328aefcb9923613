//! Confirmation of a balance payment: the balance, what remains, and the button that moves the money.

use leptos::prelude::*;

use super::{ActionForm, Alert, DeadlineLine, Facts, SwitchMethod};
use crate::view::{CheckoutView, PageState};

#[component]
pub fn SpendingCard(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    let is_short = view.state == PageState::Short;
    let (action, name, label) = if is_short {
        ("/ui/top_up", "top-up", words.top_up)
    } else {
        ("/ui/pay_by_balance", "confirm", words.confirm_payment)
    };
    let label = crate::i18n::fill(label, &[("amount", &view.spending_amount)]);
    view! {
        <section class="card">
            <h1 class="card__title" tabindex="-1">{view.title.clone()}</h1>
            <p class="card__text">{view.sentence.clone()}</p>
            <Alert text=view.alert/>
            <Facts facts=view.facts.clone() label=words.balance/>
            <ActionForm view=view.clone() action=action>
                <button class="button button--primary" data-action=name>{label}</button>
            </ActionForm>
            <DeadlineLine view=view.clone()/>
            <SwitchMethod view=view/>
        </section>
    }
    .into_any()
}
