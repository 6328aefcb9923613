//! Components of console pages.

use domain::Timestamp;
use leptos::prelude::*;
use payments::console::Age;
use url::form_urlencoded::Serializer;

use crate::components::icons;
use crate::console::{ConsoleContext, format};

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
    const fn name(self) -> &'static str {
        match self {
            Column::Text(name) | Column::Figures(name) => name,
        }
    }

    fn heading(self) -> AnyView {
        match self {
            Column::Text(name) => view! { <th scope="col">{name}</th> }.into_any(),
            Column::Figures(name) => view! { <th class="amount-cell" scope="col">{name}</th> }.into_any(),
        }
    }
}

/// Table that scrolls inside of its panel and never moves the page. On a phone each row is a card, whose cells carry the
/// headings of their columns.
pub fn table(label: &str, columns: &[Column], rows: Vec<AnyView>) -> AnyView {
    let headings: Vec<AnyView> = columns.iter().map(|column| column.heading()).collect();
    let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    let rows: String = rows
        .into_iter()
        .map(|row| label_cells(&row.to_html(), &names))
        .collect();
    view! {
        <div class="scroll" role="region" tabindex="0" aria-label=label.to_owned()>
            <table class="table">
                <thead><tr>{headings}</tr></thead>
                <tbody inner_html=rows></tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Writes the heading of its column on each cell of a row. Texts are escaped, so `<td` is always a cell, and cells hold no
/// tables.
fn label_cells(row: &str, names: &[&str]) -> String {
    let mut labelled = String::with_capacity(row.len() + 24 * names.len());
    let mut names = names.iter();
    let mut rest = row;
    while let Some(at) = rest.find("<t") {
        let (before, cell) = rest.split_at(at);
        labelled.push_str(before);
        let tag: &str = ["<td", "<th"]
            .into_iter()
            .find(|tag| {
                cell.strip_prefix(tag)
                    .is_some_and(|after| after.starts_with([' ', '>']))
            })
            .unwrap_or_default();
        if tag.is_empty() {
            labelled.push_str("<t");
            rest = &cell["<t".len()..];
            continue;
        }
        labelled.push_str(tag);
        if let Some(name) = names.next() {
            labelled.push_str(" data-label=\"");
            labelled.push_str(&escape_attribute(name));
            labelled.push('"');
        }
        rest = &cell[tag.len()..];
    }
    labelled.push_str(rest);
    labelled
}

fn escape_attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
}

/// Query string of the pairs that have a value.
pub fn query_of(pairs: &[(&str, &str)]) -> String {
    Serializer::new(String::new())
        .extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()))
        .finish()
}

/// Filters of a list: open on a wide screen, folded on a phone.
pub fn filters(context: &ConsoleContext, is_set: bool, form: AnyView) -> AnyView {
    let words = context.form_words();
    let label = if is_set { words.filters_set } else { words.filters };
    view! {
        <details class="filters">
            <summary class="filters__fold">{label}</summary>
            {form}
        </details>
    }
    .into_any()
}

/// Name of the link to the next page, which depends on the order of the list.
pub fn next_page(context: &ConsoleContext, sort: &str) -> &'static str {
    if is_newest_first(sort) {
        context.words().older
    } else {
        context.language.list_words().more
    }
}

/// Says at which time the scan of a list was cut off. `text` is that of a list with the newest row first.
pub fn looked_to_time(context: &ConsoleContext, text: &'static str, sort: &str, at: Timestamp) -> AnyView {
    let text = if is_newest_first(sort) {
        text
    } else {
        context.language.list_words().looked_on_to
    };
    view! { <p class="panel__text">{text} " " {format::time(at)}</p> }.into_any()
}

fn is_newest_first(sort: &str) -> bool {
    sort.is_empty() || sort == Age::Newest.as_str()
}

/// Placeholder of an empty list.
pub fn empty(text: &'static str) -> AnyView {
    view! { <p class="empty">{text}</p> }.into_any()
}

pub fn alert(text: Option<&'static str>) -> AnyView {
    text.map(|text| alert_line(text.to_owned())).into_any()
}

pub fn alert_line(text: String) -> AnyView {
    view! { <p class="notice notice--bad" role="alert">{icons::warning()} <span>{text}</span></p> }.into_any()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_carries_the_heading_of_its_column() {
        let row = "<tr><td>a<time>b</time></td><th scope=\"row\"><table-x>c</th><td class=\"num\">&lt;td></td></tr>";
        assert_eq!(
            label_cells(row, &["First", "Se\"cond", "Third"]),
            "<tr><td data-label=\"First\">a<time>b</time></td>\
             <th data-label=\"Se&quot;cond\" scope=\"row\"><table-x>c</th>\
             <td data-label=\"Third\" class=\"num\">&lt;td></td></tr>"
        );
    }
}
