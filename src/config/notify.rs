//! Settings of the robots and mailboxes that operators are told of incidents by.

use payments::alarm::{Mailer, QuietHours, Robots, SignedRobot, parse_mailbox, parse_mailboxes};
use payments::outbound::{MailServer, OutboundGuard};
use secrecy::SecretString;

use super::{ConfigError, Source};

/// More than this is no secret of a robot.
const MAX_SECRET_BYTES: usize = 255;

pub(super) fn read(source: &Source, guard: &OutboundGuard) -> Result<Robots, ConfigError> {
    Ok(Robots {
        wecom: read_url(source, "NOTIFY_WECOM_URL", guard)?,
        dingtalk: read_signed(source, "NOTIFY_DINGTALK_URL", "NOTIFY_DINGTALK_SECRET", guard)?,
        feishu: read_signed(source, "NOTIFY_FEISHU_URL", "NOTIFY_FEISHU_SECRET", guard)?,
        email: read_mailer(source, guard)?,
        quiet_hours: source.parsed("NOTIFY_QUIET_HOURS", |text| {
            QuietHours::parse(text)
                .ok_or_else(|| "must be two times of the day in Beijing, such as 22:00-08:00".to_owned())
        })?,
        describe: app::console::describe_alarm,
    })
}

fn read_url(
    source: &Source,
    name: &'static str,
    guard: &OutboundGuard,
) -> Result<Option<SecretString>, ConfigError> {
    source.parsed(name, |text| {
        let parsed = guard.parse_url(text);
        parsed
            .map(|_| SecretString::from(text))
            .map_err(|refusal| refusal.message().to_owned())
    })
}

fn read_signed(
    source: &Source,
    url_name: &'static str,
    secret_name: &'static str,
    guard: &OutboundGuard,
) -> Result<Option<SignedRobot>, ConfigError> {
    let url = read_url(source, url_name, guard)?;
    let secret = source.parsed(secret_name, |text| {
        if text.len() <= MAX_SECRET_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(SecretString::from(text))
        } else {
            Err("must be at most 255 visible ASCII characters".to_owned())
        }
    })?;
    match (url, secret) {
        (None, None) => Ok(None),
        (Some(url), Some(secret)) => Ok(Some(SignedRobot { url, secret })),
        (Some(_), None) => Err(missing_setting(secret_name, url_name)),
        (None, Some(_)) => Err(missing_setting(url_name, secret_name)),
    }
}

fn read_mailer(source: &Source, guard: &OutboundGuard) -> Result<Option<Mailer>, ConfigError> {
    const SERVER: &str = "SMTP_URL";
    const FROM: &str = "NOTIFY_EMAIL_FROM";
    const TO: &str = "NOTIFY_EMAIL_TO";
    let server = source.parsed(SERVER, |text| MailServer::parse(text, guard))?;
    let from = source.parsed(FROM, |text| {
        parse_mailbox(text).ok_or_else(|| "must be one mail address".to_owned())
    })?;
    let to = source.parsed(TO, |text| {
        parse_mailboxes(text).ok_or_else(|| "must be mail addresses with commas between them".to_owned())
    })?;
    let set = [
        (SERVER, server.is_some()),
        (FROM, from.is_some()),
        (TO, to.is_some()),
    ];
    let first = |is_set: bool| {
        set.into_iter()
            .find(|(_, is)| *is == is_set)
            .map(|(name, _)| name)
    };
    match (server, from, to) {
        (Some(server), Some(from), Some(to)) => Ok(Some(Mailer { server, from, to })),
        _ => match (first(false), first(true)) {
            (Some(lacking), Some(given)) => Err(missing_setting(lacking, given)),
            _ => Ok(None),
        },
    }
}

fn missing_setting(name: &str, other: &str) -> ConfigError {
    ConfigError::new(name, format!("missing: {other} is set without it"))
}
