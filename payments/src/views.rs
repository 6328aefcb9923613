//! Objects as JSON, as the API shows them and as events carry them: one shape for both.

mod balance;
mod event;
mod incident;
mod order;
mod payment;
mod reconciliation;
mod refund;

use domain::Timestamp;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

pub use self::balance::{BalanceView, EntryOfUserView, EntryView};
pub use self::event::EventView;
pub use self::incident::IncidentView;
pub use self::order::OrderView;
pub use self::payment::{PaymentOwner, PaymentView, methods, products};
pub use self::reconciliation::{DaySumsView, DifferenceView, ReconciliationView};
pub use self::refund::RefundView;

use crate::calendar::rfc3339;

const CHECKOUT: &str = "/checkout/";

fn checkout_url(base: &str, token: &str) -> String {
    format!("{base}{CHECKOUT}{token}")
}

/// Formats a gateway's time of an end, never before the beginning: gateways write whole seconds, and their clocks differ from
/// ours. The time as the gateway wrote it stays in the books, for the comparison with its statements.
fn no_earlier(end: Option<Timestamp>, beginning: Timestamp) -> Option<String> {
    end.map(|end| rfc3339(end.max(beginning)))
}

/// Schema of a text that is one of these words.
pub fn one_of<const N: usize>(words: [&'static str; N]) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .build()
}
