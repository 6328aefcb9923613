//! Gateway settings, and their test: a signed query about an order that does not exist.

use domain::{Channel, PaymentNo, Report, Timestamp};
use futures_util::FutureExt;

use super::{Act, Action, Actor, ConsoleError, note_act};
use crate::gateway::{Call, Description, GatewayError};
use crate::store::{StoreError, notifications};
use crate::{Error, Services};

/// Displayable state of one gateway: no key, only fingerprints and numbers.
#[derive(Debug, Clone)]
pub struct GatewayState {
    pub channel: Channel,
    /// `None`: not configured.
    pub description: Option<Description>,
    /// Time of the last authentic notification.
    pub last_callback_at: Option<Timestamp>,
}

/// Test query of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    pub proof: Proof,
    /// Its entry in the gateway log.
    pub call: Option<Call>,
}

/// Result of the test: each step proves the ones before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// Reached, our signature accepted, its signature verified, and the order is unknown to it.
    Works,
    /// It answered and refused us: key, number or app do not match.
    Refused { code: String, message: String },
    /// No answer that can be verified.
    Silent { reason: String },
}

pub async fn list_gateways(services: &Services) -> Result<Vec<GatewayState>, Error> {
    let now = services.clock.now();
    let last_callbacks = services
        .db
        .snapshot(|tx| {
            async move {
                let mut last = Vec::new();
                for channel in Channel::ALL {
                    last.push((channel, notifications::last_of(tx, channel).await?));
                }
                Ok::<_, StoreError>(last)
            }
            .boxed()
        })
        .await?;
    let state = |(channel, at): (Channel, Option<i64>)| GatewayState {
        channel,
        description: services
            .gateways
            .get(channel)
            .map(|gateway| gateway.describe(now)),
        last_callback_at: at.map(Timestamp::from_millis),
    };
    Ok(last_callbacks.into_iter().map(state).collect())
}

/// Tests a gateway without effect: the number was never used.
pub async fn test_gateway(
    services: &Services,
    actor: &Actor,
    channel: Channel,
) -> Result<Trial, ConsoleError> {
    let gateway = services.gateways.get(channel).ok_or(Error::NotFound)?;
    let now = services.clock.now();
    let number = PaymentNo::new(now, services.clock.entropy());
    let proof = match gateway.query(&number).await {
        Ok(Report::Absent) => Proof::Works,
        Ok(_) => Proof::Silent {
            reason: "it reports an order that does not exist".to_owned(),
        },
        Err(GatewayError::Declined { code, message, .. }) => Proof::Refused { code, message },
        Err(error) => Proof::Silent {
            reason: error.to_string(),
        },
    };
    let call = gateway.calls().last_about(&number);
    let detail = match &proof {
        Proof::Works => "works",
        Proof::Refused { .. } => "refused",
        Proof::Silent { .. } => "silent",
    };
    let act = Act {
        action: Action::TestGateway,
        subject: channel.as_str(),
        detail,
    };
    note_act(services, actor, act).await?;
    Ok(Trial { proof, call })
}
