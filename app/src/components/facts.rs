//! What is known about money that moved, as a list of names and values.

use leptos::prelude::*;

use crate::view::Fact;

/// Nothing at all when there is nothing to tell.
#[component]
pub fn Facts(facts: Vec<Fact>, label: &'static str) -> impl IntoView {
    if facts.is_empty() {
        return None;
    }
    let rows = facts.into_iter().map(|fact| {
        let class = if fact.is_reference {
            "facts__value reference"
        } else {
            "facts__value num"
        };
        view! {
            <div class="facts__row">
                <dt class="facts__label">{fact.label}</dt>
                <dd class=class>{fact.value}</dd>
            </div>
        }
    });
    Some(view! { <dl class="facts" aria-label=label>{rows.collect_view()}</dl> })
}
