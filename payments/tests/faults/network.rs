//! Network between us, the gateways and the merchants: messages are late, lost, damaged, and out of order.

use std::time::Duration;

use domain::{Channel, Timestamp};
use futures_util::FutureExt;
use futures_util::future::{Either, join_all, select};
use http::{HeaderMap, HeaderName, Request, Response};
use payments::gateway::{InProcess as Line, Silence};
use simulator::{Answer, Due, InProcess, SignedNotification};
use tokio::sync::oneshot;

use crate::executor::Owner;
use crate::simulation::Simulation;

/// Timeout of a gateway for an acknowledgement (docs/gateway-facts.md 1.7).
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const LONGEST_NAP: Duration = Duration::from_hours(1);

impl Simulation {
    /// Connection of the shop's gateway clients.
    pub fn line(&self) -> Line {
        let simulation = self.clone();
        Line::new(move |request, patience| simulation.clone().exchange(request, patience).boxed())
    }

    pub async fn hop(&self) {
        let hop = {
            let (mut rng, slow) = (self.rng(), self.plan.slow);
            if self.in_trouble() && rng.percent(slow) {
                rng.millis(200, 12_000)
            } else {
                // Few different delays: many messages arrive at the same moment, and then the executor chooses the order.
                Duration::from_millis(rng.one_of(&[1, 1, 2, 5, 20]))
            }
        };
        self.sleep(hop).await;
    }

    /// Whether a message and its answer are lost.
    pub fn draw_losses(&self) -> (bool, bool) {
        let (requests, replies) = (self.plan.lost_requests, self.plan.lost_replies);
        let mut rng = self.rng();
        let losses = (rng.percent(requests), rng.percent(replies));
        if self.in_trouble() { losses } else { (false, false) }
    }

    async fn exchange(
        self,
        request: Request<Vec<u8>>,
        patience: Duration,
    ) -> Result<Response<Vec<u8>>, Silence> {
        let is_refused = self.in_trouble() && self.rng().percent(self.plan.refused);
        if is_refused {
            self.sleep(Duration::from_millis(1)).await;
            return Err(Silence::NoConnection);
        }
        if let Err(change) = self.words.lock().unwrap().note(&request) {
            self.fail(change);
        }
        let (sender, receiver) = oneshot::channel();
        let simulation = self.clone();
        // Owned by the outside: a sent message arrives even when its sender has died.
        self.spawn(Owner::Outside, "call", async move {
            if let Some(answer) = simulation.carry(request).await {
                drop(sender.send(answer));
            }
        });
        let deadline = self.now() + patience;
        let nap = self.sleep(patience);
        let answer = match select(receiver, std::pin::pin!(nap)).await {
            Either::Left((answer, _)) => answer.ok(),
            Either::Right(_) => None,
        };
        match answer {
            Some(Answer::Whole(response)) => Ok(response),
            Some(Answer::Broken) => Err(Silence::Lost("the connection broke")),
            Some(Answer::Never) | None => {
                self.sleep(deadline.duration_since(self.now())).await;
                Err(Silence::Lost("timed out"))
            }
        }
    }

    async fn carry(&self, request: Request<Vec<u8>>) -> Option<Answer> {
        let (is_lost, is_deaf) = self.draw_losses();
        self.hop().await;
        let what = format!("{} {}", request.method(), request.uri().path());
        if is_lost {
            self.tell(&format!("lost: {what}"));
            return None;
        }
        let (answer, notifications_first) =
            self.gateways(|gateways, now_ms| gateways.handle(now_ms, request));
        let status = match &answer {
            Answer::Whole(response) => response.status().as_u16(),
            Answer::Broken => 1,
            Answer::Never => 0,
        };
        self.tell(&format!("{what}: {status}"));
        if notifications_first {
            join_all(self.take_due().into_iter().map(|due| self.deliver(due))).await;
        }
        self.hop().await;
        (!is_deaf).then_some(answer)
    }

    fn take_due(&self) -> Vec<Due> {
        let now_ms = self.now_ms();
        self.gateways_unheard().due(now_ms)
    }

    /// Delivers notifications for ever.
    pub async fn courier(self) {
        loop {
            for due in self.take_due() {
                let simulation = self.clone();
                self.spawn(
                    Owner::Outside,
                    "deliver",
                    async move { simulation.deliver(due).await },
                );
            }
            let next_ms = self.gateways_unheard().next_event_ms();
            let nap = next_ms.map_or(LONGEST_NAP, |at_ms| {
                Timestamp::from_millis(at_ms).duration_since(self.now())
            });
            let nap = self.sleep(nap.clamp(Duration::from_millis(5), LONGEST_NAP));
            select(std::pin::pin!(nap), std::pin::pin!(self.post_bell.notified())).await;
        }
    }

    async fn deliver(&self, due: Due) {
        let attempts = due
            .letters
            .iter()
            .map(|letter| self.post(letter, Some(&due.out_trade_no)));
        let replies = join_all(attempts).await;
        let is_received = replies
            .iter()
            .flatten()
            .any(|(status, body)| InProcess::is_acknowledged(due.gateway, *status, body));
        self.tell(&format!(
            "notice {} of {}: {is_received}",
            due.place, due.out_trade_no
        ));
        self.gateways(|gateways, _| gateways.attempted(due.place, is_received));
    }

    /// Delivers one notification to any server; returns the answer. A genuine one names its subject in `about`.
    pub async fn post(&self, letter: &SignedNotification, about: Option<&str>) -> Option<(u16, Vec<u8>)> {
        let (channel, headers) = opened(letter);
        let (simulation, letter, about) = (self.clone(), letter.clone(), about.map(str::to_owned));
        let answer = self.ask("notice", move |services| {
            async move {
                let reply = payments::accept_notification(&services, channel, &headers, &letter.body).await;
                simulation.see_reply(channel, &letter, about.as_deref(), &reply);
                (reply.status, reply.body.as_bytes().to_vec())
            }
            .boxed()
        });
        let nap = self.sleep(ANSWER_LIMIT);
        match select(std::pin::pin!(answer), std::pin::pin!(nap)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => None,
        }
    }
}

pub fn opened(letter: &SignedNotification) -> (Channel, HeaderMap) {
    let channel = if letter.url.ends_with("alipay") {
        Channel::Alipay
    } else {
        Channel::Wechat
    };
    let headers = letter
        .headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    (channel, headers)
}
