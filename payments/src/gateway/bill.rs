//! Statements (bills) of a gateway for one Beijing day, in terms that both gateways share.
//!
//! A statement is a snapshot of text in yuan: a refund that was in progress stays so in it. It is read line by line from the
//! file as it was downloaded, so that hundreds of thousands of lines need no memory of their own; whether the file is whole
//! is known only after its last line, so a reader discards what it took when reading fails.

mod figures;
mod lines;

use chrono::{Days, NaiveDate};
use domain::{Channel, Money, Timestamp};
use futures_util::FutureExt;

pub(in crate::gateway) use self::figures::{amount_of, fee_of, rate_of};
pub(in crate::gateway) use self::lines::{LineReader, MOST_TEXT_BYTES};
pub(crate) use self::lines::{is_gzip, is_zip};
use super::{Gateway, GatewayError, alipay, wechat};
use crate::calendar::parse_beijing;
use crate::model::sentence::Sentence;

domain::words! {
    /// Statement of payments and refunds, or of the movements on the merchant's account.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum BillKind {
        Trade => "trade",
        FundFlow => "fund_flow",
    }
}

/// One payment or one refund of a trade statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TradeLine {
    pub kind: TradeKind,
    /// `out_trade_no`.
    pub payment_no: String,
    pub transaction_id: String,
    /// Amount paid or refunded, before coupons.
    pub amount: Money,
    /// The part of it that the merchant receives or gives back: without what the merchant's own coupon paid.
    pub settled: Money,
    /// Fee in fen that was taken for a payment, or given back for a refund.
    pub fee: Money,
    /// Rate of the fee in millionths, where the gateway tells it.
    pub rate: Option<i64>,
    /// Time of payment, or of the refund call (WeChat) or its end (Alipay).
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TradeKind {
    Payment,
    Refund {
        /// `out_refund_no`, `out_request_no`.
        refund_no: String,
        gateway_refund_id: Option<String>,
        state: RefundLine,
    },
}

/// State of a refund when its statement was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundLine {
    Done,
    InProgress,
    /// The money did not move, or came back.
    Failed,
}

/// One movement on the merchant's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FundLine {
    pub part: FundPart,
    pub flow_no: String,
    /// The gateway's number of the payment or refund.
    pub business_no: String,
    /// Our number of the refund, where the gateway tells it.
    pub refund_no: Option<String>,
    pub is_income: bool,
    pub amount: Money,
    /// Fee that a refund's one movement contains.
    pub fee_inside: Option<Money>,
    pub at: Timestamp,
}

/// Cause of a movement. Withdrawals, transfers and the like are [`FundPart::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FundPart {
    Payment,
    Refund,
    Fee,
    Other,
}

#[derive(Debug, thiserror::Error)]
pub enum BillError {
    /// No statement, in an answer that can be verified: nothing happened on that day.
    #[error("{}", Sentence::StatementEmpty.as_str())]
    Empty,
    /// The statement is generated after 10:00 in Beijing on the next day.
    #[error("{}", Sentence::StatementNotReady.as_str())]
    NotReady,
    /// The file does not match the promised hash, or is not a statement of this day and merchant.
    #[error("{}", Sentence::BillUnusable.with(&[.0]))]
    Unreadable(&'static str),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

/// One Beijing day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BillDay {
    pub date: NaiveDate,
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
}

impl BillDay {
    /// `None`: a date beyond what a calendar of this program reaches.
    pub fn of(date: NaiveDate) -> Option<BillDay> {
        let midnight = |date: NaiveDate| parse_beijing(&format!("{date} 00:00:00"));
        Some(BillDay {
            date,
            from: midnight(date)?,
            to: midnight(date.checked_add_days(Days::new(1))?)?,
        })
    }

    pub fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// Refuses a line of another day: the file would be that of another day, or of a month.
    pub(in crate::gateway) fn require(&self, at: Timestamp) -> Result<(), &'static str> {
        if self.has(at) {
            Ok(())
        } else {
            Err("it has a line of another day")
        }
    }
}

/// Takes the lines of a trade statement.
pub type TakeTrade<'a> = &'a mut (dyn FnMut(TradeLine) + Send);
/// Takes the lines of a fund-flow statement.
pub type TakeFund<'a> = &'a mut (dyn FnMut(FundLine) + Send);

/// Tells whose statement a file is, from its headings.
pub fn detect_bill(file: &[u8]) -> Option<(Channel, BillKind)> {
    wechat::detect_bill(file)
        .map(|kind| (Channel::Wechat, kind))
        .or_else(|| alipay::detect_bill(file).map(|kind| (Channel::Alipay, kind)))
}

impl Gateway {
    /// Downloads a statement of a Beijing day, as the gateway packs it. WeChat's hash is verified; whether the lines are
    /// whole is known once they are read.
    pub async fn download_bill(&self, date: NaiveDate, kind: BillKind) -> Result<Vec<u8>, BillError> {
        self.timed_bill(
            async {
                match self {
                    Gateway::Wechat(wechat) => wechat.download_bill(date, kind).await,
                    Gateway::Alipay(alipay) => alipay.download_bill(date, kind).await,
                }
            }
            .boxed(),
        )
        .await
    }

    /// Reads a trade statement: every payment and refund of the day, as booked by the gateway.
    pub fn read_trades(&self, file: &[u8], day: BillDay, take: TakeTrade<'_>) -> Result<(), &'static str> {
        match self {
            Gateway::Wechat(wechat) => wechat::read_trades(file, wechat.account(), day, take),
            Gateway::Alipay(alipay) => alipay::read_trades(file, alipay.seller_id(), day, take),
        }
    }

    /// Reads a fund-flow statement: every movement on the merchant's account.
    pub fn read_funds(&self, file: &[u8], day: BillDay, take: TakeFund<'_>) -> Result<(), &'static str> {
        match self {
            Gateway::Wechat(_) => wechat::read_funds(file, day, take),
            Gateway::Alipay(alipay) => alipay::read_funds(file, alipay.seller_id(), day, take),
        }
    }
}
