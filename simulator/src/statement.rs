//! Statements of a day: the entries from which each gateway writes its trade and its fund-flow statement, and the
//! differences that a test plants in them.

mod entry;
mod fault;
mod plant;

pub(crate) use entry::{Entry, Period, RefundPart, RefundWord, fee_of, part_of, rate_text, usual_rate};
pub(crate) use fault::{StatementFault, cut_off, damage};
pub(crate) use plant::apply;
pub use plant::{Plant, PlantKind, Table};
