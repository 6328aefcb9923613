//! Results and errors.

use leptos::prelude::*;

use super::icons;

/// An icon with its words, never an icon or a colour alone. `tone` picks the tint.
#[component]
pub fn ResultCard(
    icon: AnyView,
    tone: &'static str,
    #[prop(into)] title: String,
    #[prop(into)] sentence: String,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card result">
            <div class="result__icon" data-tone=tone aria-hidden="true">{icon}</div>
            <h1 class="result__title" tabindex="-1">{title}</h1>
            <p class="result__text">{sentence}</p>
            {children()}
        </section>
    }
}

#[component]
pub fn Alert(text: Option<&'static str>) -> impl IntoView {
    text.map(|text| {
        view! { <p class="notice notice--bad" role="alert">{icons::warning()} <span>{text}</span></p> }
    })
}
