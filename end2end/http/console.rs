//! The operator's console: who comes in, how far they may go, and what they find and do there.

mod attacks;
mod audit_log;
mod causes;
mod crowds;
mod doors;
mod orders;
mod people;
mod refunds;
mod rest;
mod second_factor;
mod tasks;
pub mod visitor;
