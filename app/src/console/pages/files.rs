//! Files for accountants: the span of time, its sums, and the files of it.

use domain::{Method, Timestamp};
use leptos::prelude::*;
use payments::Period;
use payments::console::MethodTotal;

use super::parts::{
    Column::{Figures, Text},
    choice, heading, input, panel, query_of, table,
};
use crate::console::columns::FileTexts;
use crate::console::{ConsoleContext, format};

/// Filters as typed, from the query string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFilters {
    pub from: String,
    pub to: String,
    pub method: String,
}

impl FileFilters {
    fn query(&self) -> String {
        let pairs = [
            ("from", self.from.as_str()),
            ("to", &self.to),
            ("method", &self.method),
        ];
        query_of(&pairs)
    }
}

pub fn files(
    context: &ConsoleContext,
    filters: &FileFilters,
    totals: &[MethodTotal],
    now: Timestamp,
) -> AnyView {
    let words = context.file_texts();
    view! {
        {heading(words.console.files, ().into_any())}
        {render_form(words, filters, now)}
        {panel(words.files.totals, render_sums(words, totals))}
        {panel(words.console.files, render_downloads(words, filters))}
    }
    .into_any()
}

fn render_form(words: FileTexts, filters: &FileFilters, now: Timestamp) -> AnyView {
    let methods = Method::ALL.map(|method| {
        let name = format::method(method, words.console);
        (method.as_str(), name, filters.method == method.as_str())
    });
    view! {
        <form class="panel form form--row" method="get" action="/admin/files">
            {input("from", words.console.from_day, "date", &filters.from)}
            {input("to", words.console.to_day, "date", &filters.to)}
            {choice("method", words.console.method, words.console.any, &methods)}
            <button class="act act--primary">{words.console.search}</button>
            <div class="acts">{render_periods(words, filters, now)}</div>
            <p class="panel__text">{words.files.files_text}</p>
        </form>
    }
    .into_any()
}

fn render_periods(words: FileTexts, filters: &FileFilters, now: Timestamp) -> Vec<AnyView> {
    let link = |period: Period| {
        let (from, to) = period.days(now);
        let is_current = filters.from == from && filters.to == to;
        let narrowed = FileFilters {
            from,
            to,
            method: filters.method.clone(),
        };
        let path = format!("/admin/files?{}", narrowed.query());
        let name = format::period(period, words.console);
        view! { <a class="act" href=path aria-current=is_current.then_some("true")>{name}</a> }.into_any()
    };
    Period::ALL.into_iter().map(link).collect()
}

fn render_sums(words: FileTexts, totals: &[MethodTotal]) -> AnyView {
    let row = |name: &'static str, of: &dyn Fn(fn(&MethodTotal) -> i64) -> i64| {
        let (paid, refunded) = (of(|total| total.paid_fen), of(|total| total.refunded_fen));
        let fees = of(|total| total.fee_fen);
        view! {
            <tr>
                <td>{name}</td>
                <td class="amount-cell num">{of(|total| total.n_payments)}</td>
                <td class="amount-cell num">{format::sum(paid)}</td>
                <td class="amount-cell num">{of(|total| total.n_refunds)}</td>
                <td class="amount-cell num">{format::sum(refunded)}</td>
                <td class="amount-cell num">{format::sum(fees)}</td>
                <td class="amount-cell num">{format::sum(paid - refunded - fees)}</td>
            </tr>
        }
        .into_any()
    };
    let mut rows: Vec<AnyView> = totals
        .iter()
        .map(|total| {
            row(format::method(total.method, words.console), &|figure| {
                figure(total)
            })
        })
        .collect();
    rows.push(row(words.files.total, &|figure| totals.iter().map(figure).sum()));
    let columns = [
        Text(words.console.method),
        Figures(words.files.n_payments),
        Figures(words.console.gross),
        Figures(words.files.n_refunds),
        Figures(words.console.refunds),
        Figures(words.files.fees),
        Figures(words.console.net),
    ];
    table(words.files.totals, &columns, rows)
}

fn render_downloads(words: FileTexts, filters: &FileFilters) -> AnyView {
    let query = filters.query();
    let rows = [
        ("orders", words.files.paid_orders),
        ("payments", words.console.payments),
        ("refunds", words.console.refunds),
        ("entries", words.console.postings),
        ("days", words.files.days),
    ]
    .map(|(kind, name)| {
        let links = [("xlsx", "XLSX"), ("csv", "CSV")].map(|(format, label)| {
            let file = format!("{kind}.{format}");
            let path = format!("/admin/files/{file}?{query}");
            view! { <a class="act" href=path download=file aria-label=format!("{name} {label}")>{label}</a> " " }
        });
        view! { <tr><td>{name}</td><td>{links.into_iter().collect_view()}</td></tr> }.into_any()
    });
    let columns = [Text(words.files.file), Text(words.console.download)];
    view! {
        {table(words.console.files, &columns, rows.into())}
        <p class="panel__text">{words.files.files_numbers}</p>
    }
    .into_any()
}
