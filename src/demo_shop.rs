//! Program of the demo shop, in simulator mode: it is told of payments by a webhook over HTTP like any merchant's program,
//! and believes only what is signed. Its page is `/`.
//!
//! It listens on a port of its own on this machine, which webhooks may reach in simulator mode anyway. Its check of the
//! signature shares no code with the signing, so that a mistake cannot check itself.

use std::net::{Ipv4Addr, SocketAddr};

use app::shop::{DemoShop, Inbox, Message, SUBSCRIBED, USER};
use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{EndpointId, EventType, Money, Timestamp};
use payments::webhook::{self, EventFilter, NewEndpoint, OwnEndpoint, WebhookSecret};
use payments::{Clock, Services};
use serde::Deserialize;
use tokio::task::JoinHandle;

use crate::stop::Stop;
use crate::{Failure, PATIENCE, listen};

const PATH: &str = "/webhooks";
/// Part of the id of its endpoint, which is the same at each start.
const NAME: [u8; 10] = *b"demo shop!";
/// Tolerance of a message's time, either way: an older message may be a replay.
const MAX_SKEW_SECONDS: u64 = 300;

/// The running program.
#[derive(Debug)]
pub struct DemoProgram {
    pub shop: DemoShop,
    pub task: JoinHandle<()>,
}

#[derive(Debug, Clone)]
struct Program {
    key: hmac::Key,
    inbox: Inbox,
    clock: Clock,
}

/// An event, as far as the shop reads it.
#[derive(Debug, Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    user_id: String,
    order_no: Option<String>,
    payment_no: Option<String>,
    amount: i64,
}

/// Listens; an endpoint that an earlier start has registered follows to the new address. The first order registers it.
pub async fn start(services: &Services, stop: Stop) -> Result<DemoProgram, Failure> {
    let what = "the demo shop cannot listen";
    let listener = listen::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).map_err(Failure::io(what))?;
    let address = listener.local_addr().map_err(Failure::io(what))?;
    let secret: [u8; 32] = services.clock.entropy();
    let endpoint = OwnEndpoint {
        id: EndpointId::new(Timestamp::from_millis(0), NAME),
        content: NewEndpoint {
            url: format!("http://{address}{PATH}"),
            events: EventFilter::Only(SUBSCRIBED.to_vec()),
            description: Some("Demo shop: set anew at each start".to_owned()),
        },
        secret: WebhookSecret::new(secret),
    };
    webhook::move_own_endpoint(services, &endpoint).await?;
    let inbox = Inbox::default();
    let program = Program {
        key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
        inbox: inbox.clone(),
        clock: services.clock.clone(),
    };
    let router = Router::new().route(PATH, post(receive)).with_state(program);
    let task = tokio::spawn(listen::serve(
        listener,
        router,
        listen::Limits::of_one_client(),
        stop,
        PATIENCE,
    ));
    Ok(DemoProgram {
        shop: DemoShop { endpoint, inbox },
        task,
    })
}

async fn receive(State(program): State<Program>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let now = program.clock.now();
    if !is_authentic(&program.key, &headers, &body, now) {
        program.inbox.count_refused();
        return StatusCode::UNAUTHORIZED;
    }
    // A ping, or a change of something that the shop did not sell.
    let own = read_event(&body, now).filter(|(user, _)| user == USER);
    if let Some((_, message)) = own {
        program.inbox.add(message);
    }
    StatusCode::NO_CONTENT
}

/// Checks a request as Standard Webhooks says: id, time and body under the secret, and a time that is near.
fn is_authentic(key: &hmac::Key, headers: &HeaderMap, body: &[u8], now: Timestamp) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(id), Some(time), Some(signatures)) = (
        text("webhook-id"),
        text("webhook-timestamp"),
        text("webhook-signature"),
    ) else {
        return false;
    };
    let is_near = time
        .parse::<i64>()
        .is_ok_and(|seconds| now.seconds().abs_diff(seconds) <= MAX_SKEW_SECONDS);
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", body].concat();
    // Several stand there while secrets overlap.
    let mut tags = signatures
        .split(' ')
        .filter_map(|signature| signature.strip_prefix("v1,"))
        .filter_map(|tag| STANDARD.decode(tag).ok());
    is_near && tags.any(|tag| hmac::verify(key, &signed, &tag).is_ok())
}

/// Reads the user of an event and the message about it.
fn read_event(body: &[u8], now: Timestamp) -> Option<(String, Message)> {
    let event: Event = serde_json::from_slice(body).ok()?;
    let message = Message {
        event_id: event.id,
        kind: EventType::parse(&event.kind)?,
        number: event.data.payment_no.or(event.data.order_no)?,
        amount: Money::from_fen(event.data.amount).ok()?,
        received_at: now,
    };
    Some((event.data.user_id, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification.
    #[test]
    fn the_example_of_the_specification_is_believed_and_nothing_else() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let body = br#"{"test": 2432232314}"#;
        let good = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let check = |seconds: i64, signature: &str, body: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek".parse().unwrap());
            headers.insert("webhook-timestamp", "1614265330".parse().unwrap());
            headers.insert("webhook-signature", signature.parse().unwrap());
            is_authentic(&key, &headers, body, Timestamp::from_millis(seconds * 1000))
        };
        let now = 1_614_265_330;
        assert!(check(now, good, body));
        assert!(check(now + 300, good, body) && check(now - 300, good, body));
        assert!(check(now, &format!("v1,AAAA v2,{} {good}", &good[3..]), body));
        assert!(!check(now + 301, good, body) && !check(now - 301, good, body));
        assert!(!check(now, good, br#"{"test": 2432232315}"#));
        for wrong in [&good[3..], "v1,", "v1,AAAA", "", &good[..40]] {
            assert!(!check(now, wrong, body), "{wrong}");
        }
        assert!(!is_authentic(
            &key,
            &HeaderMap::new(),
            body,
            Timestamp::from_millis(now * 1000)
        ));
    }
}
