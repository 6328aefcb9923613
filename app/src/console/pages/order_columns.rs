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

/// Columns of the list that are shown, at least one, in the order of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderColumns(Vec<OrderColumn>);

impl Default for OrderColumns {
    fn default() -> OrderColumns {
        OrderColumns(DEFAULT.to_vec())
    }
}

impl OrderColumns {
    /// Parses columns such as `user.amount`.
    pub fn parse(text: &str) -> Option<OrderColumns> {
        let named: Vec<OrderColumn> = text.split('.').map(OrderColumn::parse).collect::<Option<_>>()?;
        Some(OrderColumns::chosen_by(|column| named.contains(&column)))
    }

    fn chosen_by(is_chosen: impl Fn(OrderColumn) -> bool) -> OrderColumns {
        OrderColumns(
            OrderColumn::ALL
                .into_iter()
                .filter(|column| is_chosen(*column))
                .collect(),
        )
    }

    /// Formats the columns for the address: the usual ones as nothing.
    pub(super) fn to_text(&self) -> String {
        if self.0 == DEFAULT {
            return String::new();
        }
        let names: Vec<&str> = self.0.iter().map(|column| column.as_str()).collect();
        names.join(".")
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = OrderColumn> {
        self.0.iter().copied()
    }

    /// Shows a column, or hides it unless it is the last one.
    fn toggle(&self, column: OrderColumn) -> OrderColumns {
        let toggled = OrderColumns::chosen_by(|other| (other == column) != self.0.contains(&other));
        if toggled.0.is_empty() {
            self.clone()
        } else {
            toggled
        }
    }
}

impl OrderColumn {
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

/// Links that show or hide a column of the same list.
pub(super) fn render_choice(context: &ConsoleContext, filters: &Filters) -> AnyView {
    let words = context.words();
    let links = OrderColumn::ALL.map(|column| {
        let is_shown = filters.columns.0.contains(&column);
        let list = Filters {
            columns: filters.columns.toggle(column),
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
        let chosen = OrderColumns::parse("amount.user.user").unwrap();
        assert_eq!(chosen.0, [OrderColumn::User, OrderColumn::Amount]);
        assert_eq!(chosen.to_text(), "user.amount");
        assert_eq!(OrderColumns::default().to_text(), "");
        for unknown in ["", "nothing", "user,amount", "user.", "."] {
            assert_eq!(OrderColumns::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_last_column_cannot_be_hidden() {
        let both = OrderColumns::parse("user.amount").unwrap();
        let one = both.toggle(OrderColumn::User);
        assert_eq!(one.to_text(), "amount");
        assert_eq!(one.toggle(OrderColumn::Amount), one);
        assert_eq!(one.toggle(OrderColumn::User), both);
    }
}
