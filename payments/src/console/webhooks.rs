//! Webhook endpoints in the console: made, changed, tested, and their events sent again.

use domain::{EndpointId, EventId, Timestamp};
use futures_util::FutureExt;

use super::{Act, Action, Actor, ConsoleError, perform, record};
use crate::store::deliveries;
use crate::webhook::{
    Endpoint, EndpointPatch, NewEndpoint, ShownEndpoint, begin_replay, change_endpoint, insert_endpoint,
    list_endpoints, queue_ping, queue_redelivery, remove_endpoint, replace_secret,
};
use crate::{Error, Services};

/// An endpoint with the numbers of its deliveries.
#[derive(Debug, Clone)]
pub struct EndpointState {
    pub endpoint: Endpoint,
    pub n_pending: i64,
    pub n_failed: i64,
}

/// All endpoints, newest first.
pub async fn list_endpoint_states(services: &Services) -> Result<Vec<EndpointState>, Error> {
    let endpoints = list_endpoints(services).await?;
    let counts = services
        .db
        .read_one(|tx| deliveries::count_by_status(tx).boxed())
        .await?;
    let states = endpoints.into_iter().map(|endpoint| {
        let count = |status: &str| {
            let mut found = counts.iter();
            found
                .find(|count| count.target == endpoint.id.as_str() && count.status == status)
                .map_or(0, |count| count.n)
        };
        EndpointState {
            n_pending: count("pending"),
            n_failed: count("failed"),
            endpoint,
        }
    });
    Ok(states.collect())
}

/// Makes an endpoint; its secret cannot be shown again.
pub async fn make_endpoint(
    services: &Services,
    actor: &Actor,
    new: &NewEndpoint,
) -> Result<ShownEndpoint, ConsoleError> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let shown = insert_endpoint(services, tx, new).await?;
                let act = Act {
                    action: Action::CreateEndpoint,
                    subject: shown.endpoint.id.as_str(),
                    detail: &new.url,
                };
                record(tx, actor, act, now).await?;
                Ok(shown)
            }
            .boxed()
        })
        .await
}

/// Changes an endpoint.
pub async fn edit_endpoint(
    services: &Services,
    actor: &Actor,
    id: &EndpointId,
    patch: &EndpointPatch,
) -> Result<Endpoint, ConsoleError> {
    let detail = patch.status.map_or("", |status| status.as_str());
    let act = Act {
        action: Action::UpdateEndpoint,
        subject: id.as_str(),
        detail,
    };
    perform(services, actor, act, &|tx| {
        async move { Ok::<_, ConsoleError>(change_endpoint(services, tx, id, patch).await?) }.boxed()
    })
    .await
}

/// Removes an endpoint with its deliveries.
pub async fn drop_endpoint(services: &Services, actor: &Actor, id: &EndpointId) -> Result<(), ConsoleError> {
    let act = Act {
        action: Action::DeleteEndpoint,
        subject: id.as_str(),
        detail: "",
    };
    perform(services, actor, act, &|tx| {
        async move {
            remove_endpoint(tx, id).await?;
            Ok::<_, ConsoleError>(())
        }
        .boxed()
    })
    .await
}

/// Gives an endpoint a new secret; it cannot be shown again.
pub async fn renew_webhook_secret(
    services: &Services,
    actor: &Actor,
    id: &EndpointId,
    overlap_hours: u8,
) -> Result<ShownEndpoint, ConsoleError> {
    let act = Act {
        action: Action::RotateSecret,
        subject: id.as_str(),
        detail: &format!("{overlap_hours} h"),
    };
    perform(services, actor, act, &|tx| {
        async move { Ok::<_, ConsoleError>(replace_secret(services, tx, id, overlap_hours).await?) }.boxed()
    })
    .await
}

/// Sends a ping.
pub async fn test_endpoint(services: &Services, actor: &Actor, id: &EndpointId) -> Result<(), ConsoleError> {
    let act = Act {
        action: Action::TestEndpoint,
        subject: id.as_str(),
        detail: "",
    };
    perform(services, actor, act, &|tx| {
        async move {
            queue_ping(services, tx, id).await?;
            Ok::<_, ConsoleError>(())
        }
        .boxed()
    })
    .await
}

/// Sends one event to one endpoint again.
pub async fn redeliver(
    services: &Services,
    actor: &Actor,
    id: &EndpointId,
    event_id: &EventId,
) -> Result<(), ConsoleError> {
    let act = Act {
        action: Action::RedeliverEvent,
        subject: id.as_str(),
        detail: event_id.as_str(),
    };
    perform(services, actor, act, &|tx| {
        async move {
            queue_redelivery(services, tx, event_id, Some(id)).await?;
            Ok::<_, ConsoleError>(())
        }
        .boxed()
    })
    .await
}

/// Sends the events of a span of time to one endpoint again.
pub async fn replay_span(
    services: &Services,
    actor: &Actor,
    id: &EndpointId,
    from: Timestamp,
    to: Timestamp,
) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    let act = Act {
        action: Action::ReplayEvents,
        subject: id.as_str(),
        detail: &format!("{} to {}", crate::rfc3339(from), crate::rfc3339(to)),
    };
    perform(services, actor, act, &|tx| {
        async move {
            begin_replay(tx, id, from, to, now).await?;
            Ok::<_, ConsoleError>(())
        }
        .boxed()
    })
    .await
}
