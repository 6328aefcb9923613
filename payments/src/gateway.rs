//! The companies that move the money, behind six operations; a third one is a list of compile errors to follow.
//!
//! Only this room knows a gateway's words. What leaves it is a [`Report`], a prompt, or a [`GatewayError`].

pub mod alipay;
pub mod wechat;

use domain::{Channel, Money, PaymentNo, Product, Report, Timestamp};
use http::HeaderMap;

/// What a gateway is told about a payment.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub payment_no: &'a PaymentNo,
    pub product: Product,
    pub amount: Money,
    pub subject: &'a str,
    pub expires_at: Timestamp,
}

#[derive(Debug)]
pub enum Gateway {
    Wechat(wechat::Wechat),
    Alipay(alipay::Alipay),
}

/// The gateways that are configured.
#[derive(Debug, Default)]
pub struct Gateways {
    pub wechat: Option<Gateway>,
    pub alipay: Option<Gateway>,
}

/// Why a gateway gave no report.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// It understood and said no. Only an authentic refusal may end a payment; the others are hints.
    #[error("{code}: {message}")]
    Declined {
        code: String,
        message: String,
        is_authentic: bool,
    },
    /// It says that the trade is paid already: ask for the receipt.
    #[error("the trade is paid already")]
    AlreadyPaid,
    /// It says that the trade is closed already: ask for the truth.
    #[error("the trade is closed already")]
    AlreadyClosed,
    /// Send the same bytes again.
    #[error("try again: {reason}")]
    RetrySame { reason: String },
    /// A timeout, a 5xx, an answer that cannot be verified or read: it may have happened or not.
    #[error("unknown outcome: {reason}")]
    Unknown { reason: String },
}

/// What a gateway said to a request to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    Closed,
    /// Authentic word that there is no such trade (Alipay, before anybody scanned).
    Absent,
}

/// An authentic message from a gateway.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Unique per event at this gateway: resends carry it again.
    pub id: String,
    /// `out_trade_no` as it was written; empty when the message is about no payment.
    pub payment_no: String,
    pub content: NoticeContent,
}

#[derive(Debug, Clone)]
pub enum NoticeContent {
    Payment(Report),
    /// News about a refund: never news about a payment, even when it looks like one (T-35).
    Refund,
    /// A kind of message that is of no concern to us.
    Other,
    /// Authentic, but not for us: another merchant, app, seller or currency.
    Foreign(&'static str),
}

/// Why a message is not believed. Nothing is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// A deliberately wrong signature, to see whether we check.
    #[error("a signature probe")]
    Probe,
    /// The words say which part is wrong: header, clock, key, signature, body.
    #[error("{0}")]
    NotAuthentic(&'static str),
    /// Signed, but not readable: bad base64, a wrong tag, not JSON.
    #[error("{0}")]
    Malformed(&'static str),
}

/// An HTTP answer in a gateway's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: &'static str,
}

/// How a message was received; each gateway has its own words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// Its effect is durable.
    Done,
    NotAuthentic,
    Malformed,
    TooLarge,
    /// Our fault: send it again.
    Failed,
}

impl Gateways {
    pub fn get(&self, channel: Channel) -> Option<&Gateway> {
        match channel {
            Channel::Wechat => self.wechat.as_ref(),
            Channel::Alipay => self.alipay.as_ref(),
        }
    }
}
