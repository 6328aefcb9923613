//! Components of console pages.

use leptos::prelude::*;

use crate::components::icons;
use crate::console::ConsoleContext;

/// Title of a page, with its actions beside it.
pub fn heading(title: &str, acts: AnyView) -> AnyView {
    view! {
        <div class="heading">
            <h1 class="heading__title">{title.to_owned()}</h1>
            <div class="heading__acts">{acts}</div>
        </div>
    }
    .into_any()
}

/// Warns of settings that let payments travel unencrypted.
pub fn unencrypted(context: &ConsoleContext) -> AnyView {
    let settings = &context.site.unencrypted;
    if settings.is_empty() {
        return ().into_any();
    }
    let settings = settings.join(", ");
    view! {
        <p class="notice notice--warn" role="status">
            {icons::warning()} <span>{context.words().unencrypted} " " <code>{settings}</code></span>
        </p>
    }
    .into_any()
}

/// Lists what the checks of the start found wrong with the settings.
pub fn findings(context: &ConsoleContext) -> AnyView {
    let findings = &context.site.findings;
    if findings.is_empty() {
        return ().into_any();
    }
    let lines: Vec<_> = findings
        .iter()
        .map(|line| view! { <li><code>{line.clone()}</code></li> })
        .collect();
    panel(context.words().findings, view! { <ul>{lines}</ul> }.into_any())
}

/// Section with its own title.
pub fn panel(title: &str, content: AnyView) -> AnyView {
    view! {
        <section class="panel">
            <h2 class="panel__title">{title.to_owned()}</h2>
            {content}
        </section>
    }
    .into_any()
}

/// Heading of a column, aligned like its cells.
#[derive(Clone, Copy)]
pub enum Column {
    Text(&'static str),
    /// Above cells of class `amount-cell`.
    Figures(&'static str),
}

impl Column {
    fn heading(self) -> AnyView {
        match self {
            Column::Text(name) => view! { <th scope="col">{name}</th> }.into_any(),
            Column::Figures(name) => view! { <th class="amount-cell" scope="col">{name}</th> }.into_any(),
        }
    }
}

/// Table that scrolls inside of its panel and never moves the page.
pub fn table(label: &str, columns: &[Column], rows: Vec<AnyView>) -> AnyView {
    let columns: Vec<AnyView> = columns.iter().map(|column| column.heading()).collect();
    view! {
        <div class="scroll" role="region" tabindex="0" aria-label=label.to_owned()>
            <table class="table">
                <thead><tr>{columns}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Placeholder of an empty list.
pub fn empty(text: &'static str) -> AnyView {
    view! { <p class="empty">{text}</p> }.into_any()
}

pub fn alert(text: Option<&'static str>) -> AnyView {
    text.map(|text| {
        view! { <p class="notice notice--bad" role="alert">{icons::warning()} <span>{text}</span></p> }
    })
    .into_any()
}

/// Field with its label above. `kind` and `complete` are for browsers and password managers.
pub fn field(name: &'static str, label: &'static str, kind: &'static str, complete: &'static str) -> AnyView {
    view! {
        <label class="field">
            <span class="field__label">{label}</span>
            <input class="field__input" type=kind name=name autocomplete=complete required/>
        </label>
    }
    .into_any()
}

/// Field for a TOTP code.
pub fn code_field(label: &'static str) -> AnyView {
    view! {
        <label class="field">
            <span class="field__label">{label}</span>
            <input
                class="field__input num"
                name="code"
                inputmode="numeric"
                autocomplete="one-time-code"
                pattern="[0-9]{6}"
                maxlength="6"
                required
            />
        </label>
    }
    .into_any()
}

/// Field for a TOTP code or a recovery code, which has letters.
pub fn factor_field(label: &'static str, is_required: bool) -> AnyView {
    view! {
        <label class="field">
            <span class="field__label">{label}</span>
            <input
                class="field__input num"
                name="code"
                autocomplete="one-time-code"
                autocapitalize="characters"
                spellcheck="false"
                maxlength="40"
                required=is_required
            />
        </label>
    }
    .into_any()
}

/// A name and its value, for a description list.
pub fn fact(label: &'static str, value: AnyView) -> AnyView {
    view! {
        <div class="facts__row">
            <dt class="facts__label">{label}</dt>
            <dd class="facts__value num">{value}</dd>
        </div>
    }
    .into_any()
}

/// Select of one value or any.
pub fn choice(
    name: &'static str,
    label: &'static str,
    any: &'static str,
    options: &[(&'static str, &'static str, bool)],
) -> AnyView {
    let options: Vec<_> = options
        .iter()
        .map(|(value, name, is_chosen)| view! { <option value=*value selected=*is_chosen>{*name}</option> })
        .collect();
    view! {
        <label class="field">
            <span class="field__label">{label}</span>
            <select class="field__input" name=name>
                <option value="">{any}</option>
                {options}
            </select>
        </label>
    }
    .into_any()
}

/// Search field filled with what was typed.
pub fn input(name: &'static str, label: &'static str, kind: &'static str, value: &str) -> AnyView {
    view! {
        <label class="field">
            <span class="field__label">{label}</span>
            <input class="field__input" type=kind name=name value=value.to_owned()/>
        </label>
    }
    .into_any()
}
