//! Webhook endpoints and their deliveries as JSON, both ways.

use domain::{EventType, Timestamp};
use payments::views::one_of;
use payments::webhook::{
    Delivery, Endpoint, EndpointPatch, EndpointStatus, EventFilter, NewEndpoint, ShownEndpoint,
};
use payments::{parse_rfc3339, rfc3339};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, SchemaType, Type};

use crate::http::error::Problem;

const DEFAULT_OVERLAP_HOURS: u8 = 24;
const MAX_OVERLAP_HOURS: u8 = 168;
pub const DELIVERY_STATUSES: [&str; 3] = ["pending", "succeeded", "failed"];

/// A webhook endpoint: an address that events are sent to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookEndpoint)]
pub struct EndpointBody {
    id: String,
    url: String,
    /// The types that it wants; `*` for all.
    #[schema(schema_with = event_words)]
    events: Vec<&'static str>,
    #[schema(required)]
    description: Option<String>,
    #[schema(schema_with = status_schema)]
    status: &'static str,
    /// Only when the endpoint was made, and after a rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

impl EndpointBody {
    pub fn new(endpoint: &Endpoint) -> EndpointBody {
        EndpointBody {
            id: endpoint.id.to_string(),
            url: endpoint.url.clone(),
            events: endpoint.events.words(),
            description: endpoint.description.clone(),
            status: endpoint.status.as_str(),
            secret: None,
            created_at: rfc3339(endpoint.created_at),
            updated_at: rfc3339(endpoint.updated_at),
        }
    }

    pub fn with_secret(shown: &ShownEndpoint) -> EndpointBody {
        EndpointBody {
            secret: Some(shown.secret.to_text()),
            ..EndpointBody::new(&shown.endpoint)
        }
    }
}

/// An event on its way to an endpoint, and the last answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDelivery)]
pub struct DeliveryBody {
    event_id: String,
    /// Number of attempts that were made.
    attempt: u32,
    #[schema(schema_with = delivery_statuses)]
    status: String,
    /// HTTP status of the last attempt; `null` when nothing came back.
    #[schema(required)]
    response_status: Option<u16>,
    /// Its first 1024 bytes.
    #[schema(required)]
    response_body: Option<String>,
    #[schema(required)]
    duration_ms: Option<i64>,
    /// Reason why the last attempt failed.
    #[schema(required)]
    error: Option<String>,
    #[schema(required, format = DateTime)]
    next_attempt_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl DeliveryBody {
    pub fn new(delivery: &Delivery) -> DeliveryBody {
        DeliveryBody {
            event_id: delivery.event_id.clone(),
            attempt: delivery.attempt,
            status: delivery.status.clone(),
            response_status: delivery.response_status,
            response_body: delivery.response_body.clone(),
            duration_ms: delivery.duration_ms,
            error: delivery.error.clone(),
            next_attempt_at: delivery.next_attempt_at.map(rfc3339),
            created_at: rfc3339(delivery.created_at),
        }
    }
}

/// A new endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateEndpoint {
    /// An http or https URL on a public address.
    #[schema(max_length = 2048)]
    url: String,
    /// Types of events, or `*`; all by default.
    #[schema(schema_with = chosen_events)]
    events: Option<Vec<String>>,
    #[schema(min_length = 1, max_length = 256)]
    description: Option<String>,
}

impl CreateEndpoint {
    pub fn check(self) -> Result<NewEndpoint, Problem> {
        Ok(NewEndpoint {
            url: self.url,
            events: self
                .events
                .as_deref()
                .map_or(Ok(EventFilter::All), parse_events)?,
            description: self.description,
        })
    }
}

/// Changes of an endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateEndpoint {
    #[schema(max_length = 2048)]
    url: Option<String>,
    #[schema(schema_with = chosen_events)]
    events: Option<Vec<String>>,
    /// `null` removes it.
    #[serde(default, deserialize_with = "present_or_null")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 256)]
    description: Option<Option<String>>,
    #[schema(schema_with = chosen_status)]
    status: Option<String>,
}

/// Tells a member that is `null` from one that is not there.
fn present_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl UpdateEndpoint {
    pub fn check(self) -> Result<EndpointPatch, Problem> {
        let parse_status = |word: String| {
            EndpointStatus::parse(&word).ok_or(Problem::invalid("status", "must be enabled or disabled"))
        };
        Ok(EndpointPatch {
            url: self.url,
            events: self.events.as_deref().map(parse_events).transpose()?,
            description: self.description,
            status: self.status.map(parse_status).transpose()?,
        })
    }
}

fn parse_events(words: &[String]) -> Result<EventFilter, Problem> {
    EventFilter::parse(words.iter().map(String::as_str))
        .ok_or_else(|| Problem::invalid("events", "must be types of events, or * for all"))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateSecret {
    /// For how long the old secret signs too; 24 by default.
    #[schema(minimum = 0, maximum = 168)]
    overlap_hours: Option<u8>,
}

impl RotateSecret {
    pub fn check(self) -> Result<u8, Problem> {
        let hours = self.overlap_hours.unwrap_or(DEFAULT_OVERLAP_HOURS);
        if hours <= MAX_OVERLAP_HOURS {
            Ok(hours)
        } else {
            Err(Problem::invalid("overlapHours", "must be 0 to 168"))
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReplayEvents {
    /// Inclusive.
    #[schema(format = DateTime)]
    from: String,
    /// Exclusive.
    #[schema(format = DateTime)]
    to: String,
}

impl ReplayEvents {
    pub fn check(self) -> Result<(Timestamp, Timestamp), Problem> {
        let parse = |field: &'static str, text: &str| {
            parse_rfc3339(text)
                .ok_or_else(|| Problem::invalid(field, "must be a time such as 2026-01-31T08:00:00Z"))
        };
        Ok((parse("from", &self.from)?, parse("to", &self.to)?))
    }
}

/// A body without members.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

fn event_words() -> utoipa::openapi::schema::Array {
    let words = EventType::ALL.iter().map(|kind| kind.as_str()).chain(["*"]);
    let item = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words));
    ArrayBuilder::new().items(item).min_items(Some(1)).build()
}

/// Schema of a list of types that may be left out.
fn chosen_events() -> utoipa::openapi::schema::Array {
    let mut schema = event_words();
    schema.schema_type = SchemaType::from_iter([Type::Array, Type::Null]);
    schema
}

fn chosen_status() -> Object {
    let words = EndpointStatus::ALL.map(|status| Some(status.as_str()));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(words.into_iter().chain([None])))
        .build()
}

fn status_schema() -> Object {
    one_of(EndpointStatus::ALL.map(EndpointStatus::as_str))
}

fn delivery_statuses() -> Object {
    one_of(DELIVERY_STATUSES)
}
