//! Amounts, fees and rates as statements write them: in yuan, with a sign that repeats the kind of the row, and with zeros
//! behind the fen.

use domain::{Money, MoneyError};

/// Parses an amount. `None`: the cell is empty or zero.
pub fn amount_of(text: &str) -> Result<Option<Money>, &'static str> {
    let unsigned = text.trim_start_matches(['-', '+']);
    if unsigned.is_empty() {
        return Ok(None);
    }
    let trimmed = match unsigned.split_once('.') {
        Some((yuan, fraction)) if !fraction.is_empty() => match fraction.trim_end_matches('0') {
            "" => yuan,
            _ => unsigned.trim_end_matches('0'),
        },
        _ => unsigned,
    };
    match Money::parse_yuan(trimmed) {
        Ok(money) => Ok(Some(money)),
        Err(MoneyError::NotPositive) => Ok(None),
        Err(_) => Err("it has an invalid amount"),
    }
}

/// Parses a fee, which may have more decimals than fen: rounded to the nearest one.
pub fn fee_of(text: &str) -> Result<Money, &'static str> {
    const INVALID: &str = "it has an invalid fee";
    let unsigned = text.trim_start_matches(['-', '+']);
    if unsigned.is_empty() {
        return Ok(Money::ZERO);
    }
    let (yuan, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let thousandths = parse_decimal(yuan, fraction, 5).ok_or(INVALID)?;
    Money::from_sum((thousandths + 500) / 1000).map_err(|_| INVALID)
}

/// Parses a rate in percent into millionths; `None` when the cell names none.
pub fn rate_of(text: &str) -> Option<i64> {
    let percent = text.strip_suffix('%')?;
    let (whole, fraction) = percent.split_once('.').unwrap_or((percent, ""));
    parse_decimal(whole, fraction, 4)
}

/// The digits as a whole number of units of the last of `n_decimals`.
fn parse_decimal(whole: &str, fraction: &str, n_decimals: usize) -> Option<i64> {
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > n_decimals || whole.len() > 10 {
        return None;
    }
    format!("{whole}{fraction:0<n_decimals$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_to_the_fen() {
        let fen = |text| amount_of(text).map(|amount| amount.map(Money::fen));
        assert_eq!(fen("49.9000"), Ok(Some(4990)));
        assert_eq!(fen("-9.90"), Ok(Some(990)));
        assert_eq!((fen(""), fen("0.00"), fen("+0")), (Ok(None), Ok(None), Ok(None)));
        assert!(fen("1.005").is_err() && fen("x").is_err());
        let fee = |text| fee_of(text).map(Money::fen);
        assert_eq!(
            (fee("0.30000"), fee("-0.29940"), fee("0.00499")),
            (Ok(30), Ok(30), Ok(0))
        );
        assert_eq!((fee(""), fee("0.00500")), (Ok(0), Ok(1)));
        assert!(fee("0.300001").is_err() && fee("x").is_err());
        assert_eq!(
            (rate_of("0.60%"), rate_of("0.6%"), rate_of("1%")),
            (Some(6000), Some(6000), Some(10_000))
        );
        assert_eq!(
            (rate_of("0.385%"), rate_of(""), rate_of("-")),
            (Some(3850), None, None)
        );
    }
}
