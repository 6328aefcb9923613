//! The list of orders, with its filters.

use domain::{Method, OrderStatus, Timestamp};
use leptos::prelude::*;
use payments::Period;
use payments::console::{LookedTo, OrderLine, OrderSort, OrderTotals, Permission, TakenAs};

use super::order_columns::{OrderColumns, render_choice};
use super::parts::{
    Column::Text, choice, empty, fact, filters as render_filters, heading, input, looked_to_time, next_page,
    query_of, table,
};
use crate::console::{ConsoleContext, format};
use crate::i18n::{ConsoleWords, fill};
use crate::view::money;

/// Filters as typed, from the query string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    pub text: String,
    pub status: String,
    pub method: String,
    pub from: String,
    pub to: String,
    pub least: String,
    pub most: String,
    /// `1`: only orders that need attention.
    pub attention: String,
    /// `text`: the text is a part of a number, a user or a subject.
    pub within: String,
    pub sort: String,
    pub columns: OrderColumns,
    pub cursor: String,
}

impl Filters {
    /// Returns whether only a search text is given: it leads straight to its order; with a filter a list is wanted.
    pub fn is_only_text(&self) -> bool {
        let only = Filters {
            text: self.text.clone(),
            columns: self.columns.clone(),
            ..Filters::default()
        };
        !self.text.is_empty() && *self == only
    }

    /// Returns whether anything narrows the list.
    pub fn is_set(&self) -> bool {
        let anywhere = Filters {
            sort: self.sort.clone(),
            columns: self.columns.clone(),
            cursor: self.cursor.clone(),
            ..Filters::default()
        };
        *self != anywhere
    }

    /// Returns the query string of the same filters from another cursor on.
    pub fn query(&self, cursor: &str) -> String {
        let pairs = [
            ("q", self.text.as_str()),
            ("status", &self.status),
            ("method", &self.method),
            ("from", &self.from),
            ("to", &self.to),
            ("least", &self.least),
            ("most", &self.most),
            ("attention", &self.attention),
            ("in", &self.within),
            ("sort", &self.sort),
            ("columns", &self.columns.to_text()),
            ("cursor", cursor),
        ];
        query_of(&pairs)
    }
}

/// Page of the list.
#[derive(Debug)]
pub struct OrderList {
    pub lines: Vec<OrderLine>,
    pub next_cursor: Option<String>,
    /// The scan was cut off there.
    pub looked_to: Option<LookedTo>,
    pub taken_as: TakenAs,
    /// Sums of all pages; `None` of an unfiltered list.
    pub totals: Option<OrderTotals>,
}

pub fn orders(context: &ConsoleContext, filters: &Filters, found: OrderList, now: Timestamp) -> AnyView {
    let words = context.words();
    let is_empty = found.lines.is_empty();
    let mut columns = vec![Text(words.order_no)];
    columns.extend(filters.columns.iter().map(|column| column.heading(words)));
    let list = filters.query(&filters.cursor);
    let rows = found
        .lines
        .iter()
        .map(|line| render_row(line, &list, &filters.columns, words))
        .collect();
    let next = found.next_cursor.map(|cursor| {
        let path = format!("/admin/orders?{}", filters.query(&cursor));
        let name = next_page(context, &filters.sort);
        view! { <a class="act" href=path rel="next">{name}</a> }
    });
    let looked_to = found
        .looked_to
        .map(|place| render_looked_to(context, &filters.sort, place));
    view! {
        {heading(words.orders, render_export(context, filters))}
        {render_form(context, filters, now)}
        {render_views(context, filters, now)}
        <section class="panel">
            {render_meaning(context, filters, found.taken_as)}
            {if is_empty { render_empty(context) } else { table(words.orders, &columns, rows) }}
            {(!is_empty).then(|| render_choice(context, filters))}
            {found.totals.filter(|_| !is_empty).map(|totals| render_sums(context, totals))}
            {looked_to}
            {next}
        </section>
    }
    .into_any()
}

fn render_sums(context: &ConsoleContext, totals: OrderTotals) -> AnyView {
    let (words, texts) = (context.words(), context.language.file_words());
    let only_newest = totals.only_newest.map(|n| {
        let text = fill(texts.totals_of_newest, &[("n", &n.to_string())]);
        view! { <p class="panel__text">{text}</p> }
    });
    view! {
        <dl class="facts" data-testid="totals">
            {fact(texts.n_orders, totals.n_orders.into_any())}
            {fact(words.amount, format::sum(totals.amount_fen).into_any())}
            {fact(words.returned, format::sum(totals.refunded_fen).into_any())}
            {fact(words.net, format::sum(totals.amount_fen - totals.refunded_fen).into_any())}
        </dl>
        {only_newest}
    }
    .into_any()
}

/// Links to the same list as files.
fn render_export(context: &ConsoleContext, filters: &Filters) -> AnyView {
    let every_column = Filters {
        columns: OrderColumns::default(),
        ..filters.clone()
    };
    let query = every_column.query("");
    let links = || {
        [("xlsx", "XLSX"), ("csv", "CSV")].map(|(format, label)| {
            let file = format!("orders.{format}");
            let path = format!("/admin/{file}?{query}");
            view! { <a class="act" href=path download=file>{context.words().download} " " {label}</a> }
        })
    };
    context
        .may(Permission::Export)
        .then(|| links().into_iter().collect_view())
        .into_any()
}

/// Says what the text was taken as, with a link to the other way.
fn render_meaning(context: &ConsoleContext, filters: &Filters, taken_as: TakenAs) -> AnyView {
    let texts = context.language.list_words();
    let text = [("text", filters.text.as_str())];
    match taken_as {
        TakenAs::Nothing | TakenAs::Number => ().into_any(),
        TakenAs::Part => view! { <p class="panel__text">{fill(texts.as_part, &text)}</p> }.into_any(),
        TakenAs::UserOrAmount => {
            let anywhere = Filters {
                within: "text".to_owned(),
                ..filters.clone()
            };
            let path = format!("/admin/orders?{}", anywhere.query(""));
            view! {
                <p class="panel__text">
                    {fill(texts.as_user_or_amount, &text)} " " <a href=path>{texts.search_anywhere}</a>
                </p>
            }
            .into_any()
        }
    }
}

/// Says where a scan was cut off, and that the next page goes on there.
fn render_looked_to(context: &ConsoleContext, sort: &str, place: LookedTo) -> AnyView {
    match place {
        LookedTo::At(at) => looked_to_time(context, context.words().looked_back_to, sort, at),
        LookedTo::Amount(amount) => {
            let text = context.language.list_words().looked_down_to;
            view! { <p class="panel__text">{text} " " {money::text(amount)}</p> }.into_any()
        }
    }
}

/// Says what can be searched for.
fn render_empty(context: &ConsoleContext) -> AnyView {
    let help = context.language.list_words().search_help;
    view! { {empty(context.words().no_orders)} <p class="panel__text">{help}</p> }.into_any()
}

/// Lists that are wanted every day. Each is an address, and so is any other choice of filters.
fn render_views(context: &ConsoleContext, filters: &Filters, now: Timestamp) -> AnyView {
    let texts = context.language.list_words();
    let of = |status: OrderStatus, period: Option<Period>| {
        let (from, to) = period.map(|period| period.days(now)).unwrap_or_default();
        Filters {
            status: status.as_str().to_owned(),
            from,
            to,
            columns: filters.columns.clone(),
            ..Filters::default()
        }
    };
    let with_incidents = Filters {
        attention: "1".to_owned(),
        columns: filters.columns.clone(),
        ..Filters::default()
    };
    let views = [
        (texts.view_pending, of(OrderStatus::Pending, None)),
        (texts.view_paid_today, of(OrderStatus::Paid, Some(Period::Today))),
        (
            texts.view_refunded_month,
            of(OrderStatus::Refunded, Some(Period::Month)),
        ),
        (texts.view_attention, with_incidents),
    ];
    let links = views.map(|(name, view)| {
        let is_current = view == *filters;
        let path = format!("/admin/orders?{}", view.query(""));
        view! { <a class="act" href=path aria-current=is_current.then_some("true")>{name}</a> }
    });
    view! {
        <nav class="acts" aria-label=texts.saved_views>{links.collect_view()}</nav>
        <p class="small">{texts.view_bookmark}</p>
    }
    .into_any()
}

fn render_row(line: &OrderLine, list: &str, columns: &OrderColumns, words: &'static ConsoleWords) -> AnyView {
    let order = &line.order;
    let mut path = format!("/admin/orders/{}", order.id);
    if !list.is_empty() {
        let list: String = url::form_urlencoded::byte_serialize(list.as_bytes()).collect();
        path = format!("{path}?list={list}");
    }
    let cells: Vec<AnyView> = columns.iter().map(|column| column.cell(line, words)).collect();
    view! {
        <tr>
            <td>
                <a class="reference" href=path>{order.order_no.to_string()}</a>
            </td>
            {cells}
        </tr>
    }
    .into_any()
}

/// Links to named periods that keep the other filters.
fn render_periods(context: &ConsoleContext, filters: &Filters, now: Timestamp) -> Vec<AnyView> {
    let link = |period: Period| {
        let (from, to) = period.days(now);
        let is_current = filters.from == from && filters.to == to;
        let narrowed = Filters {
            from,
            to,
            ..filters.clone()
        };
        let path = format!("/admin/orders?{}", narrowed.query(""));
        let name = format::period(period, context.words());
        view! { <a class="act" href=path aria-current=is_current.then_some("true")>{name}</a> }.into_any()
    };
    Period::ALL.into_iter().map(link).collect()
}

fn render_form(context: &ConsoleContext, filters: &Filters, now: Timestamp) -> AnyView {
    let words = context.words();
    let statuses = OrderStatus::ALL.map(|status| {
        let name = format::order_status_name(status, words);
        (status.as_str(), name, filters.status == status.as_str())
    });
    let methods = Method::ALL.map(|method| {
        let name = format::method(method, words);
        (method.as_str(), name, filters.method == method.as_str())
    });
    let texts = context.language.list_words();
    let sorts = [
        (OrderSort::Oldest.as_str(), texts.sort_oldest),
        (OrderSort::Largest.as_str(), texts.sort_largest),
    ]
    .map(|(value, name)| (value, name, filters.sort == value));
    let form = view! {
        <form class="panel form form--row" method="get" action="/admin/orders">
            <label class="field field--wide">
                <span class="field__label">{words.search_hint}</span>
                <input class="field__input" type="search" name="q" maxlength="64" value=filters.text.clone()/>
            </label>
            {choice("status", words.status, words.any, &statuses)}
            {choice("method", words.method, words.any, &methods)}
            {input("from", words.from_day, "date", &filters.from)}
            {input("to", words.to_day, "date", &filters.to)}
            {input("least", words.least, "text", &filters.least)}
            {input("most", words.most, "text", &filters.most)}
            {choice("sort", texts.sort, texts.sort_newest, &sorts)}
            {(filters.columns != OrderColumns::default())
                .then(|| view! { <input type="hidden" name="columns" value=filters.columns.to_text()/> })}
            <label class="check">
                <input type="checkbox" name="attention" value="1" checked=filters.attention == "1"/>
                <span>{words.attention}</span>
            </label>
            <button class="act act--primary">{words.search}</button>
            <a class="act" href="/admin/orders">{words.clear}</a>
            <div class="acts">{render_periods(context, filters, now)}</div>
        </form>
    };
    render_filters(context, filters.is_set(), form.into_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_every_filter() {
        let filters = Filters {
            text: "u & 1".to_owned(),
            status: "paid".to_owned(),
            ..Filters::default()
        };
        assert_eq!(filters.query("ord_1"), "q=u+%26+1&status=paid&cursor=ord_1");
        assert!(!filters.is_only_text());
        let only = Filters {
            text: "P1".to_owned(),
            ..Filters::default()
        };
        assert!(only.is_only_text() && !Filters::default().is_only_text());
        let second_page = Filters {
            cursor: "ord_1".to_owned(),
            ..Filters::default()
        };
        assert!(filters.is_set() && !second_page.is_set());
        let sorted = Filters {
            sort: "largest".to_owned(),
            ..Filters::default()
        };
        assert_eq!(sorted.query("ord_1"), "sort=largest&cursor=ord_1");
        assert!(!sorted.is_set(), "an order narrows nothing");
        let wide = Filters {
            columns: OrderColumns::parse("user.transaction").unwrap(),
            ..only
        };
        assert_eq!(wide.query(""), "q=P1&columns=user.transaction");
        assert!(wide.is_only_text(), "columns narrow nothing");
    }
}
