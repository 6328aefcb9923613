//! Notes about Alipay's settings, one for each.

use domain::Timestamp;

use super::super::checkup::{Level, Note, SeenKeys, note_end, note_own_key};
use super::super::transport::{base_url, notify_url};
use super::super::{KeyError, SigningKey};
use super::Settings;
use super::keys::{Keys, Verify};

const APP_ID: &str = "ALIPAY_APP_ID";
const MINI_APP_ID: &str = "ALIPAY_MINI_APP_ID";
const SELLER_ID: &str = "ALIPAY_SELLER_ID";
const PRIVATE_KEY: &str = "ALIPAY_PRIVATE_KEY";
const PUBLIC_KEY: &str = "ALIPAY_PUBLIC_KEY";
/// Digits of an app id and of an account.
const DIGITS: usize = 16;
/// First digits of every account number (PID).
const ACCOUNT: &str = "2088";

/// Checks each setting by itself, then what belongs together.
pub fn check_settings(settings: &Settings, now: Timestamp, notes: &mut Vec<Note>) -> SeenKeys {
    let mut seen = SeenKeys::default();
    notes.push(check_app_id(APP_ID, &settings.app_id));
    if let Some(app_id) = &settings.mini_app_id {
        notes.push(check_app_id(MINI_APP_ID, app_id));
    }
    if let Some(seller_id) = &settings.seller_id {
        notes.push(check_seller_id(seller_id));
    }
    notes.push(check_gateway(settings));
    if let Err(error) = notify_url(&settings.notify_url) {
        notes.push(Note::from(&error));
    }
    let own = SigningKey::read(PRIVATE_KEY, &settings.private_key);
    notes.push(note_own_key(PRIVATE_KEY, &own));
    if let Ok(own) = own {
        notes.extend(check_keys(&settings.verify, &own, now, &mut seen));
        seen.own = Some((PRIVATE_KEY, own.public()));
    }
    seen
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_app_id(name: &'static str, app_id: &str) -> Note {
    if !is_number(app_id) {
        return Note::fail(name, "wanted digits only");
    }
    if app_id.starts_with(ACCOUNT) && app_id.len() == DIGITS {
        let text = "found an account number (PID, 2088…); wanted the app's own id, as in 2021000000000000";
        return Note::fail(name, text);
    }
    if app_id.len() != DIGITS {
        let n = app_id.len();
        return Note::warn(
            name,
            format!("found {n} digits; app ids have {DIGITS}: was it cut off?"),
        );
    }
    Note::ok(name, app_id)
}

fn check_seller_id(seller_id: &str) -> Note {
    if is_number(seller_id) && seller_id.starts_with(ACCOUNT) && seller_id.len() == DIGITS {
        Note::ok(SELLER_ID, seller_id)
    } else {
        let text = "wanted the account number (PID) that is paid, 16 digits that begin with 2088: with another one every \
                    notification would be refused";
        Note::fail(SELLER_ID, text)
    }
}

fn check_gateway(settings: &Settings) -> Note {
    const NAME: &str = "ALIPAY_GATEWAY";
    let base = base_url(NAME, &settings.gateway_url);
    if let Ok(url) = &base {
        if url.host_str().is_some_and(|host| host.contains("weixin")) {
            let text = "found an address of WeChat's; wanted https://openapi.alipay.com/gateway.do";
            return Note::fail(NAME, text);
        }
        if url
            .host_str()
            .is_some_and(|host| host.contains("sandbox") || host.contains("alipaydev"))
        {
            return Note::warn(NAME, "is Alipay's sandbox: no real money moves");
        }
        if !url.path().ends_with("/gateway.do") {
            let text = format!("found the path {}; Alipay's ends with /gateway.do", url.path());
            return Note::warn(NAME, text);
        }
    }
    Note::of(NAME, &base, settings.gateway_url.as_str())
}

fn check_keys(verify: &Verify, own: &SigningKey, now: Timestamp, seen: &mut SeenKeys) -> Vec<Note> {
    let keys = match Keys::read(verify, own) {
        Ok(keys) => keys,
        Err(error) => return vec![note_mistaken(&error)],
    };
    match &keys {
        Keys::Plain(key) => {
            seen.theirs = vec![(PUBLIC_KEY, key.as_ref().clone())];
            vec![Note::ok(PUBLIC_KEY, "an RSA public key that is not ours")]
        }
        Keys::Certified(certified) => {
            seen.theirs = vec![("ALIPAY_CERT", certified.pinned_key().clone())];
            let mut notes = vec![
                Note::ok("ALIPAY_APP_CERT", "fits ALIPAY_PRIVATE_KEY"),
                match certified.check_chain(now) {
                    Ok(()) => Note::ok("ALIPAY_CERT", "leads to ALIPAY_ROOT_CERT"),
                    Err(reason) => Note::fail(
                        "ALIPAY_CERT",
                        format!(
                            "found {reason}; wanted Alipay's certificate and ALIPAY_ROOT_CERT of one download"
                        ),
                    ),
                },
            ];
            let settings = ["ALIPAY_APP_CERT", "ALIPAY_CERT"]
                .into_iter()
                .chain(std::iter::repeat("ALIPAY_ROOT_CERT"));
            for (setting, (sn, ends_at)) in settings.zip(certified.ends()) {
                notes.push(note_end(setting, &sn, ends_at, now));
            }
            // Roots of other kinds of keys may have ended: only the one that the chain leads to counts.
            notes.retain(|note| note.setting != "ALIPAY_ROOT_CERT" || note.level != Level::Fail);
            notes
        }
    }
}

/// The most frequent mistake has a sentence of its own.
fn note_mistaken(error: &KeyError) -> Note {
    if error.setting == PUBLIC_KEY && error.message.contains("our own") {
        let text = "found the app's own public key; wanted Alipay's public key, which the console shows after the app's \
                    key was uploaded";
        return Note::fail(PUBLIC_KEY, text);
    }
    Note::from(error)
}
