//! Webhook endpoints: made, read, changed and removed.

use domain::{EndpointId, EventType, Timestamp};
use futures_util::FutureExt;
use secrecy::ExposeSecret as _;
use url::Url;

use super::WebhookSecret;
use crate::idempotency::{Idempotency, Outcome, write_once};

use crate::secrets::Place;
use crate::store::webhook_endpoints::{self as rows, EndpointRow};
use crate::store::{StoreError, Tx, deliveries};
use crate::validate::{invalid, is_line};
use crate::{Error, Services};

const MAX_DESCRIPTION: usize = 256;
const MAX_ENDPOINTS: usize = 100;
const HOUR_MS: u64 = 3_600_000;

/// A webhook endpoint, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub id: EndpointId,
    pub url: String,
    pub events: EventFilter,
    pub description: Option<String>,
    pub status: EndpointStatus,
    /// Since when every attempt has failed.
    pub failing_since: Option<Timestamp>,
    /// Until when the secret before the present one signs too.
    pub previous_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

domain::words! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum EndpointStatus {
        Enabled => "enabled",
        Disabled => "disabled",
    }
}

/// Types of events that an endpoint wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventFilter {
    All,
    Only(Vec<EventType>),
}

/// An endpoint with its secret, which is shown after it was made and after a rotation only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownEndpoint {
    pub endpoint: Endpoint,
    pub secret: WebhookSecret,
}

#[derive(Debug, Clone)]
pub struct NewEndpoint {
    pub url: String,
    pub events: EventFilter,
    pub description: Option<String>,
}

/// Endpoint of the server's own, which has the same id in every database.
#[derive(Debug, Clone)]
pub struct OwnEndpoint {
    pub id: EndpointId,
    pub content: NewEndpoint,
    pub secret: WebhookSecret,
}

/// Changes of an endpoint; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct EndpointPatch {
    pub url: Option<String>,
    pub events: Option<EventFilter>,
    pub description: Option<Option<String>>,
    pub status: Option<EndpointStatus>,
}

impl EventFilter {
    /// Reads the words of an API: types, or `*` for all. `None`: a word that is none, or no word at all.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<EventFilter> {
        let mut kinds = Vec::new();
        let mut wants_all = false;
        for word in words {
            if word == "*" {
                wants_all = true;
                continue;
            }
            let kind = EventType::parse(word)?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        match (wants_all, kinds.is_empty()) {
            (true, _) => Some(EventFilter::All),
            (false, false) => Some(EventFilter::Only(kinds)),
            (false, true) => None,
        }
    }

    pub fn words(&self) -> Vec<&'static str> {
        match self {
            EventFilter::All => vec!["*"],
            EventFilter::Only(kinds) => kinds.iter().map(|kind| kind.as_str()).collect(),
        }
    }

    pub fn wants(&self, kind: EventType) -> bool {
        match self {
            EventFilter::All => true,
            EventFilter::Only(kinds) => kinds.contains(&kind),
        }
    }

    fn to_column(&self) -> String {
        match self {
            EventFilter::All => "*".to_owned(),
            EventFilter::Only(_) => format!(",{},", self.words().join(",")),
        }
    }
}

impl TryFrom<&EndpointRow> for Endpoint {
    type Error = StoreError;

    fn try_from(row: &EndpointRow) -> Result<Endpoint, StoreError> {
        let words = row.events.split(',').filter(|word| !word.is_empty());
        Ok(Endpoint {
            id: EndpointId::parse(&row.id).ok_or(StoreError::Corrupt("webhook_endpoints.id"))?,
            url: row.url.clone(),
            events: EventFilter::parse(words).ok_or(StoreError::Corrupt("webhook_endpoints.events"))?,
            description: row.description.clone(),
            status: EndpointStatus::parse(&row.status)
                .ok_or(StoreError::Corrupt("webhook_endpoints.status"))?,
            failing_since: row.failing_since.map(Timestamp::from_millis),
            previous_until: row.previous_until.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

fn seal_secret(services: &Services, place: &Place<'_>, secret: &WebhookSecret) -> String {
    services
        .secrets
        .seal(place, &secret.to_text(), services.clock.entropy())
}

/// Opens a sealed secret.
pub(super) fn open_secret(
    services: &Services,
    place: &Place<'_>,
    sealed: &str,
) -> Result<WebhookSecret, Error> {
    let opened = services.secrets.open(place, sealed);
    let secret = opened
        .ok()
        .and_then(|text| WebhookSecret::parse(text.expose_secret()));
    Ok(secret.ok_or(StoreError::Corrupt("webhook_endpoints.secret"))?)
}

fn check_url(services: &Services, url: &str) -> Result<Url, Error> {
    services
        .outbox
        .guard
        .parse_url(url)
        .map_err(|refusal| Error::Invalid {
            field: "url",
            message: refusal.message(),
        })
}

fn check_description(description: Option<&str>) -> Result<(), Error> {
    if description.is_none_or(|text| is_line(text, MAX_DESCRIPTION)) {
        Ok(())
    } else {
        Err(invalid(
            "description",
            "must be 1 to 256 characters without control characters",
        ))
    }
}

/// Makes an endpoint with a new secret.
pub async fn create_endpoint(
    services: &Services,
    new: NewEndpoint,
    idempotency: Option<Idempotency<ShownEndpoint>>,
) -> Result<Outcome<ShownEndpoint>, Error> {
    let now = services.clock.now();
    let new = &new;
    write_once(services, idempotency.as_ref(), now, &|tx| {
        async move { insert_endpoint(services, tx, new).await.map(Outcome::New) }.boxed()
    })
    .await
}

/// [`create_endpoint`] in the caller's transaction.
pub(crate) async fn insert_endpoint(
    services: &Services,
    tx: &mut Tx<'_>,
    new: &NewEndpoint,
) -> Result<ShownEndpoint, Error> {
    let own = OwnEndpoint {
        id: new_id(services),
        content: new.clone(),
        secret: WebhookSecret::new(services.clock.entropy()),
    };
    insert_with_secret(services, tx, own, false).await
}

fn new_id(services: &Services) -> EndpointId {
    EndpointId::new(services.clock.now(), services.clock.entropy())
}

async fn insert_with_secret(
    services: &Services,
    tx: &mut Tx<'_>,
    own: OwnEndpoint,
    is_from_settings: bool,
) -> Result<ShownEndpoint, Error> {
    let OwnEndpoint {
        id,
        content: new,
        secret,
    } = own;
    check_url(services, &new.url)?;
    check_description(new.description.as_deref())?;
    if rows::list(tx).await?.len() >= MAX_ENDPOINTS {
        return Err(invalid(
            "url",
            "is one endpoint more than the 100 that there may be",
        ));
    }
    let now = services.clock.now();
    let row = EndpointRow {
        id: id.to_string(),
        url: new.url,
        events: new.events.to_column(),
        description: new.description,
        status: EndpointStatus::Enabled.as_str().to_owned(),
        secret: seal_secret(services, &Place::webhook_secret(id.as_str()), &secret),
        previous_secret: None,
        previous_until: None,
        failing_since: None,
        is_from_settings,
        created_at: now.millis(),
        updated_at: now.millis(),
    };
    rows::insert(tx, &row).await?;
    Ok(ShownEndpoint {
        endpoint: Endpoint::try_from(&row)?,
        secret,
    })
}

/// Makes the endpoint of `WEBHOOK_URL` when it is not there, and gives it the secret of `WEBHOOK_SECRET`.
pub async fn ensure_endpoint(services: &Services, url: &str, secret: &WebhookSecret) -> Result<(), Error> {
    services
        .db
        .write(|tx| {
            async move {
                let Some(mut row) = rows::find_of_settings(tx, url).await? else {
                    let content = NewEndpoint {
                        url: url.to_owned(),
                        events: EventFilter::All,
                        description: None,
                    };
                    let own = OwnEndpoint {
                        id: new_id(services),
                        content,
                        secret: secret.clone(),
                    };
                    insert_with_secret(services, tx, own, true).await?;
                    return Ok(());
                };
                let place = Place::webhook_secret(&row.id);
                if open_secret(services, &place, &row.secret).is_ok_and(|known| known == *secret) {
                    return Ok(());
                }
                row.secret = seal_secret(services, &place, secret);
                row.updated_at = services.clock.now().millis();
                Ok(rows::update(tx, &row).await?)
            }
            .boxed()
        })
        .await
}

/// Makes an endpoint of our own unless it is there.
pub async fn register_own_endpoint(services: &Services, own: &OwnEndpoint) -> Result<(), Error> {
    match find_endpoint(services, &own.id).await {
        Err(Error::NotFound) => {}
        found => return found.map(drop),
    }
    services
        .db
        .write(|tx| {
            async move {
                if rows::find(tx, own.id.as_str()).await?.is_none() {
                    insert_with_secret(services, tx, own.clone(), false).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
}

/// Gives an endpoint of our own the address and the secret of this start, when it is there.
pub async fn move_own_endpoint(services: &Services, own: &OwnEndpoint) -> Result<(), Error> {
    check_url(services, &own.content.url)?;
    services
        .db
        .write(|tx| {
            async move {
                let Some(mut row) = rows::hold(tx, own.id.as_str()).await? else {
                    return Ok(());
                };
                row.url.clone_from(&own.content.url);
                row.secret = seal_secret(services, &Place::webhook_secret(&row.id), &own.secret);
                (row.previous_secret, row.previous_until) = (None, None);
                row.updated_at = services.clock.now().millis();
                Ok(rows::update(tx, &row).await?)
            }
            .boxed()
        })
        .await
}

/// All endpoints, newest first.
pub async fn list_endpoints(services: &Services) -> Result<Vec<Endpoint>, Error> {
    let found = services.db.read_one(|tx| rows::list(tx).boxed()).await?;
    Ok(found.iter().map(Endpoint::try_from).collect::<Result<_, _>>()?)
}

pub async fn find_endpoint(services: &Services, id: &EndpointId) -> Result<Endpoint, Error> {
    services
        .db
        .read_one(|tx| async move { require_endpoint(tx, id).await }.boxed())
        .await
}

pub(crate) async fn require_endpoint(tx: &mut Tx<'_>, id: &EndpointId) -> Result<Endpoint, Error> {
    let row = rows::find(tx, id.as_str()).await?.ok_or(Error::NotFound)?;
    Ok(Endpoint::try_from(&row)?)
}

/// Changes an endpoint. One that is enabled again gets what has waited for it.
pub async fn update_endpoint(
    services: &Services,
    id: &EndpointId,
    patch: EndpointPatch,
) -> Result<Endpoint, Error> {
    let patch = &patch;
    services
        .db
        .write(|tx| async move { change_endpoint(services, tx, id, patch).await }.boxed())
        .await
}

/// [`update_endpoint`] in the caller's transaction.
pub(crate) async fn change_endpoint(
    services: &Services,
    tx: &mut Tx<'_>,
    id: &EndpointId,
    patch: &EndpointPatch,
) -> Result<Endpoint, Error> {
    if let Some(url) = &patch.url {
        check_url(services, url)?;
    }
    if let Some(description) = &patch.description {
        check_description(description.as_deref())?;
    }
    let mut row = rows::hold(tx, id.as_str()).await?.ok_or(Error::NotFound)?;
    let now = services.clock.now();
    if let Some(url) = &patch.url {
        row.url.clone_from(url);
    }
    if let Some(events) = &patch.events {
        row.events = events.to_column();
    }
    if let Some(description) = &patch.description {
        row.description.clone_from(description);
    }
    if let Some(status) = patch.status {
        let is_enabled_again = status == EndpointStatus::Enabled && row.status != status.as_str();
        row.status = status.as_str().to_owned();
        if is_enabled_again {
            // The five days of failing begin anew.
            row.failing_since = None;
            deliveries::unpark(tx, &row.id, now).await?;
        }
    }
    row.updated_at = now.millis();
    rows::update(tx, &row).await?;
    Ok(Endpoint::try_from(&row)?)
}

/// Removes an endpoint with its deliveries.
pub async fn delete_endpoint(services: &Services, id: &EndpointId) -> Result<(), Error> {
    services
        .db
        .write(|tx| remove_endpoint(tx, id).boxed())
        .await
        .map(drop)
}

/// [`delete_endpoint`] in the caller's transaction; returns what it was.
pub(crate) async fn remove_endpoint(tx: &mut Tx<'_>, id: &EndpointId) -> Result<Endpoint, Error> {
    let row = rows::hold(tx, id.as_str()).await?.ok_or(Error::NotFound)?;
    rows::remove_replay(tx, id.as_str()).await?;
    deliveries::remove_all(tx, id.as_str()).await?;
    rows::remove(tx, id.as_str()).await?;
    Ok(Endpoint::try_from(&row)?)
}

/// Gives an endpoint a new secret; the one before signs too until the overlap is over.
pub async fn rotate_secret(
    services: &Services,
    id: &EndpointId,
    overlap_hours: u8,
    idempotency: Option<Idempotency<ShownEndpoint>>,
) -> Result<Outcome<ShownEndpoint>, Error> {
    let now = services.clock.now();
    write_once(services, idempotency.as_ref(), now, &|tx| {
        async move {
            replace_secret(services, tx, id, overlap_hours)
                .await
                .map(Outcome::New)
        }
        .boxed()
    })
    .await
}

/// [`rotate_secret`] in the caller's transaction.
pub(crate) async fn replace_secret(
    services: &Services,
    tx: &mut Tx<'_>,
    id: &EndpointId,
    overlap_hours: u8,
) -> Result<ShownEndpoint, Error> {
    let mut row = rows::hold(tx, id.as_str()).await?.ok_or(Error::NotFound)?;
    let now = services.clock.now();
    let previous = open_secret(services, &Place::webhook_secret(&row.id), &row.secret)?;
    let secret = WebhookSecret::new(services.clock.entropy());
    let overlap = std::time::Duration::from_millis(u64::from(overlap_hours) * HOUR_MS);
    (row.previous_secret, row.previous_until) = if overlap.is_zero() {
        (None, None)
    } else {
        let sealed = seal_secret(services, &Place::previous_webhook_secret(&row.id), &previous);
        (Some(sealed), Some((now + overlap).millis()))
    };
    row.secret = seal_secret(services, &Place::webhook_secret(&row.id), &secret);
    row.updated_at = now.millis();
    rows::update(tx, &row).await?;
    Ok(ShownEndpoint {
        endpoint: Endpoint::try_from(&row)?,
        secret,
    })
}
