//! Merchants' numbers and attempts of the epay protocol.

use std::fmt;
use std::net::IpAddr;

use domain::{Method, Money, OrderId, OrderNo, OrderState, OrderStatus, Timestamp};

/// Number of a merchant: 1 to 999999999, which strict clients read as an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(u32);

impl Pid {
    const MAX: u32 = 999_999_999;

    /// Decimal digits without a leading zero.
    pub fn parse(text: &str) -> Option<Pid> {
        let is_plain = (1..=9).contains(&text.len())
            && !text.starts_with('0')
            && text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain.then(|| text.parse().ok().map(Pid)).flatten()
    }

    pub fn from_row(number: i64) -> Option<Pid> {
        u32::try_from(number)
            .ok()
            .filter(|number| (1..=Pid::MAX).contains(number))
            .map(Pid)
    }

    pub fn to_row(self) -> i64 {
        i64::from(self.0)
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Version of the protocol that an order was made by, which decides how its notification is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MD5 with a shared key.
    V1,
    /// RSA.
    V2,
}

impl Version {
    pub fn from_row(number: i64) -> Option<Version> {
        match number {
            1 => Some(Version::V1),
            2 => Some(Version::V2),
            _ => None,
        }
    }

    pub fn to_row(self) -> i64 {
        match self {
            Version::V1 => 1,
            Version::V2 => 2,
        }
    }
}

/// Order as a client describes it; every value was read by `request`.
#[derive(Debug, Clone)]
pub struct NewAttempt {
    pub out_trade_no: String,
    pub amount: Money,
    pub name: String,
    pub notify_url: String,
    pub return_url: Option<String>,
    pub param: String,
    pub asked_type: String,
    pub client_ip: Option<IpAddr>,
    pub version: Version,
}

/// One order of ours for a merchant's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub order_id: OrderId,
    pub pid: Pid,
    pub out_trade_no: String,
    /// 1 for the first.
    pub number: u32,
    pub version: Version,
    /// The method as the client wrote it.
    pub asked_type: String,
    pub notify_url: String,
    pub return_url: Option<String>,
    pub name: String,
    pub param: String,
    pub client_ip: Option<String>,
    /// Our order number, which the protocol calls `trade_no`.
    pub trade_no: OrderNo,
    pub token: String,
    pub amount: Money,
    pub state: OrderState,
    pub refunded: Money,
    /// Cancelled because its time was over.
    pub is_expired: bool,
    pub expires_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// Method of the payment that paid it.
    pub method: Option<Method>,
    pub transaction_id: Option<String>,
}

impl Attempt {
    pub fn status(&self) -> OrderStatus {
        OrderStatus::of(self.state, self.amount, self.refunded)
    }

    /// Whether a payer may still open a payment of it.
    pub fn is_payable(&self, now: Timestamp) -> bool {
        self.state == OrderState::Open && now < self.expires_at
    }

    /// Whether the payer may be sent back with signed fields: paid, and not all of it returned.
    pub fn may_tell_paid(&self) -> bool {
        matches!(self.status(), OrderStatus::Paid | OrderStatus::PartiallyRefunded)
    }
}
