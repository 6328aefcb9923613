//! Facts about money that moved, as a description list.

use leptos::prelude::*;

use crate::view::Fact;

/// Description list; empty without facts.
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
