//! Error page of the console.

use leptos::prelude::*;
use payments::console::Permission;

use super::parts::heading;
use crate::console::{ConsoleContext, format};

/// `missing` is the permission that would be needed.
pub fn error(
    context: &ConsoleContext,
    title: &'static str,
    text: &'static str,
    missing: Option<Permission>,
) -> AnyView {
    let words = context.words();
    let missing = missing.map(|permission| {
        view! {
            <p>
                {words.missing_permission} " " <b>{format::permission(permission, words)}</b> " "
                <code class="reference">{permission.as_str()}</code>
            </p>
        }
    });
    view! {
        {heading(title, ().into_any())}
        <section class="panel" data-error="true">
            <p>{text}</p>
            {missing}
            <p class="panel__text">{words.reference} " " <code class="reference">{context.request_id.clone()}</code></p>
            <p><a class="act" href="/admin">{words.overview}</a></p>
        </section>
    }
    .into_any()
}
