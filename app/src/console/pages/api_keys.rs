//! API keys of merchants' programs.

use domain::Money;
use leptos::prelude::*;
use payments::api_keys::Scope;
use payments::console::KnownKey;

use super::fields::{TextField, once_field, problem, refusal, text_field};
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
        None => {
            let path = format!("/admin/keys/{}/revoke", key.id);
            view! { <a class="act act--bad" href=path>{words.revoke}</a> }.into_any()
        }
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
    let typed = context.typed("/admin/keys");
    let labels = [
        ("name", words.key_name),
        ("scopes", words.scopes),
        ("most_per_refund", words.most_per_refund),
        ("most_per_day", words.most_per_day),
    ];
    let limits = [labels[2], labels[3]]
        .map(|(name, label)| text_field(context, typed, TextField::amount(name, label).optional()));
    let scopes = own.iter().copied().map(|scope| {
        view! {
            <label class="check">
                <input type="checkbox" name=scope.as_str() checked=typed.is_ticked(scope.as_str(), scope == Scope::Read)/>
                <span class="reference">{scope.as_str()}</span>
            </label>
        }
    });
    view! {
        <p class="panel__text">{words.make_key_text}</p>
        {refusal(context, typed, &labels)}
        <form class="form form--row" method="post" action="/admin/keys">
            {once_field(context)}
            {text_field(context, typed, TextField::line("name", words.key_name, "100"))}
            <fieldset class="fieldset">
                <legend class="field__label">{words.scopes}</legend>
                {scopes.collect_view()}
                {problem(context, typed, "scopes")}
            </fieldset>
            {own.contains(&Scope::Refund).then(|| limits.into_iter().collect_view())}
            <button class="act act--primary">{words.make_key}</button>
        </form>
    }
    .into_any()
}
