//! TOTP second factor: codes that change every half minute (RFC 6238, SHA-1, six digits: supported by every authenticator
//! app).

use domain::Timestamp;
use futures_util::FutureExt;
use secrecy::{ExposeSecret as _, SecretString};
use totp_rs::{Algorithm, Builder, Secret};

use super::recovery::{ALPHABET, keep_codes, new_codes};
use super::{Act, Action, Actor, ConsoleError, Operator, perform};
use crate::Services;
use crate::secrets::Place;
use crate::store::{recovery_codes, users};

const STEP_SECONDS: u64 = 30;

/// Secret shared with the phone.
#[derive(Debug, Clone)]
pub struct Totp(SecretString);

impl Totp {
    /// 160 random bits, as the RFC recommends for SHA-1.
    pub fn new(entropy: [u8; 20]) -> Totp {
        Totp(SecretString::from(Secret::from(entropy).to_base32()))
    }

    pub fn parse(text: &str) -> Option<Totp> {
        (text.len() == 32 && text.bytes().all(|byte| ALPHABET.contains(&byte)))
            .then(|| Totp(SecretString::from(text)))
    }

    /// Returns the secret, for the one page that shows it, and for the store.
    pub fn secret(&self) -> &str {
        self.0.expose_secret()
    }

    /// Address in the QR code for the authenticator app.
    pub fn address(&self, email: &str) -> String {
        let mut url = url::Url::parse("otpauth://totp/").expect("this is an address");
        url.set_path(&format!("/Tongqian:{email}"));
        url.query_pairs_mut()
            .append_pair("secret", self.secret())
            .append_pair("issuer", "Tongqian");
        url.into()
    }

    /// Returns the time step of this code: the current one, or one off, for inaccurate clocks. The store ensures that no
    /// step is used twice.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let step = self.rule()?.check(code, u64::try_from(now.seconds()).ok()?)?;
        i64::try_from(step).ok()
    }

    /// Current code.
    pub fn code_at(&self, now: Timestamp) -> Option<String> {
        let code = self.rule()?.generate(u64::try_from(now.seconds()).ok()?);
        Some(code.to_string())
    }

    /// Parameters that every authenticator app supports: SHA-1, six digits, half a minute, and the step before and after.
    fn rule(&self) -> Option<totp_rs::Totp> {
        let secret = Secret::try_from_base32(self.secret()).ok()?;
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(6)
            .with_step_duration(STEP_SECONDS)
            .with_skew(1)
            .with_secret(secret)
            .build()
            .ok()
    }
}

/// Enables the second factor; the first code proves that the phone has the secret. Returns the recovery codes, which cannot
/// be shown again.
pub async fn enable_totp(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
    totp: &Totp,
    code: &str,
) -> Result<Vec<String>, ConsoleError> {
    let now = services.clock.now();
    let step = totp.step_of(code, now).ok_or(ConsoleError::WrongLogin)?;
    let codes = new_codes(&services.clock);
    let (user_id, kept) = (operator.user_id.as_str(), codes.as_slice());
    let nonce = services.clock.entropy();
    let sealed = &services
        .secrets
        .seal(&Place::totp_of(user_id), totp.secret(), nonce);
    let act = Act {
        action: Action::EnableTotp,
        subject: user_id,
        detail: "",
    };
    perform(services, actor, act, &|tx| {
        async move {
            users::set_totp(tx, user_id, Some(sealed), step).await?;
            keep_codes(tx, user_id, kept).await
        }
        .boxed()
    })
    .await?;
    Ok(codes)
}

pub async fn disable_totp(services: &Services, user_id: &str, actor: &Actor) -> Result<(), ConsoleError> {
    let act = Act {
        action: Action::DisableTotp,
        subject: user_id,
        detail: "",
    };
    perform(services, actor, act, &|tx| {
        async move {
            users::set_totp(tx, user_id, None, 0).await?;
            Ok(recovery_codes::remove(tx, user_id).await?)
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
            assert_eq!(totp.step_of(code, now), Some(seconds / 30), "{seconds}");
            assert_eq!(totp.code_at(now).as_deref(), Some(code), "{seconds}");
        }
    }

    #[test]
    fn a_totp_code_is_valid_for_its_step_and_the_two_beside_it() {
        let totp = Totp::new([7; 20]);
        let then = Timestamp::from_millis(1000 * 30_000);
        let code = totp.code_at(then).unwrap();
        let at = |step: i64| totp.step_of(&code, Timestamp::from_millis(step * 30_000));
        assert_eq!(
            (at(999), at(1000), at(1001)),
            (Some(1000), Some(1000), Some(1000))
        );
        assert_eq!((at(998), at(1002)), (None, None));
        assert_eq!(Totp::parse(totp.secret()).unwrap().code_at(then), Some(code));
        assert!(Totp::parse("short").is_none());
    }
}
