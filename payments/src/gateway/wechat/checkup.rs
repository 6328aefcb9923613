//! Notes about WeChat Pay's settings, one for each.

use domain::Timestamp;
use secrecy::ExposeSecret as _;

use super::super::checkup::{Level, Note, SeenKeys, note_end, note_own_key};
use super::super::rsa_key::{Material, materials};
use super::super::transport::{backup_url, base_url, notify_url};
use super::super::{KeyError, SigningKey};
use super::keys::PlatformKeys;
use super::sealed::ApiV3Key;
use super::settings::check_app_id;
use super::shipping::{APP_SECRET, check_secret};
use super::{Settings, Verify};

const PRIVATE_KEY: &str = "WECHAT_PRIVATE_KEY";
const PUBLIC_KEY: &str = "WECHAT_PUBLIC_KEY";
const SERIAL_NO: &str = "WECHAT_SERIAL_NO";

/// Checks each setting by itself, then what belongs together.
pub fn check_settings(settings: &Settings, now: Timestamp, notes: &mut Vec<Note>) -> SeenKeys {
    let mut seen = SeenKeys::default();
    notes.push(note_app_id("WECHAT_APP_ID", &settings.app_id));
    notes.extend(
        settings
            .client_apps()
            .map(|(name, app_id)| note_app_id(name, app_id)),
    );
    notes.extend(note_mini_secret(settings));
    notes.push(Note::of(
        "WECHAT_MCH_ID",
        &settings.check_mch_id(),
        settings.mch_id.as_str(),
    ));
    notes.push(check_serial(settings));
    notes.push(Note::of(
        "WECHAT_API_V3_KEY",
        &ApiV3Key::read(&settings.api_v3_key),
        "32 bytes",
    ));
    let own = SigningKey::read(PRIVATE_KEY, &settings.private_key);
    notes.push(note_own_key(PRIVATE_KEY, &own));
    notes.extend(check_addresses(settings));
    if let Ok(own) = own {
        notes.extend(check_platform_keys(settings, &own, now, &mut seen));
        seen.own = Some((PRIVATE_KEY, own.public()));
    }
    seen
}

fn note_app_id(name: &'static str, app_id: &str) -> Note {
    if app_id.bytes().all(|byte| byte.is_ascii_digit()) {
        let text = "found digits only, like a merchant number; wanted the app id, as in wx2421b1c4370ec43b";
        return Note::fail(name, text);
    }
    let note = Note::of(name, &check_app_id(name, app_id), app_id);
    if note.level == Level::Ok && !app_id.starts_with("wx") {
        let text = format!("found {app_id}; app ids begin with wx: compare it with the console");
        return Note::warn(name, text);
    }
    note
}

fn note_mini_secret(settings: &Settings) -> Option<Note> {
    /// Letters and digits of every secret.
    const LENGTH: usize = 32;
    let secret = &settings.mini_api.as_ref()?.app_secret;
    if let Err(error) = check_secret(secret) {
        return Some(Note::from(&error));
    }
    let n = secret.expose_secret().len();
    Some(if n == LENGTH {
        Note::ok(APP_SECRET, "32 characters")
    } else {
        let text = format!("found {n} characters; secrets of apps have {LENGTH}: was it cut off?");
        Note::warn(APP_SECRET, text)
    })
}

fn check_serial(settings: &Settings) -> Note {
    const DIGITS: usize = 40;
    let note = Note::of(
        SERIAL_NO,
        &settings.check_serial_no(),
        settings.serial_no.as_str(),
    );
    let n_digits = settings.serial_no.len();
    if note.level == Level::Ok && n_digits != DIGITS {
        let text = format!(
            "found {n_digits} hex digits; serial numbers of merchants have {DIGITS}: was it cut off?"
        );
        return Note::warn(SERIAL_NO, text);
    }
    note
}

fn check_addresses(settings: &Settings) -> Vec<Note> {
    const GATEWAY: &str = "WECHAT_GATEWAY";
    let mut notes = Vec::new();
    let base = base_url(GATEWAY, &settings.gateway_url);
    let is_alipays = |url: &url::Url| url.host_str().is_some_and(|host| host.contains("alipay"));
    notes.push(match &base {
        Ok(url) if is_alipays(url) => Note::fail(
            GATEWAY,
            "found an address of Alipay's; wanted https://api.mch.weixin.qq.com",
        ),
        _ => Note::of(GATEWAY, &base, settings.gateway_url.as_str()),
    });
    if let (Ok(base), Some(text)) = (&base, &settings.backup_url) {
        notes.push(Note::of(
            "WECHAT_BACKUP_GATEWAY",
            &backup_url("WECHAT_BACKUP_GATEWAY", text, base),
            text.as_str(),
        ));
    }
    if let Err(error) = notify_url(&settings.notify_url) {
        notes.push(Note::from(&error));
    }
    notes
}

fn check_platform_keys(
    settings: &Settings,
    own: &SigningKey,
    now: Timestamp,
    seen: &mut SeenKeys,
) -> Vec<Note> {
    let wanted_serial = settings.wanted_serial();
    let keys = PlatformKeys::new(&settings.verify, own).and_then(|keys| {
        keys.refuse_serial(&settings.serial_no.to_ascii_uppercase())?;
        Ok(keys)
    });
    let mut notes = Vec::new();
    if let Verify::PublicKey { id, .. } = &settings.verify {
        notes.push(Note::of("WECHAT_PUBLIC_KEY_ID", &wanted_serial, id.as_str()));
    }
    match keys {
        Err(error) => notes.push(Note::from(&error)),
        Ok(keys) => {
            let found = match &settings.verify {
                Verify::PublicKey { .. } => "WeChat Pay's public key",
                Verify::Certificate { .. } => "platform certificates",
                Verify::Download => "not set: platform certificates are downloaded with WECHAT_API_V3_KEY",
            };
            notes.push(Note::ok(PUBLIC_KEY, found));
            for (serial, ends_at) in keys.ends() {
                notes.push(note_end(PUBLIC_KEY, &serial, ends_at, now));
            }
            seen.theirs = keys.given_keys().map(|key| (PUBLIC_KEY, key.clone())).collect();
        }
    }
    notes
}

/// Compares the merchant's certificate, which WeChat gives out beside the private key, with key and serial number.
pub fn check_merchant_certificate(settings: &Settings, pem: &str, now: Timestamp) -> Vec<Note> {
    const WANTED: &str = "the merchant's certificate (apiclient_cert.pem)";
    let read = materials(PRIVATE_KEY, pem, WANTED).ok();
    let Some(
        [
            Material::Certificate {
                serial,
                key,
                not_after,
            },
        ],
    ) = read.as_deref()
    else {
        return Vec::new();
    };
    let mut notes = vec![note_end(SERIAL_NO, serial, *not_after, now)];
    if !serial.eq_ignore_ascii_case(&settings.serial_no) {
        let text = format!(
            "found another serial number than apiclient_cert.pem beside the private key has; wanted {serial}"
        );
        notes.push(Note::fail(SERIAL_NO, text));
    }
    let own: Result<SigningKey, KeyError> = SigningKey::read(PRIVATE_KEY, &settings.private_key);
    if own.is_ok_and(|own| !key.is_half_of(&own)) {
        let text =
            "found another key than the one of apiclient_cert.pem beside it; wanted the pair of one download";
        notes.push(Note::fail(PRIVATE_KEY, text));
    }
    notes
}
