//! Settings of webhooks: the first endpoint, and the networks that may be called although they are not public.

use payments::outbound::{Networks, OutboundGuard};
use payments::webhook::WebhookSecret;

use super::{ConfigError, Source};

#[derive(Debug, Clone, Default)]
pub struct WebhookSettings {
    /// The endpoint that is made at the start.
    pub endpoint: Option<FirstEndpoint>,
    pub allowed_networks: Networks,
}

/// An endpoint for all events.
#[derive(Debug, Clone)]
pub struct FirstEndpoint {
    pub url: String,
    pub secret: WebhookSecret,
}

impl WebhookSettings {
    /// In simulator mode a merchant's program on this machine may be called without another setting.
    pub(super) fn read(source: &Source, is_simulator: bool) -> Result<WebhookSettings, ConfigError> {
        let mut allowed_networks = source
            .parsed("WEBHOOK_ALLOWED_NETWORKS", Networks::parse)?
            .unwrap_or_default();
        if is_simulator {
            allowed_networks = allowed_networks.with(&Networks::loopback());
        }
        let guard = OutboundGuard::new(allowed_networks.clone());
        let url = source.parsed("WEBHOOK_URL", |text| {
            let parsed = guard.parse_url(text);
            parsed
                .map(|_| text.to_owned())
                .map_err(|refusal| refusal.message().to_owned())
        })?;
        let secret = source.parsed("WEBHOOK_SECRET", |text| {
            WebhookSecret::parse(text).ok_or_else(|| "must be whsec_ and base64 of 24 to 64 bytes".to_owned())
        })?;
        let endpoint = match (url, secret) {
            (None, None) => None,
            (Some(url), Some(secret)) => Some(FirstEndpoint { url, secret }),
            (Some(_), None) => {
                return Err(ConfigError::new(
                    "WEBHOOK_SECRET",
                    "missing: WEBHOOK_URL is set without it",
                ));
            }
            (None, Some(_)) => {
                return Err(ConfigError::new(
                    "WEBHOOK_URL",
                    "missing: WEBHOOK_SECRET is set without it",
                ));
            }
        };
        Ok(WebhookSettings {
            endpoint,
            allowed_networks,
        })
    }

    pub fn guard(&self) -> OutboundGuard {
        OutboundGuard::new(self.allowed_networks.clone())
    }
}
