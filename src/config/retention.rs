//! Retention of each kind of data, and the key that encrypts secrets at rest.

use std::time::Duration;

use payments::Retention;
use payments::secrets::{KEY_BYTES, Secrets};
use secrecy::{ExposeSecret as _, SecretBox};

use super::source::{ConfigError, Source};

/// A century: longer than any data that names payers is needed.
const MAX_DAYS: u64 = 36_500;

pub fn read(source: &Source) -> Result<Retention, ConfigError> {
    let defaults = Retention::default();
    Ok(Retention {
        notifications: source
            .parsed("RETAIN_NOTIFICATIONS_DAYS", parse_days)?
            .unwrap_or(defaults.notifications),
        gateway_messages: source
            .parsed("RETAIN_GATEWAY_MESSAGES_DAYS", parse_days)?
            .unwrap_or(defaults.gateway_messages),
        idempotency: source
            .parsed("RETAIN_IDEMPOTENCY_DAYS", parse_days)?
            .unwrap_or(defaults.idempotency),
        sessions: source
            .parsed("RETAIN_SESSIONS_DAYS", parse_days)?
            .unwrap_or(defaults.sessions),
        payer_ids: source
            .parsed("RETAIN_PAYER_IDS_DAYS", parse_days)?
            .unwrap_or(defaults.payer_ids),
    })
}

fn parse_days(text: &str) -> Result<Duration, String> {
    let days = text.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
    days.map(|days: u64| Duration::from_hours(days * 24))
        .ok_or_else(|| format!("must be a whole number of days from 1 to {MAX_DAYS}"))
}

pub fn read_secrets_key(source: &Source) -> Result<Option<SecretBox<[u8; KEY_BYTES]>>, ConfigError> {
    let parse = |text: &str| Secrets::parse_key(text).map(|key| SecretBox::new(Box::new(key)));
    let Some(text) = source.key("SECRETS_KEY")? else {
        return Ok(None);
    };
    let problem =
        "must be 32 bytes as base64 or as hexadecimal digits, such as openssl rand -base64 32 prints";
    match parse(text.expose_secret()) {
        Some(key) => Ok(Some(key)),
        None => Err(ConfigError::new("SECRETS_KEY", problem)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_kept_for_whole_days() {
        let days = |text| read(&Source::of(&[("RETAIN_SESSIONS_DAYS", text)])).map(|keep| keep.sessions);
        assert_eq!(days("2"), Ok(Duration::from_hours(2 * 24)));
        assert_eq!(read(&Source::of(&[])), Ok(Retention::default()));
        for wrong in ["0", "-1", "1.5", "36501", "x"] {
            assert_eq!(days(wrong).unwrap_err().name, "RETAIN_SESSIONS_DAYS", "{wrong}");
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        let key = |text: &str| read_secrets_key(&Source::of(&[("SECRETS_KEY", text)]));
        assert!(key(&"ab".repeat(32)).unwrap().is_some());
        assert_eq!(key("too short").unwrap_err().name, "SECRETS_KEY");
    }
}
