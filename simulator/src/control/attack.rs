//! Forged notifications: a gateway's own content, altered before it is signed.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::alipay;
use crate::dispatcher::Dispatcher;
use crate::keys::Signer;
use crate::outbox::{Content, Notification};
use crate::signed_notification::{Draft, SignedNotification, Style};
use crate::state::State;
use crate::time::SECOND_MS;
use crate::wechat;
use crate::wire::Forgery;

/// A year either way.
const OLDEST_S: i64 = 366 * 24 * 60 * 60;

/// Alterations of an honest notification.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Alteration {
    /// Members of WeChat's plaintext (`total`, `payer_total` and `currency` mean those of `amount`)
    /// or fields of Alipay's form; null removes one.
    pub set: Map<String, Value>,
    pub signed_by: SignedBy,
    /// Age of the timestamp; negative is in the future.
    pub age_seconds: i64,
    /// Uses an id that was never used.
    pub new_id: bool,
    /// WeChat's `event_type`.
    pub event_type: Option<String>,
    pub url: Option<String>,
    pub gbk: bool,
    pub percent_spaces: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignedBy {
    #[default]
    Gateway,
    /// WeChat's other platform certificate.
    Rotated,
    Stranger,
    Nobody,
    Probe,
}

/// Returns the newest notification of a trade, or the one its payment would make, altered and signed.
pub(crate) fn forge(
    dispatcher: &Dispatcher,
    out_trade_no: &str,
    alteration: &Alteration,
) -> Result<SignedNotification, String> {
    let draft = dispatcher.act(|state, now_ms| draft(state, now_ms, out_trade_no, alteration))?;
    Ok(draft.seal(&dispatcher.keys))
}

pub(crate) fn draft(
    state: &mut State,
    now_ms: i64,
    out_trade_no: &str,
    alteration: &Alteration,
) -> Result<Draft, String> {
    let known = state.outbox.newest(out_trade_no).cloned();
    let mut notification = match known {
        Some(notification) => notification,
        None => pretend_payment(state, now_ms, out_trade_no).ok_or("no gateway knows this number")?,
    };
    if alteration.new_id {
        notification.id = state.rng.uuid();
        if let Content::Alipay(fields) = &mut notification.content {
            set_field(fields, "notify_id", Some(notification.id.clone()));
        }
    }
    if let Some(url) = &alteration.url {
        notification.url.clone_from(url);
    }
    if let Some(event_type) = &alteration.event_type {
        notification.about.clone_from(event_type);
    }
    for (name, value) in &alteration.set {
        match &mut notification.content {
            Content::Wechat(plain) => set_member(plain, name, value)?,
            Content::Alipay(fields) => set_field(fields, name, text_of(value)),
        }
    }
    let forgery = match alteration.signed_by {
        SignedBy::Gateway => Forgery::By(Signer::Gateway),
        SignedBy::Rotated => Forgery::By(Signer::Rotated),
        SignedBy::Stranger => Forgery::By(Signer::Stranger),
        SignedBy::Nobody => Forgery::Missing,
        SignedBy::Probe => Forgery::Probe(crate::state::probe(&mut state.rng)),
    };
    let age_ms = alteration.age_seconds.clamp(-OLDEST_S, OLDEST_S) * SECOND_MS;
    let stamped_ms = now_ms - age_ms;
    let style = Style {
        gbk: alteration.gbk,
        percent_spaces: alteration.percent_spaces,
    };
    Ok(Draft {
        style,
        ..Draft::new(notification, stamped_ms, &mut state.rng, forgery)
    })
}

/// Returns the notification of a payment that does not happen.
fn pretend_payment(state: &mut State, now_ms: i64, out_trade_no: &str) -> Option<Notification> {
    if let Some(notification) = wechat::pretend_refund_notification(state, now_ms, out_trade_no) {
        return Some(notification);
    }
    let State { wechat, rng, .. } = state;
    if let Some(order) = wechat.orders.get(out_trade_no) {
        let payment = wechat::Payment {
            transaction_id: format!("42000{}", rng.digits(23)),
            paid_ms: now_ms,
            payer_total_fen: order.total_fen,
            merchant_coupon_fen: 0,
            rate: wechat.account.rate,
        };
        return Some(wechat::notification(rng, order, &payment));
    }
    alipay::pretend_notification(state, now_ms, out_trade_no)
}

fn set_member(plain: &mut Value, name: &str, value: &Value) -> Result<(), String> {
    let of_amount = matches!(
        name,
        "total" | "payer_total" | "currency" | "payer_currency" | "refund" | "payer_refund"
    );
    let place = if of_amount {
        plain.get_mut("amount")
    } else {
        Some(plain)
    };
    let members = place
        .and_then(Value::as_object_mut)
        .ok_or("set took the amount away")?;
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value.clone());
    }
    Ok(())
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn set_field(fields: &mut Vec<(String, String)>, name: &str, value: Option<String>) {
    match (fields.iter().position(|(known, _)| known == name), value) {
        (Some(place), Some(value)) => fields[place].1 = value,
        (Some(place), None) => drop(fields.remove(place)),
        (None, Some(value)) => fields.push((name.to_owned(), value)),
        (None, None) => {}
    }
}
