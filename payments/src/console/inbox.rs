//! The inbox: every authentic message of a gateway, as it came.

use domain::{Channel, Timestamp};
use futures_util::FutureExt;

use super::KeptNotice;
use crate::notice::kept::bytes_of;
use crate::store::{StoreError, notices};
use crate::{Error, Page, Services};

/// Newest first. The cursor is the instant before which to go on, in milliseconds.
pub async fn list_notices(
    services: &Services,
    before: Option<Timestamp>,
    limit: u32,
) -> Result<Page<KeptNotice>, Error> {
    let before = before.unwrap_or(Timestamp::from_millis(i64::MAX));
    let rows = services
        .db
        .snapshot(|tx| async move { notices::list(tx, before, i64::from(limit) + 1).await }.boxed())
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = rows.len() > limit;
    let kept: Result<Vec<KeptNotice>, StoreError> =
        rows.into_iter().take(limit).map(KeptNotice::try_from).collect();
    let data = kept?;
    let next_cursor = data
        .last()
        .filter(|_| has_more)
        .map(|last| last.received_at.millis().to_string());
    Ok(Page { data, next_cursor })
}

pub async fn find_notice(services: &Services, channel: Channel, id: &str) -> Result<KeptNotice, Error> {
    let row = services
        .db
        .snapshot(|tx| async move { notices::find(tx, channel, id).await }.boxed())
        .await
        .map_err(|error: StoreError| Error::Internal(error))?;
    Ok(KeptNotice::try_from(row.ok_or(Error::NotFound)?)?)
}

/// What the gateway had encrypted, without whom it names. It is opened for the reader and kept nowhere.
pub fn read_inside(services: &Services, notice: &KeptNotice) -> Option<String> {
    let gateway = services.gateways.get(notice.channel)?;
    let plain = gateway.unsealed(&bytes_of(&notice.body))?;
    Some(masked_json(&plain))
}

impl KeptNotice {
    /// Its headers and body without what proves or names anybody: signatures, sealed text and payers.
    pub fn masked(&self) -> String {
        let headers: Vec<String> = self.headers.lines().map(masked_header).collect();
        let body = bytes_of(&self.body);
        let body = match self.channel {
            Channel::Wechat => masked_json(&body),
            Channel::Alipay => masked_form(&body),
        };
        format!("{}\n\n{body}", headers.join("\n"))
    }
}

const SECRETS: [&str; 11] = [
    "sign",
    "ciphertext",
    "nonce",
    "associated_data",
    "buyer_id",
    "buyer_open_id",
    "buyer_logon_id",
    "openid",
    "sub_openid",
    "seller_email",
    "user_received_account",
];

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name)
}

/// How much there was, and nothing of it.
fn mask(text: &str) -> String {
    format!("•••• ({})", text.chars().count())
}

fn masked_header(line: &str) -> String {
    match line.split_once(": ") {
        Some((name, value)) if name.eq_ignore_ascii_case("wechatpay-signature") => {
            format!("{name}: {}", mask(value))
        }
        _ => line.to_owned(),
    }
}

fn masked_json(body: &[u8]) -> String {
    let Ok(mut value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return mask(&String::from_utf8_lossy(body));
    };
    mask_within(&mut value);
    serde_json::to_string_pretty(&value).unwrap_or_else(|_| mask(&String::from_utf8_lossy(body)))
}

fn mask_within(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    serde_json::Value::String(text) if is_secret(name) => *text = mask(text),
                    value => mask_within(value),
                }
            }
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(mask_within),
        _ => {}
    }
}

/// One `name=value` a line, decoded; a body in another encoding than UTF-8 shows what of it can be read.
fn masked_form(body: &[u8]) -> String {
    let lines: Vec<String> = url::form_urlencoded::parse(body)
        .map(|(name, value)| {
            if is_secret(&name) {
                format!("{name}={}", mask(&value))
            } else {
                format!("{name}={value}")
            }
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proof_and_no_payer_is_shown() {
        let json = masked_json(
            br#"{"id":"1","resource":{"ciphertext":"c2VjcmV0","nonce":"n0","payer":[{"openid":"oUpF8"}]}}"#,
        );
        for secret in ["c2VjcmV0", "n0\"", "oUpF8"] {
            assert!(!json.contains(secret), "{json}");
        }
        assert!(json.contains("\"id\": \"1\""));
        let form = masked_form(b"out_no=P1&sign=abc%2Bdef&buyer_logon_id=138****0000&total=1.00");
        assert_eq!(
            form,
            "out_no=P1\nsign=•••• (7)\nbuyer_logon_id=•••• (11)\ntotal=1.00"
        );
        assert_eq!(
            masked_header("Wechatpay-Signature: abc"),
            "Wechatpay-Signature: •••• (3)"
        );
        assert_eq!(masked_json(b"not json"), "•••• (8)");
    }
}
