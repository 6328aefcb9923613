//! The keys of merchants' programs.

use leptos::prelude::*;
use payments::admin::Scope;
use payments::console::KnownKey;

use super::parts::{Column::Text, heading, panel, table};
use crate::console::{Desk, shown};

/// `new`: a key that was made just now, to be shown this once.
pub fn keys(desk: &Desk, keys: Vec<KnownKey>, new: Option<String>) -> AnyView {
    let words = desk.words();
    let new = new.map(|key| {
        let content = view! {
            <p>{words.key_once}</p>
            <p><code class="reference" data-testid="new-key">{key}</code></p>
        };
        panel(words.new_key, content.into_any())
    });
    let rows = keys.into_iter().map(|key| row(desk, key)).collect();
    let columns = [
        Text(words.key_name),
        Text(words.scopes),
        Text(words.key_end),
        Text(words.created_at),
        Text(words.last_used),
        Text(words.acts),
    ];
    view! {
        {heading(words.keys, ().into_any())}
        {new}
        {panel(words.keys, table(words.keys, &columns, rows))}
        {panel(words.make_key, form(desk))}
    }
    .into_any()
}

fn row(desk: &Desk, key: KnownKey) -> AnyView {
    let words = desk.words();
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.as_str()).collect();
    let act = match key.revoked_at {
        Some(at) => view! { {shown::badge("neutral", words.revoked)} " " {shown::time(at)} }.into_any(),
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
            <td>{shown::time(key.created_at)}</td>
            <td>{shown::maybe_time(key.last_used_at)}</td>
            <td>{act}</td>
        </tr>
    }
    .into_any()
}

fn form(desk: &Desk) -> AnyView {
    let words = desk.words();
    let scopes = Scope::ALL.map(|scope| {
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
            <button class="act act--primary">{words.make_key}</button>
        </form>
    }
    .into_any()
}
