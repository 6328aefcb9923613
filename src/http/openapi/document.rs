//! The OpenAPI document as a part of the server's state.

use std::sync::{Arc, OnceLock};

use app::reference::Reference;

pub use super::fields::WebhookHosts;

/// The document of this server, made when it is first asked for.
#[derive(Debug, Clone)]
pub struct Document {
    pub(super) place: Arc<Place>,
    pub(super) text: Arc<OnceLock<String>>,
    pub(super) reference: Arc<OnceLock<Arc<Reference>>>,
}

/// Server that the document describes.
#[derive(Debug, Clone)]
pub struct Place {
    pub public_url: String,
    pub hosts: WebhookHosts,
}

impl Document {
    pub fn new(place: Place) -> Document {
        Document {
            place: Arc::new(place),
            text: Arc::default(),
            reference: Arc::default(),
        }
    }
}
