//! Columns of the list of orders. The address names those that a person has chosen, so that a bookmark keeps them.

use leptos::prelude::*;
use payments::console::OrderLine;

use super::orders::Filters;
use super::parts::Column::{self, Figures, Text};
use crate::console::{ConsoleContext, format};
use crate::i18n::ConsoleWords;
use crate::view::money;

domain::words! {
    /// Column behind the order's number, which is always the first.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum OrderColumn {
        Subject => "subject",
        User => "user",
        Method => "method",
        PaymentNo => "payment_no",
        Transaction => "transaction",
        Amount => "amount",
        Returned => "returned",
        Status => "status",
        Created => "created",
        Paid => "paid",
    }
}

const DEFAULT: [OrderColumn; 7] = [
    OrderColumn::Subject,
    OrderColumn::User,
    OrderColumn::Method,
    OrderColumn::Amount,
    OrderColumn::Returned,
    OrderColumn::Status,
    OrderColumn::Created,
];

impl OrderColumn {
    /// Parses columns such as `user.amount`; none means the usual ones. They are shown in the order of the table, each once.
    pub fn parse_list(text: &str) -> Option<Vec<OrderColumn>> {
        if text.is_empty() {
            return Some(DEFAULT.to_vec());
        }
        let named: Option<Vec<OrderColumn>> = text.split('.').map(OrderColumn::parse).collect();
        let named = named?;
        Some(
            OrderColumn::ALL
                .into_iter()
                .filter(|column| named.contains(column))
                .collect(),
        )
    }

    pub(super) fn heading(self, words: &'static ConsoleWords) -> Column {
        match self {
            OrderColumn::Amount | OrderColumn::Returned => Figures(self.name(words)),
            _ => Text(self.name(words)),
        }
    }

    const fn name(self, words: &'static ConsoleWords) -> &'static str {
        match self {
            OrderColumn::Subject => words.subject_of_order,
            OrderColumn::User => words.user,
            OrderColumn::Method => words.method,
            OrderColumn::PaymentNo => words.payment_no,
            OrderColumn::Transaction => words.transaction,
            OrderColumn::Amount => words.amount,
            OrderColumn::Returned => words.returned,
            OrderColumn::Status => words.status,
            OrderColumn::Created => words.when,
            OrderColumn::Paid => words.paid_at,
        }
    }

    pub(super) fn cell(self, line: &OrderLine, words: &'static ConsoleWords) -> AnyView {
        let (order, paid_by) = (&line.order, line.paid_by.as_ref());
        match self {
            OrderColumn::Subject => view! { <td>{order.subject.clone()}</td> }.into_any(),
            OrderColumn::User => view! { <td>{order.user_id.clone()}</td> }.into_any(),
            OrderColumn::Method => {
                let method = paid_by.map(|paid_by| format::method(paid_by.product.method(), words));
                view! { <td>{method}</td> }.into_any()
            }
            OrderColumn::PaymentNo => {
                let number = paid_by.map(|paid_by| paid_by.payment_no.to_string());
                view! { <td class="reference">{number}</td> }.into_any()
            }
            OrderColumn::Transaction => {
                let number = paid_by.map(|paid_by| paid_by.transaction_id.clone());
                view! { <td class="reference">{number}</td> }.into_any()
            }
            OrderColumn::Amount => {
                view! { <td class="amount-cell num">{money::text(order.amount)}</td> }.into_any()
            }
            OrderColumn::Returned => {
                let returned = (!order.refunded.is_zero()).then(|| money::text(order.refunded));
                view! { <td class="amount-cell num">{returned}</td> }.into_any()
            }
            OrderColumn::Status => {
                view! { <td>{format::order_status(order.status(), words)}</td> }.into_any()
            }
            OrderColumn::Created => view! { <td>{format::time(order.created_at)}</td> }.into_any(),
            OrderColumn::Paid => {
                view! { <td>{format::maybe_time(paid_by.map(|paid_by| paid_by.paid_at))}</td> }.into_any()
            }
        }
    }
}

/// Writes columns for the address; the usual ones need none.
fn to_text(columns: &[OrderColumn]) -> String {
    if columns == DEFAULT {
        return String::new();
    }
    let names: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    names.join(".")
}

/// Links that show or hide a column of the same list. The last one stays.
pub(super) fn render_choice(context: &ConsoleContext, filters: &Filters, shown: &[OrderColumn]) -> AnyView {
    let words = context.words();
    let links = OrderColumn::ALL.map(|column| {
        let is_shown = shown.contains(&column);
        let chosen: Vec<OrderColumn> = OrderColumn::ALL
            .into_iter()
            .filter(|other| (*other == column) != shown.contains(other))
            .collect();
        let chosen = if chosen.is_empty() { shown.to_vec() } else { chosen };
        let list = Filters {
            columns: to_text(&chosen),
            ..filters.clone()
        };
        let path = format!("/admin/orders?{}", list.query(&filters.cursor));
        let sign = if is_shown { "✓" } else { "+" };
        view! {
            <a class="act" href=path aria-current=is_shown.then_some("true")>
                <span aria-hidden="true">{sign}</span> " " {column.name(words)}
            </a>
        }
    });
    view! {
        <details>
            <summary>{context.language.list_words().columns}</summary>
            <nav class="acts" aria-label=context.language.list_words().columns>{links.collect_view()}</nav>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_words_in_the_order_of_the_table() {
        assert_eq!(OrderColumn::parse_list(""), Some(DEFAULT.to_vec()));
        let chosen = OrderColumn::parse_list("amount.user.user").unwrap();
        assert_eq!(chosen, [OrderColumn::User, OrderColumn::Amount]);
        assert_eq!(to_text(&chosen), "user.amount");
        assert_eq!(to_text(&DEFAULT), "");
        for unknown in ["nothing", "user,amount", "user.", "."] {
            assert_eq!(OrderColumn::parse_list(unknown), None, "{unknown}");
        }
    }
}
