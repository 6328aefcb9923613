//! The second factor: codes that change every half minute (RFC 6238, SHA-1, six digits: what every app on a phone knows).

use aws_lc_rs::hmac;
use domain::Timestamp;
use futures_util::FutureExt;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Act, Action, ConsoleError, Operator, Visit, record};
use crate::Services;
use crate::store::people;

const STEP_SECONDS: i64 = 30;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A seed that a phone and we share.
#[derive(Debug, Clone)]
pub struct Totp(SecretString);

impl Totp {
    /// 160 random bits, as the RFC recommends for SHA-1.
    pub fn new(entropy: [u8; 20]) -> Totp {
        Totp(SecretString::from(base32(&entropy)))
    }

    pub fn parse(text: &str) -> Option<Totp> {
        (text.len() == 32 && text.bytes().all(|byte| ALPHABET.contains(&byte)))
            .then(|| Totp(SecretString::from(text)))
    }

    /// For the one page that shows it, and for the store.
    pub fn secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the QR code says to the app on the phone.
    pub fn address(&self, email: &str) -> String {
        let mut url = url::Url::parse("otpauth://totp/").expect("this is an address");
        url.set_path(&format!("/Tongqian:{email}"));
        url.query_pairs_mut()
            .append_pair("secret", self.secret())
            .append_pair("issuer", "Tongqian");
        url.into()
    }

    /// The step of time that this code belongs to: now, or half a minute off, for clocks that are not quite right.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let current = now.seconds().div_euclid(STEP_SECONDS);
        [current, current - 1, current + 1]
            .into_iter()
            .find(|step| self.code(*step).as_deref() == Some(code))
    }

    /// What the phone shows now.
    pub fn code_at(&self, now: Timestamp) -> Option<String> {
        self.code(now.seconds().div_euclid(STEP_SECONDS))
    }

    fn code(&self, step: i64) -> Option<String> {
        let seed = unbase32(self.secret())?;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &seed);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let bytes = tag.as_ref();
        let offset = usize::from(bytes.last()? & 15);
        let word: [u8; 4] = bytes.get(offset..offset + 4)?.try_into().ok()?;
        Some(format!(
            "{:06}",
            (u32::from_be_bytes(word) & 0x7FFF_FFFF) % 1_000_000
        ))
    }
}

fn base32(bytes: &[u8; 20]) -> String {
    bytes
        .chunks(5)
        .flat_map(|chunk| {
            let word = chunk
                .iter()
                .fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
            (0..8).rev().map(move |digit| {
                let index = usize::try_from(word >> (digit * 5) & 31).expect("five bits fit any usize");
                char::from(ALPHABET[index])
            })
        })
        .collect()
}

fn unbase32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(20);
    for digits in text.as_bytes().chunks(8) {
        let mut word = 0_u64;
        for digit in digits {
            let value = ALPHABET.iter().position(|known| known == digit)?;
            word = word << 5 | u64::try_from(value).ok()?;
        }
        bytes.extend_from_slice(&word.to_be_bytes()[3..]);
    }
    Some(bytes)
}

/// From now on this person needs a code; the first one proves that the phone has the seed.
pub async fn enable_totp(
    services: &Services,
    operator: &Operator,
    visit: &Visit,
    totp: &Totp,
    code: &str,
) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    let step = totp.step_of(code, now).ok_or(ConsoleError::WrongLogin)?;
    let user_id = operator.user_id.as_str();
    let act = Act {
        action: Action::EnableTotp,
        subject: user_id,
        detail: "",
    };
    services
        .db
        .write(|tx| {
            async move {
                people::set_totp(tx, user_id, Some(totp.secret()), step).await?;
                record(tx, visit, act, now).await?;
                Ok::<_, ConsoleError>(())
            }
            .boxed()
        })
        .await
}

pub async fn disable_totp(services: &Services, user_id: &str, visit: &Visit) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    let act = Act {
        action: Action::DisableTotp,
        subject: user_id,
        detail: "",
    };
    services
        .db
        .write(|tx| {
            async move {
                people::set_totp(tx, user_id, None, 0).await?;
                record(tx, visit, act, now).await?;
                Ok::<_, ConsoleError>(())
            }
            .boxed()
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let totp = Totp::new(*b"12345678901234567890");
        assert_eq!(totp.secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let now = Timestamp::from_millis(seconds * 1000);
            assert_eq!(totp.step_of(code, now), Some(seconds / STEP_SECONDS), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_for_its_half_minute_and_the_two_beside_it() {
        let totp = Totp::new([7; 20]);
        let code = totp.code(1000).unwrap();
        let at = |step: i64| totp.step_of(&code, Timestamp::from_millis(step * 30_000));
        assert_eq!(
            (at(999), at(1000), at(1001)),
            (Some(1000), Some(1000), Some(1000))
        );
        assert_eq!((at(998), at(1002)), (None, None));
        assert_eq!(Totp::parse(totp.secret()).unwrap().code(1000), Some(code));
        assert!(Totp::parse("short").is_none());
    }
}
