//! Amounts as epay clients write them: yuan, read exactly, never rounded.

use domain::Money;

/// `1`, `1.`, `1.0`, `1.0000` and `01.5` are money; signs, exponents, spaces, full-width digits and a third decimal are not.
pub fn parse_money(text: &str) -> Option<Money> {
    let (yuan, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=8).contains(&yuan.len()) || !is_digits(yuan) || !is_digits(fraction) {
        return None;
    }
    let (fen, rest) = fraction.split_at_checked(2).unwrap_or((fraction, ""));
    if rest.bytes().any(|byte| byte != b'0') {
        return None;
    }
    Money::parse_yuan(&format!("{yuan}.{fen:0<2}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_amount_is_read_exactly() {
        for (text, fen) in [
            ("1", 100),
            ("1.", 100),
            ("1.0", 100),
            ("1.00", 100),
            ("1.0000", 100),
            ("0.10", 10),
            ("0.01", 1),
            ("01.5", 150),
            ("9.9", 990),
            ("99999999.99", 9_999_999_999),
        ] {
            assert_eq!(parse_money(text).map(Money::fen), Some(fen), "{text}");
        }
        for text in [
            "",
            ".",
            ".5",
            "0",
            "0.00",
            "-1",
            "+1",
            "1e2",
            "1,000",
            "1.999",
            "0.001",
            " 1",
            "1.00 ",
            "１",
            "NaN",
            "inf",
            "0x1",
            "1.0.0",
            "100000000",
            "19.990000000000002",
            "1.00\n",
            "١",
        ] {
            assert_eq!(parse_money(text), None, "{text:?}");
        }
    }
}
