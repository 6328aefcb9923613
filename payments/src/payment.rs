//! Payments: started, called at the gateway, watched, asked about, closed, expired and settled.

mod call;
mod expire;
mod permitted;
mod queries;
mod reconcile;
mod repeated;
pub(crate) mod settle;
mod start;
mod watch;

pub(crate) use self::expire::end_payment;
pub use self::expire::expire;
pub use self::permitted::start_permitted;
pub(crate) use self::queries::find_by_number;
pub use self::queries::{find_payment, find_payment_by_number, list_payments};
pub use self::reconcile::{Lane, query_payment, reconcile_lane, reconcile_payments};
pub(crate) use self::settle::{PaymentNews, Rule, announce, apply_news, apply_report, trade_of};
pub(crate) use self::start::new_payment;
pub use self::start::{Initiator, StartPayment, renew_prompt, start_payment};
pub use self::watch::{Watchers, try_to_attend};
