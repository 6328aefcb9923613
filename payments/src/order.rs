//! Orders: created, cancelled, found and listed.

mod cancel;
mod create;
mod queries;

pub(crate) use self::cancel::{CONTENDED, MAX_ROUNDS, cancel_expired};
pub use self::cancel::{EXPIRED_REASON, cancel_order};
pub use self::create::{NewOrder, create_order};
pub(crate) use self::create::{draft, write_order};
pub(crate) use self::queries::load_checkout;
pub use self::queries::{Checkout, OrderFilter, find_checkout, find_order, list_orders};
