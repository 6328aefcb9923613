//! Lists of payments and of refunds over all orders, with their filters in the address.

use domain::{Method, PaymentStatus, RefundState};
use leptos::prelude::*;
use payments::console::{Age, FoundPage};
use payments::{ListedPayment, RefundOfOrder};

use super::parts::{
    Column::{Figures, Text},
    choice, empty, filters as render_filters, heading, input, looked_to_time, next_page, query_of, table,
};
use crate::console::columns::product_word;
use crate::console::{ConsoleContext, format};
use crate::i18n::ListWords;
use crate::view::money;

/// Filters as typed, from the query string.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListFilters {
    pub status: String,
    pub method: String,
    pub from: String,
    pub to: String,
    pub sort: String,
    pub cursor: String,
}

impl ListFilters {
    fn query(&self, cursor: &str) -> String {
        let pairs = [
            ("status", self.status.as_str()),
            ("method", &self.method),
            ("from", &self.from),
            ("to", &self.to),
            ("sort", &self.sort),
            ("cursor", cursor),
        ];
        query_of(&pairs)
    }
}

/// Name and value of a status, and whether it is chosen.
type Choice = (&'static str, &'static str, bool);

fn render_form(
    context: &ConsoleContext,
    path: &'static str,
    filters: &ListFilters,
    statuses: &[Choice],
) -> AnyView {
    let words = context.words();
    let methods = Method::ALL.map(|method| {
        let name = format::method(method, words);
        (method.as_str(), name, filters.method == method.as_str())
    });
    let texts = context.language.list_words();
    let oldest = Age::Oldest.as_str();
    let sorts = [(oldest, texts.sort_oldest, filters.sort == oldest)];
    let unsorted = ListFilters {
        sort: String::new(),
        ..filters.clone()
    };
    let is_set = !unsorted.query("").is_empty();
    let form = view! {
        <form class="panel form form--row" method="get" action=path>
            {choice("status", words.status, words.any, statuses)}
            {choice("method", words.method, words.any, &methods)}
            {input("from", words.from_day, "date", &filters.from)}
            {input("to", words.to_day, "date", &filters.to)}
            {choice("sort", texts.sort, texts.sort_newest, &sorts)}
            <button class="act act--primary">{words.search}</button>
            <a class="act" href=path>{words.clear}</a>
        </form>
    };
    render_filters(context, is_set, form.into_any())
}

/// The link to the next page, and how far this page looked.
fn render_rest<T>(
    context: &ConsoleContext,
    path: &'static str,
    filters: &ListFilters,
    found: &FoundPage<T>,
) -> AnyView {
    let next = found.page.next_cursor.as_ref().map(|cursor| {
        let path = format!("{path}?{}", filters.query(cursor));
        let name = next_page(context, &filters.sort);
        view! { <a class="act" href=path rel="next">{name}</a> }
    });
    let looked_back_to = found.looked_back_to.map(|at| {
        let text = context.language.list_words().looked_back_to;
        looked_to_time(context, text, &filters.sort, at)
    });
    view! { {looked_back_to} {next} }.into_any()
}

/// Says what the list is narrowed by, and where numbers are searched for.
fn render_empty(text: &'static str, texts: &'static ListWords) -> AnyView {
    view! { {empty(text)} <p class="panel__text">{texts.list_help}</p> }.into_any()
}

const PAYMENTS: &str = "/admin/payments";

pub fn payments(
    context: &ConsoleContext,
    filters: &ListFilters,
    found: &FoundPage<ListedPayment>,
) -> AnyView {
    let (words, texts) = (context.words(), context.language.list_words());
    let statuses = PaymentStatus::ALL.map(|status| {
        let name = format::payment_status_name(status, words);
        (status.as_str(), name, filters.status == status.as_str())
    });
    let rows: Vec<AnyView> = found
        .page
        .data
        .iter()
        .map(|listed| render_payment(context, listed))
        .collect();
    let columns = [
        Text(words.payment_no),
        Text(words.method),
        Text(words.user),
        Figures(words.amount),
        Text(words.status),
        Text(words.transaction),
        Text(words.when),
    ];
    view! {
        {heading(texts.all_payments, ().into_any())}
        {render_form(context, PAYMENTS, filters, &statuses)}
        <section class="panel">
            {if rows.is_empty() { render_empty(texts.no_payment_fits, texts) } else { table(texts.all_payments, &columns, rows) }}
            {render_rest(context, PAYMENTS, filters, found)}
        </section>
    }
    .into_any()
}

fn render_payment(context: &ConsoleContext, listed: &ListedPayment) -> AnyView {
    let (words, payment) = (context.words(), &listed.payment);
    view! {
        <tr>
            <td><a class="reference" href=format!("/admin/orders/{}", payment.order_id)>{payment.payment_no.to_string()}</a></td>
            <td>{format::method(payment.method(), words)} " · " {product_word(payment.product, context.file_texts())}</td>
            <td>{listed.user_id.clone()}</td>
            <td class="amount-cell num">{money::text(payment.amount)}</td>
            <td>
                {format::state_of_payment(payment, words)}
            </td>
            <td class="reference">{payment.transaction_id.clone()}</td>
            <td>{format::time(payment.created_at)}</td>
        </tr>
    }
    .into_any()
}

const REFUNDS: &str = "/admin/refund-list";

pub fn refunds(context: &ConsoleContext, filters: &ListFilters, found: &FoundPage<RefundOfOrder>) -> AnyView {
    let (words, texts) = (context.words(), context.language.list_words());
    let statuses = RefundState::ALL.map(|state| {
        let name = format::refund_state_name(state, words);
        (state.as_str(), name, filters.status == state.as_str())
    });
    let rows: Vec<AnyView> = found
        .page
        .data
        .iter()
        .map(|listed| render_refund(context, listed))
        .collect();
    let columns = [
        Text(words.refund_no),
        Text(words.order_no),
        Text(words.user),
        Text(words.method),
        Figures(words.amount),
        Text(words.reason),
        Text(words.status),
        Text(words.finished_at),
    ];
    view! {
        {heading(texts.all_refunds, ().into_any())}
        {render_form(context, REFUNDS, filters, &statuses)}
        <section class="panel">
            {if rows.is_empty() { render_empty(texts.no_refund_fits, texts) } else { table(texts.all_refunds, &columns, rows) }}
            {render_rest(context, REFUNDS, filters, found)}
        </section>
    }
    .into_any()
}

fn render_refund(context: &ConsoleContext, listed: &RefundOfOrder) -> AnyView {
    let (words, refund) = (context.words(), &listed.refund);
    let finished_at = refund.finished_at.map(|at| at.max(refund.created_at));
    view! {
        <tr>
            <td>
                <a class="reference" href=format!("/admin/orders/{}", listed.order_id)>{refund.refund_no.to_string()}</a>
                <div class="small">{format::time(refund.created_at)}</div>
            </td>
            <td class="reference">{listed.order_no.clone()}</td>
            <td>{listed.user_id.clone()}</td>
            <td>{format::method(listed.method, words)}</td>
            <td class="amount-cell num">{money::text(refund.amount)}</td>
            <td>{refund.reason.clone()}</td>
            <td>
                {format::state_of_refund(refund, words)}
            </td>
            <td>{format::maybe_time(finished_at)}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_of_a_list_keeps_its_filters() {
        let filters = ListFilters {
            status: "failed".to_owned(),
            from: "2026-11-01".to_owned(),
            sort: "oldest".to_owned(),
            cursor: "pay_1".to_owned(),
            ..ListFilters::default()
        };
        assert_eq!(
            filters.query("pay_0"),
            "status=failed&from=2026-11-01&sort=oldest&cursor=pay_0"
        );
    }
}
