//! State of the server that every handler gets.

use std::ops::Deref;
use std::sync::Arc;

use app::page_template::Templates;
use axum::extract::FromRef;
use leptos::prelude::LeptosOptions;
use payments::Services;

use super::event_streams::EventStreams;
use super::openapi::document::{Document, Place, WebhookHosts};
use crate::api_limits::ApiLimits;
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::site::SiteConfig;
use crate::stop::Stop;

/// State that every handler gets; clones share it.
#[derive(Debug, Clone)]
pub struct Web(Arc<WebState>);

#[derive(Debug)]
pub struct WebState {
    pub services: Services,
    pub site: Arc<SiteConfig>,
    pub limits: ApiLimits,
    pub streams: EventStreams,
    pub templates: Templates,
    pub openapi: Document,
    pub readiness: Readiness,
    pub metrics: Metrics,
    pub stop: Stop,
}

impl Web {
    pub fn new(
        services: Services,
        site: Arc<SiteConfig>,
        limits: ApiLimits,
        streams: EventStreams,
        stop: Stop,
    ) -> Web {
        let openapi = Document::new(Place {
            public_url: site.public_url.as_str().to_owned(),
            hosts: WebhookHosts::of(&services.outbox.guard),
        });
        Web(Arc::new(WebState {
            openapi,
            readiness: Readiness::new(services.db.clone()),
            metrics: Metrics::new(&services.metrics),
            templates: Templates::default(),
            services,
            site,
            limits,
            streams,
            stop,
        }))
    }
}

impl Deref for Web {
    type Target = WebState;

    fn deref(&self) -> &WebState {
        &self.0
    }
}

impl FromRef<Web> for LeptosOptions {
    fn from_ref(web: &Web) -> LeptosOptions {
        web.site.leptos.clone()
    }
}
