//! Money: whole fen of CNY, never a float.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of CNY in fen, never below zero.
///
/// One amount is `1 ..= Money::MAX`: [`Money::from_fen`] and every parser refuse anything else. Only a sum of many can be
/// zero, or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("an amount must be at least 1 fen")]
    NotPositive,
    #[error("an amount must be at most ¥100,000,000.00")]
    TooLarge,
    #[error("not an amount of yuan with at most two decimals")]
    NotAnAmount,
}

impl Money {
    pub const ZERO: Money = Money(0);
    /// ¥100,000,000.00: the largest single order both gateways take, and small enough that sums fit an `i64`.
    pub const MAX: Money = Money(10_000_000_000);

    /// Returns a positive amount from fen.
    pub fn from_fen(fen: i64) -> Result<Money, MoneyError> {
        match fen {
            ..=0 => Err(MoneyError::NotPositive),
            _ if fen > Self::MAX.0 => Err(MoneyError::TooLarge),
            _ => Ok(Money(fen)),
        }
    }

    /// Returns a sum that a database computed: zero is allowed, and a sum may exceed [`Money::MAX`].
    pub fn from_sum(fen: i64) -> Result<Money, MoneyError> {
        if fen < 0 {
            Err(MoneyError::NotPositive)
        } else {
            Ok(Money(fen))
        }
    }

    /// Parses yuan as Alipay and bills write it: `49`, `49.9`, `49.90`; signs, exponents and a third decimal are refused.
    pub fn parse_yuan(text: &str) -> Result<Money, MoneyError> {
        let (yuan, fraction) = text.split_once('.').unwrap_or((text, "00"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(yuan) || !is_digits(fraction) || fraction.len() > 2 {
            return Err(MoneyError::NotAnAmount);
        }
        let yuan: i64 = yuan.parse().map_err(|_| MoneyError::TooLarge)?;
        let fen: i64 = format!("{fraction:0<2}")
            .parse()
            .map_err(|_| MoneyError::NotAnAmount)?;
        let total = yuan
            .checked_mul(100)
            .and_then(|hundredfold| hundredfold.checked_add(fen));
        Money::from_fen(total.ok_or(MoneyError::TooLarge)?)
    }

    pub fn fen(self) -> i64 {
        self.0
    }

    /// Formats `9990` as `99.90`, the form Alipay signs.
    pub fn to_yuan(self) -> String {
        format!("{}.{:02}", self.0 / 100, self.0 % 100)
    }

    /// Subtracts `part`; `None` when it exceeds the amount.
    pub fn checked_sub(self, part: Money) -> Option<Money> {
        self.0.checked_sub(part.0).filter(|left| *left >= 0).map(Money)
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        let fen = i64::deserialize(deserializer)?;
        Money::from_fen(fen).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_is_read_exactly() {
        for (text, fen) in [
            ("0.01", 1),
            ("49", 4900),
            ("49.9", 4990),
            ("49.90", 4990),
            ("100000000.00", 10_000_000_000),
        ] {
            assert_eq!(Money::parse_yuan(text).map(Money::fen), Ok(fen), "{text}");
        }
    }

    #[test]
    fn invalid_amounts_are_refused() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e2",
            "1.234",
            "1,000",
            " 1",
            "0",
            "0.00",
            "100000000.01",
            "９",
            "99999999999999999999",
        ] {
            assert!(Money::parse_yuan(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_amount_round_trips_through_yuan() {
        for fen in (1..20_000).chain([999_999_999, 9_999_999_999, 10_000_000_000]) {
            let money = Money::from_fen(fen).unwrap();
            assert_eq!(Money::parse_yuan(&money.to_yuan()), Ok(money));
        }
    }
}
