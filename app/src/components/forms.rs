//! Forms: plain posts that work without JavaScript.

use leptos::prelude::*;

use crate::view::CheckoutView;

/// Hidden fields that keep the payer's language and device over a post.
#[component]
pub fn HiddenChoices(view: CheckoutView) -> impl IntoView {
    let device = view
        .device
        .map(|device| view! { <input type="hidden" name="device" value=device/> });
    view! {
        <input type="hidden" name="token" value=view.token/>
        <HiddenLanguage language=view.language/>
        {device}
    }
}

/// Hidden field that keeps a chosen language over a post.
#[component]
pub fn HiddenLanguage(language: Option<&'static str>) -> impl IntoView {
    language.map(|language| view! { <input type="hidden" name="lang" value=language/> })
}

/// A form about this order; its buttons are the children.
#[component]
pub fn ActionForm(view: CheckoutView, action: &'static str, children: Children) -> impl IntoView {
    view! {
        <form class="action" method="post" action=action>
            <HiddenChoices view=view/>
            {children()}
        </form>
    }
}

/// Button that queries the gateway once, now.
#[component]
pub fn CheckAgain(
    view: CheckoutView,
    label: &'static str,
    #[prop(optional)] is_primary: bool,
) -> impl IntoView {
    let class = if is_primary {
        "button button--primary"
    } else {
        "button button--outline"
    };
    view! {
        <ActionForm view=view action="/ui/check_payment">
            <button class=class data-action="check">{label}</button>
        </ActionForm>
    }
}
