//! The audit log, and whether its hash chain is intact.

use leptos::prelude::*;
use payments::Page;
use payments::console::{Action, AuditEntry, ChainCheck};

use super::parts::{Column::Text, choice, empty, filters as render_filters, heading, input, query_of, table};
use crate::console::{ConsoleContext, format};
use crate::i18n::fill;

/// Filters as typed, from the query string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditLogFilters {
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub from: String,
    pub to: String,
    pub cursor: String,
}

impl AuditLogFilters {
    /// Returns the query string of the same filters from another cursor on.
    fn query(&self, cursor: &str) -> String {
        let pairs = [
            ("actor", self.actor.as_str()),
            ("action", &self.action),
            ("subject", &self.subject),
            ("from", &self.from),
            ("to", &self.to),
            ("cursor", cursor),
        ];
        query_of(&pairs)
    }
}

pub fn audit_log(
    context: &ConsoleContext,
    filters: &AuditLogFilters,
    check: ChainCheck,
    page: Page<AuditEntry>,
) -> AnyView {
    let words = context.words();
    let is_empty = page.data.is_empty();
    let next = page.next_cursor.map(|cursor| {
        let path = format!("/admin/audit-log?{}", filters.query(&cursor));
        view! { <a class="act" href=path rel="next">{words.older}</a> }
    });
    let rows = page
        .data
        .into_iter()
        .map(|line| render_row(context, line))
        .collect();
    let columns = [
        Text(words.number),
        Text(words.when),
        Text(words.who),
        Text(words.act),
        Text(words.subject),
        Text(words.detail),
        Text(words.from_where),
        Text(words.seal),
    ];
    view! {
        {heading(words.audit, render_files(context, filters))}
        <p class="panel__text">{words.audit_text}</p>
        {render_verdict(context, check)}
        {render_form(context, filters)}
        <section class="panel">
            {if is_empty { empty(words.nothing_yet) } else { table(words.audit, &columns, rows) }}
            {next}
        </section>
    }
    .into_any()
}

fn render_files(context: &ConsoleContext, filters: &AuditLogFilters) -> AnyView {
    let words = context.words();
    let csv = format!("/admin/audit-log.csv?{}", filters.query(""));
    view! {
        <a class="act" href=csv download="audit.csv">{words.export}</a>
        <a class="act" href="/admin/audit-log.jsonl" download="audit.jsonl">{words.download_chain}</a>
    }
    .into_any()
}

/// Result of the last chain check, its range and its time.
fn render_verdict(context: &ConsoleContext, check: ChainCheck) -> AnyView {
    let words = context.words();
    let (tone, name, text) = match check.n_broken {
        0 => ("ok", words.chain_holds, words.chain_checked),
        _ => ("bad", words.chain_broken, words.chain_broken_text),
    };
    let [first, last, n] = [
        check.first.to_string(),
        check.last.to_string(),
        check.n_broken.to_string(),
    ];
    let text = fill(text, &[("first", &first), ("last", &last), ("n", &n)]);
    let whole = (check.first > 1).then(|| {
        view! { <a class="act" href="/admin/audit-log?check=all">{words.check_whole_chain}</a> }
    });
    view! {
        <p class="panel__text" data-testid="chain">
            {format::badge(tone, name)} " " {text} " " {format::time(check.at)} " " {whole}
        </p>
    }
    .into_any()
}

fn render_form(context: &ConsoleContext, filters: &AuditLogFilters) -> AnyView {
    let words = context.words();
    let actions = Action::ALL.map(|action| {
        let word = action.as_str();
        let name = format::audit_action(word, words, context.language.action_words());
        (word, name, filters.action == word)
    });
    let form = view! {
        <form class="panel form form--row" method="get" action="/admin/audit-log">
            {input("actor", words.who, "text", &filters.actor)}
            {choice("action", words.act, words.any, &actions)}
            {input("subject", words.subject, "text", &filters.subject)}
            {input("from", words.from_day, "date", &filters.from)}
            {input("to", words.to_day, "date", &filters.to)}
            <button class="act act--primary">{words.search}</button>
            <a class="act" href="/admin/audit-log">{words.clear}</a>
        </form>
    };
    render_filters(context, *filters != AuditLogFilters::default(), form.into_any())
}

fn render_row(context: &ConsoleContext, line: AuditEntry) -> AnyView {
    let name =
        format::audit_action(&line.action, context.words(), context.language.action_words()).to_owned();
    let seal: String = line.hash.chars().take(12).collect();
    view! {
        <tr>
            <td class="num">{line.seq}</td>
            <td>{format::time(line.at)}</td>
            <td>{line.actor}</td>
            <td>{name} " " <code class="reference">{line.action}</code></td>
            <td class="reference">{line.subject}</td>
            <td>{line.detail}</td>
            <td class="reference">{line.ip}</td>
            <td class="reference" title=line.hash>{seal}</td>
        </tr>
    }
    .into_any()
}
