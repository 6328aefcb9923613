//! Bytes as hexadecimal digits.

use std::fmt::Write as _;

/// Writes two lower-case digits for each byte.
pub fn hex_digits(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(digits, "{byte:02x}").expect("a string takes everything");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_has_two_digits() {
        assert_eq!(hex_digits(&[0, 0x0f, 0xa0, 0xff]), "000fa0ff");
        assert_eq!(hex_digits(&[]), "");
    }
}
