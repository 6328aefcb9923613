//! Double-entry ledger: every transfer takes from one account what it gives to another.
//!
//! A [`Transfer`] has exactly one giver and one taker, so its two entries always sum to zero. Only this module decides which
//! transfers there are, and between which accounts.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Channel, Method, Money, MoneyError, Payment, Purpose, Refund};

/// A ledger account. Its name in the books is its text form.
///
/// External accounts (the gateways, the operator's corrections) go below zero by what they brought in; a user never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Account<'a> {
    /// Money that a gateway has taken from payers and given back to them.
    Gateway(Channel),
    Sales,
    /// Money that its order does not need, until a refund takes it.
    Surplus,
    User(&'a str),
    /// Money on its way back to its payer.
    RefundsDue,
    /// The operator's corrections of users' balances.
    Adjustments,
    /// Money that was refunded although its owner had spent it.
    Losses,
    /// Fees that a gateway kept of what it took: below zero, like every expense.
    Fees(Channel),
}

crate::words! {
    /// Purpose of a transfer.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum EntryKind {
        Payment => "payment",
        Topup => "topup",
        Surplus => "surplus",
        RefundRequested => "refund_requested",
        Refund => "refund",
        RefundFailed => "refund_failed",
        Adjust => "adjust",
    }
}

/// Signed, non-zero fen: what an adjustment does to a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Change(i64);

/// One transfer, under a name that is unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer<'a> {
    pub journal: String,
    pub kind: EntryKind,
    /// Public reference: the id of a payment or a refund, or the number of an adjustment.
    pub reference: String,
    pub note: Option<&'a str>,
    pub from: Account<'a>,
    pub to: Account<'a>,
    pub amount: Money,
}

/// A payment in the ledger: its payer, and the owner of its money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deal<'a> {
    pub method: Method,
    pub purpose: Purpose,
    /// Whether the order took the money; if not, the money is surplus until it is refunded.
    pub settles: bool,
    pub user_id: &'a str,
}

impl std::fmt::Display for Account<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Account::Gateway(channel) => write!(formatter, "gateway:{channel}"),
            Account::Sales => formatter.write_str("sales"),
            Account::Surplus => formatter.write_str("surplus"),
            Account::User(user_id) => write!(formatter, "user:{user_id}"),
            Account::RefundsDue => formatter.write_str("refunds_due"),
            Account::Adjustments => formatter.write_str("adjustments"),
            Account::Losses => formatter.write_str("losses"),
            Account::Fees(channel) => write!(formatter, "fees:{channel}"),
        }
    }
}

impl Change {
    pub fn from_fen(fen: i64) -> Result<Change, MoneyError> {
        match fen {
            0 => Err(MoneyError::NotPositive),
            _ if fen.checked_abs().is_none_or(|size| size > Money::MAX.fen()) => Err(MoneyError::TooLarge),
            _ => Ok(Change(fen)),
        }
    }

    pub fn fen(self) -> i64 {
        self.0
    }

    pub fn is_credit(self) -> bool {
        self.0 > 0
    }

    /// Returns the amount without its sign.
    pub fn size(self) -> Money {
        Money::from_fen(self.0.abs()).expect("a change is within the limits of one amount")
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Change, D::Error> {
        let fen = i64::deserialize(deserializer)?;
        if fen == 0 {
            return Err(serde::de::Error::custom(
                "an adjustment must be at least 1 fen, up or down",
            ));
        }
        Change::from_fen(fen).map_err(serde::de::Error::custom)
    }
}

impl<'a> Deal<'a> {
    /// Account that the money came from, and that a refund returns it to.
    pub const fn payer(&self) -> Account<'a> {
        match self.method.channel() {
            Some(channel) => Account::Gateway(channel),
            None => Account::User(self.user_id),
        }
    }

    /// Account that owns the money now, and so gives it back.
    pub const fn owner(&self) -> Account<'a> {
        match (self.settles, self.purpose) {
            (false, _) => Account::Surplus,
            (true, Purpose::Sale) => Account::Sales,
            (true, Purpose::Topup) => Account::User(self.user_id),
        }
    }

    /// Transfer when the money has arrived.
    pub fn paid(&self, payment: &Payment) -> Transfer<'a> {
        let kind = match (self.settles, self.purpose) {
            (false, _) => EntryKind::Surplus,
            (true, Purpose::Sale) => EntryKind::Payment,
            (true, Purpose::Topup) => EntryKind::Topup,
        };
        Transfer {
            journal: format!("payment:{}", payment.id),
            kind,
            reference: payment.id.to_string(),
            note: None,
            from: self.payer(),
            to: self.owner(),
            amount: payment.amount,
        }
    }

    /// Transfer when a refund is requested: the owner has the money no more.
    pub fn refund_requested<'b>(&self, refund: &'b Refund) -> Transfer<'b>
    where
        'a: 'b,
    {
        self.about(
            refund,
            EntryKind::RefundRequested,
            self.owner(),
            Account::RefundsDue,
        )
    }

    /// Transfer when a refund has succeeded.
    pub fn refunded<'b>(&self, refund: &'b Refund) -> Transfer<'b>
    where
        'a: 'b,
    {
        self.about(refund, EntryKind::Refund, Account::RefundsDue, self.payer())
    }

    /// Transfer when a refund has failed: the money will not be returned under its number.
    pub fn refund_failed<'b>(&self, refund: &'b Refund) -> Transfer<'b>
    where
        'a: 'b,
    {
        self.about(refund, EntryKind::RefundFailed, Account::RefundsDue, self.owner())
    }

    /// Transfer when a refund that the gateway had called failed succeeds: `bearer` had the money meanwhile, or pays for it.
    pub fn refund_revived<'b>(&self, refund: &'b Refund, bearer: Account<'b>) -> Transfer<'b>
    where
        'a: 'b,
    {
        self.about(refund, EntryKind::Refund, bearer, self.payer())
    }

    fn about<'b>(
        &self,
        refund: &'b Refund,
        kind: EntryKind,
        from: Account<'b>,
        to: Account<'b>,
    ) -> Transfer<'b> {
        Transfer {
            journal: format!("{}:{}", kind.as_str(), refund.id),
            kind,
            reference: refund.id.to_string(),
            note: Some(&refund.reason),
            from,
            to,
            amount: refund.amount,
        }
    }
}

impl<'a> Transfer<'a> {
    /// Transfer of the operator's correction of a user's balance.
    pub fn adjust(user_id: &'a str, change: Change, number: &str, note: &'a str) -> Transfer<'a> {
        let (user, other) = (Account::User(user_id), Account::Adjustments);
        let (from, to) = if change.is_credit() {
            (other, user)
        } else {
            (user, other)
        };
        Transfer {
            journal: Transfer::adjustment_journal(number),
            kind: EntryKind::Adjust,
            reference: number.to_owned(),
            note: Some(note),
            from,
            to,
            amount: change.size(),
        }
    }

    pub fn adjustment_journal(number: &str) -> String {
        format!("{}:{number}", EntryKind::Adjust.as_str())
    }

    /// Returns the two entries, which sum to zero.
    pub fn lines(&self) -> [(Account<'a>, i64); 2] {
        assert!(self.from != self.to, "money moves between two accounts");
        [(self.from, -self.amount.fen()), (self.to, self.amount.fen())]
    }
}
