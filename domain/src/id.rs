//! Ids and numbers: opaque text made from a time and random bytes that arrive as arguments.
//!
//! An id starts with its time, so that rows written together are stored together and *newest first* needs no other column;
//! eighty random bits make it unguessable.

use crate::Timestamp;

/// Eighty random bits for one id.
pub type Entropy = [u8; 10];

/// Crockford's base 32: no letter that resembles a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The bytes in Crockford's base 32, which holds no letter that is read as a digit.
pub fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut n_bits) = (0_u32, 0_u32);
    for byte in bytes {
        buffer = (buffer << 8 | u32::from(*byte)) & 0xFFFF;
        n_bits += 8;
        while n_bits >= 5 {
            n_bits -= 5;
            push_digit(&mut text, buffer >> n_bits);
        }
    }
    if n_bits > 0 {
        push_digit(&mut text, buffer << (5 - n_bits));
    }
    text
}

fn push_digit(text: &mut String, bits: u32) {
    let index = usize::try_from(bits & 31).expect("five bits fit any usize");
    text.push(char::from(ALPHABET[index]));
}

/// Formats ten characters of time and sixteen random ones: 26 in all, sorted by time.
fn stamp_ulid(now: Timestamp, entropy: Entropy) -> String {
    time_digits(now) + &base32(&entropy)
}

fn time_digits(now: Timestamp) -> String {
    let millis = u64::try_from(now.millis()).unwrap_or(0);
    let mut text = String::with_capacity(26);
    for digit in (0..10).rev() {
        let index = usize::try_from(millis >> (digit * 5) & 31).expect("five bits fit any usize");
        text.push(char::from(ALPHABET[index]));
    }
    text
}

/// Formats 160 random bits as 32 characters: the capability in a checkout link.
pub fn secret_token(entropy: [u8; 20]) -> String {
    base32(&entropy).to_ascii_lowercase()
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        pub struct $name(String);

        impl $name {
            pub fn new(now: Timestamp, entropy: Entropy) -> $name {
                $name(format!("{}{}", $prefix, stamp_ulid(now, entropy)))
            }

            /// Returns a lower bound: ids of this instant and of later ones sort behind it, earlier ones before.
            pub fn floor(instant: Timestamp) -> String {
                format!("{}{}", $prefix, time_digits(instant))
            }

            /// Parses text of the right form; whether it exists is for the store to say.
            pub fn parse(text: &str) -> Option<$name> {
                is_name(text).then(|| $name(text.to_owned()))
            }

            /// Returns whether [`Self::new`] can have made it: its prefix, then 26 digits.
            pub fn is_made_by_us(text: &str) -> bool {
                text.strip_prefix($prefix)
                    .is_some_and(|digits| digits.len() == 26 && digits.bytes().all(|digit| ALPHABET.contains(&digit)))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )+};
}

names! {
    /// Our key of an order.
    OrderId "ord_";
    /// The merchant's number of an order, ours when the merchant gave none.
    OrderNo "O";
    /// Our key of a payment.
    PaymentId "pay_";
    /// Number of a payment at its gateway (`out_trade_no`): `[0-9A-Za-z]{27}`, the alphabet both gateways take unescaped.
    PaymentNo "P";
    /// Our key of a refund.
    RefundId "ref_";
    /// Number of a refund at its gateway; fixed before the first call and never made again.
    RefundNo "R";
    /// Key of an incident.
    IncidentId "inc_";
    /// An event that a merchant's program is told.
    EventId "evt_";
    /// An endpoint that events are sent to.
    EndpointId "whe_";
    /// Key of a user of the console.
    UserId "usr_";
    /// Key of an alarm: one message to operators about incidents.
    AlarmId "alm_";
    /// Key of a payment link.
    LinkId "lnk_";
}

/// Returns whether text is 1 to 64 characters of `[0-9A-Za-z_-]`: ids go into URLs and logs, so nothing else is allowed.
pub fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_number_is_valid_at_both_gateways() {
        let number = PaymentNo::new(Timestamp::from_millis(1_700_000_000_000), [0xFF; 10]);
        assert_eq!(number.as_str().len(), 27);
        assert!(number.as_str().bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(PaymentNo::is_made_by_us(number.as_str()));
        assert!(!OrderId::is_made_by_us(number.as_str()));
    }

    #[test]
    fn ids_sort_by_their_time() {
        let early = OrderId::new(Timestamp::from_millis(1_700_000_000_000), [0xFF; 10]);
        let late = OrderId::new(Timestamp::from_millis(1_700_000_000_001), [0; 10]);
        assert!(early < late);
        let floor = OrderId::floor(Timestamp::from_millis(1_700_000_000_001));
        assert!(early.as_str() < floor.as_str() && floor.as_str() < late.as_str());
    }

    #[test]
    fn every_random_bit_is_in_the_id() {
        let name = |entropy| OrderId::new(Timestamp::from_millis(0), entropy);
        for bit in 0..80 {
            let mut entropy = [0; 10];
            entropy[bit / 8] = 1 << (bit % 8);
            assert_ne!(name(entropy), name([0; 10]), "bit {bit}");
        }
        assert_eq!(secret_token([0xAB; 20]).len(), 32);
    }
}
