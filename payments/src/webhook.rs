//! Webhooks: events posted to the endpoints of merchants' programs, signed as Standard Webhooks says.
//!
//! The publisher ([`crate::feed`]) puts each event in the queue of the endpoints that want it; the deliveries
//! ([`crate::delivery`]) send it.

mod endpoint;
mod health;
mod queue;
mod request;
mod secret;

pub use self::endpoint::{
    Endpoint, EndpointPatch, EndpointStatus, EventFilter, NewEndpoint, OwnEndpoint, ShownEndpoint,
    create_endpoint, delete_endpoint, ensure_endpoint, find_endpoint, list_endpoints, move_own_endpoint,
    register_own_endpoint, rotate_secret, update_endpoint,
};
pub(crate) use self::endpoint::{change_endpoint, insert_endpoint, remove_endpoint, replace_secret};
pub(crate) use self::health::{note_failure, note_success};
pub use self::queue::{
    Delivery, DeliveryQuery, find_delivery, list_deliveries, ping_endpoint, redeliver_event, replay_events,
};
pub(crate) use self::queue::{begin_replay, queue_ping, queue_redelivery};
pub use self::request::signed_headers;
pub(crate) use self::request::{is_gone, prepare_request, valid_secrets};
pub use self::secret::WebhookSecret;
