//! Notes about the settings of both gateways before the first call: which key each text really is, whether pairs and
//! certificates fit, and when certificates end. Nothing is sent anywhere.

use std::time::Duration;

use domain::Timestamp;

use super::{KeyError, SigningKey, VerifyingKey, alipay, wechat};
use crate::calendar::beijing;

/// A certificate that ends within this time is told.
const ENDS_SOON: Duration = Duration::from_hours(30 * 24);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    Warn,
    Fail,
}

/// Result of one check, under the name of its setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    pub level: Level,
    pub setting: &'static str,
    /// Finding and advice; never a key.
    pub text: String,
}

impl Note {
    pub(super) fn ok(setting: &'static str, text: impl Into<String>) -> Note {
        Note {
            level: Level::Ok,
            setting,
            text: text.into(),
        }
    }

    pub(super) fn warn(setting: &'static str, text: impl Into<String>) -> Note {
        Note {
            level: Level::Warn,
            setting,
            text: text.into(),
        }
    }

    pub(super) fn fail(setting: &'static str, text: impl Into<String>) -> Note {
        Note {
            level: Level::Fail,
            setting,
            text: text.into(),
        }
    }

    /// The note about a setting that was read, or could not be.
    pub(super) fn of<T>(setting: &'static str, read: &Result<T, KeyError>, found: impl Into<String>) -> Note {
        match read {
            Ok(_) => Note::ok(setting, found),
            Err(error) => Note::from(error),
        }
    }
}

impl From<&KeyError> for Note {
    fn from(error: &KeyError) -> Note {
        Note::fail(error.setting, error.message.clone())
    }
}

/// Public halves that were read from one gateway's settings, to be compared with those of the other.
#[derive(Debug, Default)]
pub(super) struct SeenKeys {
    pub own: Option<(&'static str, VerifyingKey)>,
    pub theirs: Vec<(&'static str, VerifyingKey)>,
}

/// Checks the settings of the gateways that are configured.
pub fn check_settings(
    wechat: Option<&wechat::Settings>,
    alipay: Option<&alipay::Settings>,
    now: Timestamp,
) -> Vec<Note> {
    let mut notes = Vec::new();
    let of_wechat = wechat.map(|settings| wechat::check_settings(settings, now, &mut notes));
    let of_alipay = alipay.map(|settings| alipay::check_settings(settings, now, &mut notes));
    if let (Some(one), Some(other)) = (of_wechat, of_alipay) {
        notes.extend(compare_keys(&one, &other));
    }
    notes
}

/// A key of one gateway that was pasted into a setting of the other.
fn compare_keys(one: &SeenKeys, other: &SeenKeys) -> Vec<Note> {
    let mut notes = Vec::new();
    if let (Some((name, key)), Some((other_name, other_key))) = (&one.own, &other.own)
        && key.is_same(other_key)
    {
        for (name, twin) in [(name, other_name), (other_name, name)] {
            let text = format!("found the same key as in {twin}; wanted the key of this gateway alone");
            notes.push(Note::fail(name, text));
        }
    }
    for (mine, yours) in [(one, other), (other, one)] {
        for (name, key) in &mine.theirs {
            if let Some((own_name, _)) = yours.own.as_ref().filter(|(_, own)| own.is_same(key)) {
                let text = format!(
                    "found the public half of {own_name}; wanted the key that the gateway signs with"
                );
                notes.push(Note::fail(name, text));
            }
        }
    }
    for (name, key) in &one.theirs {
        if let Some((other_name, _)) = other.theirs.iter().find(|(_, other)| other.is_same(key)) {
            for (name, twin) in [(name, other_name), (other_name, name)] {
                let text =
                    format!("found the same key as in {twin}: one of the two belongs to the other gateway");
                notes.push(Note::fail(name, text));
            }
        }
    }
    notes
}

/// A certificate that has ended or ends soon.
pub(super) fn note_end(setting: &'static str, name: &str, ends_at: Timestamp, now: Timestamp) -> Note {
    let day = beijing(ends_at);
    if ends_at <= now {
        Note::fail(
            setting,
            format!("the certificate {name} ended at {day}; download the current one"),
        )
    } else if ends_at <= now + ENDS_SOON {
        Note::warn(
            setting,
            format!("the certificate {name} ends at {day}; replace it before"),
        )
    } else {
        Note::ok(setting, format!("the certificate {name} is good until {day}"))
    }
}

/// The note about our own private key, with the fingerprint that the gateway's console can be compared with.
pub(super) fn note_own_key(setting: &'static str, key: &Result<SigningKey, KeyError>) -> Note {
    let found = key.as_ref().map_or_else(
        |_| String::new(),
        |key| {
            format!(
                "an RSA private key, fingerprint {}",
                super::describe::fingerprint(&key.public())
            )
        },
    );
    Note::of(setting, key, found)
}
