//! API keys of merchants' programs.

use domain::Money;
use leptos::prelude::*;
use payments::api_keys::Scope;
use payments::console::KnownKey;

use super::parts::{Column::Text, heading, panel, table};
use crate::console::{ConsoleContext, format};
use crate::view::money;

/// `new`: a key created by this request, shown only once.
pub fn keys(context: &ConsoleContext, keys: Vec<KnownKey>, new: Option<String>) -> AnyView {
    let words = context.words();
    let new = new.map(|key| {
        let content = view! {
            <p>{words.key_once}</p>
            <p><code class="reference" data-testid="new-key">{key}</code></p>
        };
        panel(words.new_key, content.into_any())
    });
    let rows = keys.into_iter().map(|key| render_row(context, key)).collect();
    let columns = [
        Text(words.key_name),
        Text(words.scopes),
        Text(words.key_end),
        Text(words.key_limits),
        Text(words.created_at),
        Text(words.last_used),
        Text(words.acts),
    ];
    view! {
        {heading(words.keys, ().into_any())}
        {new}
        {panel(words.keys, table(words.keys, &columns, rows))}
        {panel(words.make_key, render_form(context))}
    }
    .into_any()
}

fn render_row(context: &ConsoleContext, key: KnownKey) -> AnyView {
    let words = context.words();
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let act = match key.revoked_at {
        Some(at) => view! { {format::badge("neutral", words.revoked)} " " {format::time(at)} }.into_any(),
        None => view! {
            <form method="post" action=format!("/admin/keys/{}/revoke", key.id)>
                <button class="act act--bad">{words.revoke}</button>
            </form>
        }
        .into_any(),
    };
    view! {
        <tr>
            <td>{key.name}</td>
            <td class="reference">{scopes.join(" ")}</td>
            <td class="reference">"…" {key.last4}</td>
            <td class="num">{format_limit(key.limits.per_refund)} " / " {format_limit(key.limits.per_day)}</td>
            <td>{format::time(key.created_at)}</td>
            <td>{format::maybe_time(key.last_used_at)}</td>
            <td>{act}</td>
        </tr>
    }
    .into_any()
}

fn format_limit(most: Option<Money>) -> String {
    most.map_or_else(|| "–".to_owned(), money::text)
}

/// Form with the scopes that this person may grant.
fn render_form(context: &ConsoleContext) -> AnyView {
    let words = context.words();
    let own = context
        .operator
        .as_ref()
        .map_or(&[][..], |operator| operator.role.scopes());
    let limits = [
        ("most_per_refund", words.most_per_refund),
        ("most_per_day", words.most_per_day),
    ]
    .map(|(name, label)| {
        view! {
            <label class="field">
                <span class="field__label">{label}</span>
                <input class="field__input num" name=name inputmode="decimal"/>
            </label>
        }
    });
    let scopes = own.iter().copied().map(|scope| {
        view! {
            <label class="check">
                <input type="checkbox" name=scope.as_str() checked=scope == Scope::Read/>
                <span class="reference">{scope.as_str()}</span>
            </label>
        }
    });
    view! {
        <p class="panel__text">{words.make_key_text}</p>
        <form class="form form--row" method="post" action="/admin/keys">
            <label class="field">
                <span class="field__label">{words.key_name}</span>
                <input class="field__input" name="name" maxlength="100" required/>
            </label>
            {scopes.collect_view()}
            {own.contains(&Scope::Refund).then(|| limits.collect_view())}
            <button class="act act--primary">{words.make_key}</button>
        </form>
    }
    .into_any()
}
