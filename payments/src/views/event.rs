//! An event as JSON: in the feed, and as the body of a webhook.

use std::collections::BTreeMap;

use domain::EventType;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::schema::Object;

use super::CHECKOUT;
use crate::calendar::rfc3339;
use crate::model::event::KeptEvent;

/// A change, with the object as it was at that moment.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct EventView {
    id: String,
    #[serde(rename = "type")]
    #[schema(schema_with = type_schema)]
    kind: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_id: Option<String>,
    /// The order, payment, refund, entry, incident or reconciliation, as the API showed it at that moment.
    #[schema(value_type = Object)]
    data: BTreeMap<String, Box<RawValue>>,
}

/// Members of an object that may hold the address of a checkout page.
const LINKS: [&str; 2] = ["checkoutUrl", "paymentUrl"];

impl EventView {
    /// The event with the addresses of a server at `base`; `None` when its data is not a JSON object.
    pub(crate) fn new(event: &KeptEvent, base: &str) -> Option<EventView> {
        let mut data: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&event.data).ok()?;
        for name in LINKS {
            let Some(path) = data.get(name).and_then(|value| read_text(value)) else {
                continue;
            };
            if path.starts_with(CHECKOUT) {
                let url = serde_json::value::to_raw_value(&format!("{base}{path}")).ok()?;
                data.insert(name.to_owned(), url);
            }
        }
        Some(EventView {
            id: event.id.clone(),
            kind: event.kind.clone(),
            created_at: rfc3339(event.created_at),
            order_id: event.order_id.clone(),
            payment_id: event.payment_id.clone(),
            refund_id: event.refund_id.clone(),
            data,
        })
    }

    /// The event as a key may read it that has not the scope `pay`: without addresses that lead to a checkout page, because
    /// with `allowBalance` its holder can pay.
    #[must_use]
    pub fn without_checkout(mut self) -> EventView {
        for name in LINKS {
            let leads_there = |url: &str| url.contains(CHECKOUT) || url.contains("%2Fcheckout%2F");
            if let Some(value) = self.data.get_mut(name)
                && read_text(value).is_some_and(|url| leads_there(&url))
            {
                *value = RawValue::NULL.to_owned();
            }
        }
        self
    }

    pub fn id(&self) -> &str {
        &self.id
    }
}

fn read_text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

fn type_schema() -> Object {
    utoipa::openapi::schema::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(EventType::ALL.iter().map(|kind| kind.as_str())))
        .build()
}
