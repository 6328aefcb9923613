//! Amounts as a payer reads them.

use domain::Money;

/// Currency sign of CNY, in both languages.
pub const SIGN: &str = "¥";

/// Formats `123450` fen as `1,234.50`.
pub fn number(money: Money) -> String {
    let yuan = money.to_yuan();
    let (whole, fraction) = yuan.split_once('.').unwrap_or((&yuan, "00"));
    let mut grouped = String::with_capacity(yuan.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{fraction}")
}

/// Formats `123450` fen as `¥1,234.50`.
pub fn text(money: Money) -> String {
    format!("{SIGN}{}", number(money))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped_and_fen_are_kept() {
        for (fen, expected) in [
            (1, "¥0.01"),
            (990, "¥9.90"),
            (99_999, "¥999.99"),
            (100_000, "¥1,000.00"),
            (123_450, "¥1,234.50"),
            (100_000_000, "¥1,000,000.00"),
            (10_000_000_000, "¥100,000,000.00"),
        ] {
            assert_eq!(text(Money::from_fen(fen).unwrap()), expected);
        }
    }
}
