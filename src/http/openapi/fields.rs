//! Schemas of parameters and of texts in bodies, by their names: one name has one meaning in the whole API.
//!
//! They are exact, so that a request that fits its schema is not refused for its form.

use domain::Channel;
use payments::outbound::OutboundGuard;
use serde_json::{Map, Value, json};

/// Characters that no line may hold (`payments::is_line`): controls, invisible and bidirectional ones, line separators.
const MISLEADING: &str = r"\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff";
const TAG_CHARACTERS: &str = "\u{E0000}-\u{E007F}";
const TEXT: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";
const NAME: &str = "^[0-9A-Za-z_-]+$";
const VISIBLE: &str = "^[!-~]+$";
const OCTET: &str = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const PORT_AND_PATH: &str = "(:[1-9][0-9]{0,3}|:[1-5][0-9]{4}|:6[0-4][0-9]{3})?([/?#][!-~]*)?$";
/// A name whose last label begins with a letter: otherwise it is an IPv4 address in one of its spellings.
const HOST_NAME: &str = "([0-9A-Za-z_]([0-9A-Za-z_-]*[0-9A-Za-z_])?\\.)*[A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?";
const DOTTED_NAME: &str =
    "([0-9A-Za-z_]([0-9A-Za-z_-]*[0-9A-Za-z_])?\\.)+[A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?";
/// First octets whose addresses are public, nearly all of them.
const PUBLIC_OCTET: &str = "([1-9]|1[1-9]|[2-9][0-9]|10[1-9]|11[0-9]|12[0-689]|1[345][0-9]|16[0-8]|17[013-9]|18[0-9]\
    |19[01345679]|20[0-9]|21[0-9]|22[0-3])";
const DIGIT_OF_ID: &str = "[0-9A-HJKMNP-TV-Z]";
pub const MAX_URL: u32 = 2048;

/// Pattern of a line that is not blank.
fn line_schema() -> String {
    let bad = format!("{MISLEADING}{TAG_CHARACTERS}");
    format!(r"^[^{bad}]*[^\s{bad}][^{bad}]*$")
}

/// Pattern of a web address that a browser is sent to.
fn web_url() -> String {
    let ipv4 = format!("({OCTET}\\.){{3}}{OCTET}");
    let ipv6 = r"\[([0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}\]|\[::1\]";
    format!("^https?://({HOST_NAME}|{ipv4}|{ipv6}){PORT_AND_PATH}")
}

/// Hosts that webhooks may be sent to by their literal address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookHosts {
    Public,
    /// This machine too, as in simulator mode.
    Loopback,
    /// Networks that `WEBHOOK_ALLOWED_NETWORKS` names: the pattern leaves them to the server.
    Chosen,
}

impl WebhookHosts {
    pub fn of(guard: &OutboundGuard) -> WebhookHosts {
        let allows = |url: &str| guard.parse_url(url).is_ok();
        let private = ["http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.0.1/"];
        if private.into_iter().any(allows) {
            WebhookHosts::Chosen
        } else if allows("http://127.0.0.1/") {
            WebhookHosts::Loopback
        } else {
            WebhookHosts::Public
        }
    }

    fn pattern(self) -> String {
        let ipv4 = format!("{PUBLIC_OCTET}(\\.{OCTET}){{3}}");
        let hosts = match self {
            WebhookHosts::Public => format!("{DOTTED_NAME}|{ipv4}"),
            WebhookHosts::Loopback => {
                format!("{DOTTED_NAME}|localhost|{ipv4}|127(\\.{OCTET}){{3}}|\\[::1\\]")
            }
            WebhookHosts::Chosen => return web_url(),
        };
        format!("^https?://({hosts}){PORT_AND_PATH}")
    }
}

fn id_of(prefix: &str) -> String {
    format!("^{prefix}_{DIGIT_OF_ID}{{26}}$")
}

/// Pattern of the cursor of a list that has an order of change too: there the time of the change stands before the id.
fn change_cursor(prefix: &str) -> String {
    format!("^([0-9]{{1,15}}\\.)?{prefix}_{DIGIT_OF_ID}{{26}}$")
}

fn text_schema(pattern: &str, max: u32) -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": max, "pattern": pattern})
}

fn word_schema(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

/// Schema and description of a parameter of an operation.
pub fn parameter(operation: &str, name: &str) -> Option<(Value, &'static str)> {
    let found = match (name, operation) {
        ("id", _) => (text_schema(NAME, 64), "Id of the object, as the API gave it"),
        ("userId", "list_orders" | "list_payments") => (text_schema(TEXT, 64), "Only those of this user"),
        ("userId", _) => (
            text_schema(&line_schema(), 64),
            "The merchant's own name of the user",
        ),
        ("orderNo", _) => (text_schema(TEXT, 64), "Only the order with this number"),
        ("orderId", _) => (text_schema(TEXT, 64), "Only those of this order"),
        ("paymentId", _) => (text_schema(TEXT, 64), "Only those of this payment"),
        ("eventId", _) => (text_schema(&id_of("evt"), 30), "Only those of this event"),
        ("after", _) => (
            text_schema(&id_of("evt"), 30),
            "Id of the last event that was read; from the beginning without it",
        ),
        ("type", _) => (word_schema("EventType"), "Only events of this type"),
        ("method", _) => (word_schema("PaymentMethod"), "Only those of this method"),
        ("status", "list_orders") => (word_schema("OrderStatus"), "Only those in this status"),
        ("status", "list_payments") => (word_schema("PaymentStatus"), "Only those in this status"),
        ("status", "list_all_refunds") => (word_schema("RefundStatus"), "Only those in this status"),
        ("status", "list_deliveries") => (word_schema("WebhookDeliveryStatus"), "Only those in this status"),
        ("createdFrom", _) => (time_schema(), "Made at this time or later"),
        ("createdTo", _) => (time_schema(), "Made before this time"),
        ("updatedFrom", _) => (time_schema(), "Changed at this time or later"),
        ("updatedTo", _) => (time_schema(), "Changed before this time"),
        ("sort", _) => (
            json!({"type": "string", "enum": ["updated"]}),
            "`updated`: the oldest change first, to follow changes; the newest object first without it",
        ),
        ("limit", _) => (
            json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 100, "default": 20}),
            "Most objects on a page",
        ),
        ("day", _) => (
            json!({"type": "string", "format": "date"}),
            "Day in Beijing, such as `2026-11-27`",
        ),
        ("gateway", _) => (
            json!({"type": "string", "enum": Channel::ALL.map(Channel::as_str)}),
            "Gateway whose statement it is",
        ),
        ("cursor", _) => (cursor_schema(operation)?, "`nextCursor` of the page before"),
        ("Idempotency-Key", _) => (
            text_schema(VISIBLE, 255),
            "The first answer is kept under this key, and given again with `Idempotent-Replayed: true`",
        ),
        _ => return None,
    };
    Some(found)
}

fn time_schema() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn cursor_schema(operation: &str) -> Option<Value> {
    let schema = match operation {
        "list_orders" => text_schema(&change_cursor("ord"), 46),
        "list_payments" => text_schema(&change_cursor("pay"), 46),
        "list_all_refunds" => text_schema(&change_cursor("ref"), 46),
        "list_deliveries" => text_schema(&id_of("evt"), 30),
        "list_reconciliations" => text_schema(
            "^[0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)\
             |02-(0[1-9]|1[0-9]|2[0-8])) (wechat|alipay)$",
            17,
        ),
        "list_balance_entries" => text_schema("^[0-9]{1,18}$", 18),
        _ => return None,
    };
    Some(schema)
}

/// Keywords that a text of a request has beside those of its type.
pub fn keywords(name: &str, hosts: WebhookHosts) -> Option<Map<String, Value>> {
    let keywords = match name {
        "userId" | "subject" | "reason" | "note" | "description" => json!({"pattern": line_schema()}),
        "orderId" | "endpointId" | "paymentNo" => {
            json!({"minLength": 1, "maxLength": 64, "pattern": NAME})
        }
        "openid" => json!({"pattern": VISIBLE}),
        "returnUrl" => json!({"maxLength": MAX_URL, "pattern": web_url()}),
        "url" => json!({"maxLength": MAX_URL, "pattern": hosts.pattern()}),
        _ => return None,
    };
    match keywords {
        Value::Object(keywords) => Some(keywords),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cursor_and_each_status_belongs_to_a_list() {
        assert!(parameter("list_orders", "cursor").is_some());
        assert!(parameter("list_events", "cursor").is_none());
        assert_eq!(
            parameter("list_deliveries", "status").unwrap().0["$ref"],
            "#/components/schemas/WebhookDeliveryStatus"
        );
        assert!(parameter("list_orders", "offset").is_none());
    }
}
