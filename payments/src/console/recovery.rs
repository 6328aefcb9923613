//! Recovery codes: ten single-use codes on paper that replace a lost phone. Only their hashes are stored.

use domain::Timestamp;
use futures_util::FutureExt;
use totp_rs::Secret;

use super::{Act, Action, Actor, ConsoleError, Operator, perform, record};
use crate::api_keys::hash_of;
use crate::store::{Tx, recovery_codes};
use crate::{Clock, Error, Services};

/// Letters of Base32 (RFC 4648), of which codes and TOTP secrets are made.
pub(super) const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const N_CODES: usize = 10;
/// 120 random bits cannot be guessed, so a plain hash is enough (ASVS 6.5.2).
const BYTES: usize = 15;
const LETTERS: usize = 24;
/// Length of a group in `ABCD-EFGH-…`.
const GROUP: usize = 4;

/// Generates a set of codes.
pub(super) fn new_codes(clock: &Clock) -> Vec<String> {
    let code = || {
        let letters = Secret::from(clock.entropy::<BYTES>()).to_base32();
        let groups: Vec<&str> = (0..LETTERS)
            .step_by(GROUP)
            .filter_map(|at| letters.get(at..at + GROUP))
            .collect();
        groups.join("-")
    };
    (0..N_CODES).map(|_| code()).collect()
}

/// Replaces the stored codes by these.
pub(super) async fn keep_codes(tx: &mut Tx<'_>, user_id: &str, codes: &[String]) -> Result<(), ConsoleError> {
    let hashes: Vec<String> = codes.iter().filter_map(|code| hash_of_code(code)).collect();
    recovery_codes::replace(tx, user_id, &hashes).await?;
    Ok(())
}

/// Hashes a typed code, with or without dashes and spaces, in either case. `None`: it is not such a code.
pub(super) fn hash_of_code(typed: &str) -> Option<String> {
    let letters: String = typed
        .chars()
        .filter(|letter| !matches!(letter, '-' | ' '))
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let is_code = letters.len() == LETTERS && letters.bytes().all(|letter| ALPHABET.contains(&letter));
    is_code.then(|| hash_of(&letters))
}

/// Uses up a code and records in the audit log how many are left. An unknown or used code is refused.
pub(super) async fn spend(
    tx: &mut Tx<'_>,
    user_id: &str,
    hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), ConsoleError> {
    if !recovery_codes::spend(tx, user_id, hash, now).await? {
        return Err(ConsoleError::WrongLogin);
    }
    let n_left = recovery_codes::count_left(tx, user_id).await?;
    let act = Act {
        action: Action::UseRecoveryCode,
        subject: user_id,
        detail: &format!("{n_left} left"),
    };
    record(tx, actor, act, now).await?;
    Ok(())
}

/// Generates a new set; the old codes stop working.
pub async fn renew_recovery_codes(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
) -> Result<Vec<String>, ConsoleError> {
    if !operator.has_totp {
        return Err(ConsoleError::Core(Error::NotFound));
    }
    let codes = new_codes(&services.clock);
    let (user_id, kept) = (operator.user_id.as_str(), codes.as_slice());
    let act = Act {
        action: Action::RenewRecoveryCodes,
        subject: user_id,
        detail: "",
    };
    perform(services, actor, act, &|tx| keep_codes(tx, user_id, kept).boxed()).await?;
    Ok(codes)
}

pub async fn count_recovery_codes(services: &Services, operator: &Operator) -> Result<i64, Error> {
    let user_id = operator.user_id.as_str();
    services
        .db
        .read_one(|tx| async move { recovery_codes::count_left(tx, user_id).await }.boxed())
        .await
        .map_err(Error::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_matches_in_every_spelling() {
        let clock = Clock::fixed(Timestamp::from_millis(0), 7);
        let codes = new_codes(&clock);
        assert_eq!(codes.len(), N_CODES);
        let code = &codes[0];
        assert_eq!((code.len(), code.matches('-').count()), (29, 5));
        let hash = hash_of_code(code).unwrap();
        for typed in [code.to_lowercase(), code.replace('-', ""), code.replace('-', " ")] {
            assert_eq!(hash_of_code(&typed).as_ref(), Some(&hash), "{typed}");
        }
        let mut hashes: Vec<_> = codes.iter().map(|code| hash_of_code(code).unwrap()).collect();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), N_CODES);
        for wrong in [
            "",
            "123456",
            "ABCD-EFGH",
            &code[1..],
            &code.replace(&code[..1], "1"),
        ] {
            assert_eq!(hash_of_code(wrong), None, "{wrong}");
        }
    }
}
