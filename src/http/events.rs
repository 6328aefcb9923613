//! Status of an open checkout page: once over `/status`, and as an event stream over `/events`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use app::view::{LiveState, live_state};
use axum::extract::{RawQuery, State};
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use domain::PaymentNo;
use futures_util::{Stream, stream};
use payments::{Checkout, Services, find_checkout, query_payment, wait_for};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::api::Id;
use super::error::Problem;
use super::event_streams::OpenStream;
use super::web::Web;
use crate::listen::Peer;

const RETRY: Duration = Duration::from_secs(3);
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Interval of looking again: some changes come with time alone, such as the expiry of a code, and write no row.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// Longest wait of a page for a gateway's answer; later changes arrive as events.
const PATIENCE: Duration = Duration::from_millis(1500);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Returns the status. With `?ask` the gateway is queried first: the payer has just returned, perhaps from the wallet app.
pub async fn status(
    State(web): State<Web>,
    Id(token): Id,
    RawQuery(query): RawQuery,
) -> Result<Json<LiveState>, Problem> {
    let services = &web.services;
    let mut checkout = find_checkout(services, &token).await?;
    let open = checkout.payments.iter().find(|payment| payment.state.is_open());
    if let Some(open) = open {
        // A status request counts as watching: the follower queries the gateway also for pages without an event stream.
        drop(services.watchers.follow(services, &checkout.order.id));
        if query.as_deref() == Some("ask") && ask_gateway(services, open.payment_no.clone()).await {
            checkout = find_checkout(services, &token).await?;
        }
    }
    Ok(Json(live_state(&checkout, services.clock.now())))
}

/// Queries the gateway, at most once a second for all tabs together; returns whether it answered in time.
async fn ask_gateway(services: &Services, payment_no: PaymentNo) -> bool {
    let services = services.clone();
    let asking = async move { query_payment(&services, &payment_no, None).await };
    matches!(wait_for(PATIENCE, asking.in_current_span()).await, Some(Ok(_)))
}

pub async fn stream(
    State(web): State<Web>,
    Id(token): Id,
    visitor: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let checkout = find_checkout(&web.services, &token).await?;
    let place = web.streams.open(
        &checkout.order.id,
        visitor.map(|Extension(Peer(address))| address),
    );
    let latest = web.services.watchers.follow(&web.services, &checkout.order.id);
    let known = headers
        .get(LAST_EVENT_ID)
        .and_then(|id| id.to_str().ok())
        .map(str::to_owned);
    let viewer = Viewer {
        ends_at: Instant::now() + web.streams.life,
        place,
        web,
        latest,
        checkout: Arc::new(checkout),
        known,
    };
    let events = Sse::new(viewer.events()).keep_alive(KeepAlive::new().interval(HEARTBEAT));
    let mut response = events.into_response();
    let headers = response.headers_mut();
    // Without this header nginx buffers events.
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}

/// One open page.
struct Viewer {
    /// End of the stream, by the monotonic clock; the browser then opens another one.
    ends_at: Instant,
    place: OpenStream,
    web: Web,
    latest: watch::Receiver<Option<Arc<Checkout>>>,
    checkout: Arc<Checkout>,
    /// Id of the last event the page received, also on an earlier connection.
    known: Option<String>,
}

impl Viewer {
    fn events(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, |mut viewer| async move {
            let event = viewer.next().await?;
            Some((Ok(event), viewer))
        })
    }

    /// Returns the next event; `None` when the stream ends or the server stops: the page reconnects.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let state = live_state(&self.checkout, self.web.services.clock.now());
            let id = format!("{}-{}", state.version, state.state.as_str());
            if self.known.as_deref() != Some(&id) {
                let event = Event::default()
                    .event("state")
                    .id(&id)
                    .retry(RETRY)
                    .json_data(state)
                    .ok()?;
                self.known = Some(id);
                return Some(event);
            }
            self.wait().await?;
        }
    }

    async fn wait(&mut self) -> Option<()> {
        tokio::select! {
            () = self.web.stop.asked() => return None,
            () = self.place.must_end() => return None,
            () = tokio::time::sleep_until(self.ends_at) => return None,
            changed = self.latest.changed() => changed.ok()?,
            () = tokio::time::sleep(BETWEEN_LOOKS) => {}
        }
        if let Some(checkout) = self.latest.borrow_and_update().clone() {
            self.checkout = checkout;
        }
        Some(())
    }
}
