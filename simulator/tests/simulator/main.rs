//! The simulator from outside, by a merchant that signs and verifies for itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alipay;
mod faults;
mod inbox;
mod merchant;
mod notifications;
mod people;
mod statements;
mod wechat;
