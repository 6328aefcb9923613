//! The operator's console: login, permissions, and its pages.

pub mod access;
mod attacks;
mod audit_log;
mod brute_force;
mod files;
mod forms;
mod gateway_log;
mod lists;
mod office;
mod orders;
mod payment_links;
mod people;
mod reconciliation;
mod refunds;
mod second_factor;
mod sections;
mod usability;
pub mod visitor;
