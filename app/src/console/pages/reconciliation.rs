//! Reconciliation: a calendar of days and gateways, and one day with both sides and its differences.

use domain::Channel;
use leptos::prelude::*;
use payments::console::Permission;
use payments::reconciliation::{
    DayNow, DaySums, Difference, DifferenceKind, DifferenceState, Reconciliation, ReconciliationStatus,
};

use super::parts::{
    Column::{Figures, Text},
    empty, fact, heading, panel, table,
};
use crate::components::icons;
use crate::console::sentences::translate;
use crate::console::{ConsoleContext, format};
use crate::i18n::ReconciliationWords;

const ROOT: &str = "/admin/reconciliation";

/// Days of the calendar, newest first.
#[derive(Debug)]
pub struct Calendar {
    pub days: Vec<String>,
    pub rows: Vec<Reconciliation>,
    /// Last day of the page before.
    pub earlier: Option<String>,
    pub channels: Vec<Channel>,
}

pub fn reconciliations(context: &ConsoleContext, calendar: &Calendar) -> AnyView {
    let words = context.language.reconciliation_words();
    let console = context.words();
    let mut columns = vec![Text(console.day)];
    columns.extend(
        calendar
            .channels
            .iter()
            .map(|channel| Text(format::method(channel.method(), console))),
    );
    let rows: Vec<AnyView> = calendar
        .days
        .iter()
        .map(|day| render_calendar_row(words, calendar, day))
        .collect();
    let earlier = calendar.earlier.as_ref().map(|day| {
        view! { <p><a class="act" href=format!("{ROOT}?until={day}")>{words.earlier_days}</a></p> }
    });
    let content = if rows.is_empty() || calendar.channels.is_empty() {
        empty(words.no_days)
    } else {
        table(console.reconciliation, &columns, rows)
    };
    view! {
        {heading(console.reconciliation, ().into_any())}
        <section class="panel">
            <p class="small">{words.text}</p>
            {content}
            {earlier}
        </section>
    }
    .into_any()
}

fn render_calendar_row(words: &'static ReconciliationWords, calendar: &Calendar, day: &str) -> AnyView {
    let cells: Vec<AnyView> = calendar
        .channels
        .iter()
        .map(|channel| {
            let row = calendar
                .rows
                .iter()
                .find(|row| row.day.to_string() == day && row.channel == *channel);
            let state = row.map_or_else(|| "–".into_any(), |row| render_state(words, row));
            view! { <td><a href=format!("{ROOT}/{day}/{channel}")>{state}</a></td> }.into_any()
        })
        .collect();
    view! { <tr><td class="num">{day.to_owned()}</td>{cells}</tr> }.into_any()
}

fn render_state(words: &'static ReconciliationWords, row: &Reconciliation) -> AnyView {
    let status = match row.status {
        ReconciliationStatus::Pending if row.close.is_some() => format::badge("neutral", words.closed),
        ReconciliationStatus::Pending => format::badge("info", words.pending),
        ReconciliationStatus::Matched => format::badge("ok", words.matched),
        ReconciliationStatus::Differences => format::badge("bad", words.differences_left),
    };
    let changed = row.changed_at.map(|_| format::badge("warn", words.changed));
    view! { {status} " " {changed} }.into_any()
}

/// Page of one day and gateway; `None`: the day has not been reconciled or tried yet.
pub fn reconciliation(
    context: &ConsoleContext,
    day: &str,
    channel: Channel,
    found: Option<&DayNow>,
) -> AnyView {
    let words = context.language.reconciliation_words();
    let title = format!("{day} · {}", format::method(channel.method(), context.words()));
    let path = format!("{ROOT}/{day}/{channel}");
    let content = match found {
        None => panel(words.sums_of_day, empty(words.unknown_day)),
        Some(now) => view! {
            {render_notes(context, now)}
            {panel(words.sums_of_day, render_sums(context, now))}
            {panel(words.differences, render_differences(context, &path, &now.day.differences))}
        }
        .into_any(),
    };
    view! {
        {heading(&title, view! { <a class="act" href=ROOT>{words.all_days}</a> }.into_any())}
        {content}
        {context.may(Permission::Handle).then(|| render_ask(context, &path))}
        {(found.is_some() && context.may(Permission::Reconcile)).then(|| render_close(context, &path))}
    }
    .into_any()
}

/// Warnings above the figures.
fn render_notes(context: &ConsoleContext, now: &DayNow) -> AnyView {
    let words = context.language.reconciliation_words();
    let row = &now.day.row;
    let note = row.note.as_ref().map(|note| {
        let note = translate(note, context.language);
        view! {
            <p class="notice notice--warn" role="status">
                {icons::warning()} <span>{words.pending_text} " " {note}</span>
            </p>
        }
    });
    let changed = (row.changed_at.is_some() || (row.close.is_some() && now.has_changed())).then(|| {
        view! {
            <p class="notice notice--warn" role="status">
                {icons::warning()} <span>{words.changed_text} " " {format::maybe_time(row.changed_at)}</span>
            </p>
        }
    });
    view! { {note} {changed} }.into_any()
}

fn render_sums(context: &ConsoleContext, now: &DayNow) -> AnyView {
    let words = context.language.reconciliation_words();
    let console = context.words();
    let row = &now.day.row;
    let figures = &row.figures;
    let line = |name: &'static str, of: fn(DaySums) -> i64| {
        let (statement, books) = (of(figures.statement), of(figures.books));
        view! {
            <tr>
                <td>{name}</td>
                <td class="amount-cell num">{format::sum(statement)}</td>
                <td class="amount-cell num">{format::sum(books)}</td>
                <td class="amount-cell num">{format::sum(statement - books)}</td>
            </tr>
        }
        .into_any()
    };
    let rows = vec![
        line(console.payments, |sums| sums.payments),
        line(console.refunds, |sums| sums.refunds),
        line(words.fees, |sums| sums.fees),
        line(console.net, DaySums::net),
    ];
    let columns = [
        Text(words.sum),
        Figures(words.statement),
        Figures(words.books),
        Figures(words.difference),
    ];
    let mut facts = vec![
        fact(console.reconciliation, render_state(words, row)),
        fact(words.checked_at, format::maybe_time(row.finished_at)),
        fact(
            words.lines,
            (figures.n_payments + figures.n_refunds).to_string().into_any(),
        ),
    ];
    if figures.discounts != 0 {
        facts.push(fact(words.discounts, format::sum(figures.discounts).into_any()));
    }
    if figures.n_foreign > 0 {
        let foreign = format!("{} · {}", figures.n_foreign, format::sum(figures.foreign_net));
        facts.push(fact(words.other_programs, foreign.into_any()));
    }
    if let Some(net) = figures.fund_net {
        facts.push(fact(words.fund_net, format::sum(net).into_any()));
    }
    if let Some(due_at) = row.due_at {
        facts.push(fact(words.asked_again_at, format::time(due_at)));
    }
    if let Some(close) = &row.close {
        let by = close.by.clone().unwrap_or_else(|| words.by_itself.to_owned());
        let reason = close.reason.clone().unwrap_or_default();
        let value = view! { {format::time(close.at)} " · " {by} " " {reason} };
        facts.push(fact(words.closed, value.into_any()));
    }
    let has_lines = figures.n_payments + figures.n_refunds + figures.n_foreign > 0;
    view! {
        {table(words.sums_of_day, &columns, rows)}
        <dl class="facts">{facts}</dl>
        {(has_lines && context.may(Permission::Export)).then(|| render_statement_files(words, row))}
    }
    .into_any()
}

/// Links to the lines of both statements as files.
fn render_statement_files(words: &'static ReconciliationWords, row: &Reconciliation) -> AnyView {
    let path = format!("{ROOT}/{}/{}/files", row.day, row.channel);
    let link = |kind: &str, extension: &str| {
        let href = format!("{path}/{kind}.{}", extension.to_ascii_lowercase());
        view! { " " <a href=href>{extension.to_owned()}</a> }
    };
    let funds = row.figures.fund_net.map(|_| {
        view! { " · " {words.fund_statement} {link("fund_flow", "CSV")} {link("fund_flow", "XLSX")} }
    });
    view! {
        <p class="small">
            {words.statement_files} {words.trade_statement} {link("trade", "CSV")} {link("trade", "XLSX")} {funds}
        </p>
    }
    .into_any()
}

fn render_differences(context: &ConsoleContext, path: &str, all: &[Difference]) -> AnyView {
    let words = context.language.reconciliation_words();
    if all.is_empty() {
        return empty(words.no_differences);
    }
    let rows = all
        .iter()
        .map(|difference| render_difference_row(context, path, difference))
        .collect();
    let columns = [
        Text(words.state),
        Text(words.kind),
        Text(context.words().number),
        Figures(words.statement),
        Figures(words.books),
        Text(words.evidence),
    ];
    table(words.differences, &columns, rows)
}

fn render_difference_row(context: &ConsoleContext, path: &str, difference: &Difference) -> AnyView {
    let words = context.language.reconciliation_words();
    let state = match difference.state {
        DifferenceState::Open => format::badge("bad", words.open),
        DifferenceState::Repaired => format::badge("ok", words.repaired),
        DifferenceState::Explained => format::badge("neutral", words.explained),
    };
    let fen = |fen: Option<i64>| fen.map_or_else(|| "–".to_owned(), format::sum);
    let is_open = difference.state == DifferenceState::Open;
    let form =
        (is_open && context.may(Permission::Reconcile)).then(|| render_explain(words, path, difference));
    let explanation = difference.explanation.as_ref().map(|explanation| {
        let by = difference.explained_by.clone().unwrap_or_default();
        view! { <p class="small">{explanation.clone()} " · " {by}</p> }
    });
    let number = match &difference.payment_no {
        Some(number) => view! {
            <a href=format!("/admin/orders?q={number}")>{format::reference(&difference.subject)}</a>
        }
        .into_any(),
        None => format::reference(&difference.subject),
    };
    view! {
        <tr>
            <td>{state}</td>
            <td>{format::difference(difference.kind, words)}</td>
            <td>{number}</td>
            <td class="amount-cell num">{fen(difference.statement_amount)}</td>
            <td class="amount-cell num">{fen(difference.book_amount)}</td>
            <td>
                <p class="small">{difference.evidence.clone()}</p>
                <p class="small">{advice_for(difference.kind, words)}</p>
                {explanation}
                {form}
            </td>
        </tr>
    }
    .into_any()
}

fn render_explain(words: &'static ReconciliationWords, path: &str, difference: &Difference) -> AnyView {
    view! {
        <form method="post" action=format!("{path}/explain")>
            <input type="hidden" name="kind" value=difference.kind.as_str()/>
            <input type="hidden" name="subject" value=difference.subject.clone()/>
            <label class="field">
                <span class="field__label">{words.explanation}</span>
                <input class="field__input" name="reason" maxlength="500" required/>
            </label>
            <button class="act">{words.explain}</button>
        </form>
    }
    .into_any()
}

fn render_ask(context: &ConsoleContext, path: &str) -> AnyView {
    let words = context.language.reconciliation_words();
    let upload = context.may(Permission::Reconcile).then(|| {
        view! {
            <form method="post" enctype="multipart/form-data" action=format!("{path}/file")>
                <label class="field">
                    <span class="field__label">{words.file}</span>
                    <input class="field__input" type="file" name="file" required/>
                </label>
                <p class="small">{words.file_text}</p>
                <button class="act">{words.upload}</button>
            </form>
        }
    });
    let content = view! {
        <form method="post" action=format!("{path}/ask")>
            <button class="act">{words.reconcile_now}</button>
        </form>
        {upload}
    };
    panel(words.reconcile_now, content.into_any())
}

fn render_close(context: &ConsoleContext, path: &str) -> AnyView {
    let words = context.language.reconciliation_words();
    let content = view! {
        <p class="small">{words.close_text}</p>
        <a class="act" href=format!("{path}/close")>{words.close_day}</a>
    };
    panel(words.close_day, content.into_any())
}

const fn advice_for(kind: DifferenceKind, words: &ReconciliationWords) -> &'static str {
    match kind {
        DifferenceKind::MissingInBooks => words.advice_missing_in_books,
        DifferenceKind::MissingInStatement => words.advice_missing_in_statement,
        DifferenceKind::Amount => words.advice_amount,
        DifferenceKind::Status => words.advice_status,
        DifferenceKind::Fee => words.advice_fee,
        DifferenceKind::Duplicate => words.advice_duplicate,
    }
}
