//! The rules of the checkout, pure: no clock, socket, table, async or logging.
//!
//! Time, ids and random bytes arrive as arguments; decisions leave as values that `payments` acts on.

pub mod event;
pub mod hex;
pub mod id;
pub mod ledger;
pub mod method;
pub mod money;
pub mod order;
pub mod payment;
pub mod products;
pub mod refund;
pub mod schedule;
pub mod settle;
pub mod time;
mod words;

pub use event::EventType;
pub use hex::hex_digits;
pub use id::{
    AlarmId, EndpointId, EventId, IncidentId, LinkId, OrderId, OrderNo, PaymentId, PaymentNo, RefundId,
    RefundNo, UserId,
};
pub use ledger::{Account, Change, Deal, EntryKind, Transfer};
pub use method::{Channel, Method, Product};
pub use money::{Money, MoneyError};
pub use order::{Order, OrderState, OrderStatus, Purpose};
pub use payment::{NewPayment, Opening, Payment, PaymentState, PaymentStatus, Refusal, open_payment};
pub use products::Products;
pub use refund::{Refund, RefundRefusal, RefundReport, RefundState};
pub use settle::{LatePolicy, Receipt, Report, Settlement, lapse, settle};
pub use time::Timestamp;
