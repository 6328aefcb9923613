//! Gateway notifications: verify, record once, apply, and acknowledge only then.

pub(crate) mod kept;
mod refund;
mod replay;

use domain::{Channel, Payment, PaymentNo, PaymentState, Refund, RefundNo, Report, Settlement};
use futures_util::FutureExt;
use http::HeaderMap;

use self::kept::{header_lines, lossless_text};
use self::refund::{RefundVerdict, judge};
pub use self::replay::replay_notification;
use crate::error::logged;
use crate::gateway::{self, Notification, NotificationContent, NotificationError, Reception, Reply};
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
use crate::payment::{PaymentNews, Rule, announce, apply_news, trade_of};
use crate::refund::{announce_refund, apply_refund_report};
use crate::store::batch::Write;
use crate::store::notifications::{self, NotificationRow};
use crate::store::payments::facts::{self, MessageId, PaymentFacts};
use crate::store::{FirstRun, StoreError, Tx, payments, refunds};
use crate::{Error, NotificationVerdict, Services, traces};

/// Returns the answer in the gateway's format; an acknowledgement only after the commit.
pub async fn accept_notification(
    services: &Services,
    channel: Channel,
    headers: &HeaderMap,
    body: &[u8],
) -> Reply {
    let verdict = receive_notification(services, channel, headers, body).await;
    services.metrics.count_notification(channel, verdict);
    let reception = match verdict {
        NotificationVerdict::Accepted | NotificationVerdict::Duplicate => Reception::Done,
        NotificationVerdict::NotAuthentic => Reception::NotAuthentic,
        NotificationVerdict::Malformed => Reception::Malformed,
        NotificationVerdict::Failed => Reception::Failed,
    };
    crash_point!("notification.before_reply");
    gateway::reply(channel, reception)
}

async fn receive_notification(
    services: &Services,
    channel: Channel,
    headers: &HeaderMap,
    body: &[u8],
) -> NotificationVerdict {
    let Some(gateway) = services.gateways.get(channel) else {
        return NotificationVerdict::NotAuthentic;
    };
    let notification = match gateway.read_notification(headers, body).await {
        Ok(notification) => notification,
        Err(NotificationError::Probe) => {
            tracing::info!(%channel, "a signature probe was refused");
            return NotificationVerdict::NotAuthentic;
        }
        Err(NotificationError::NotAuthentic(reason)) => {
            tracing::warn!(%channel, reason, "a notification was refused: {reason}");
            return NotificationVerdict::NotAuthentic;
        }
        Err(NotificationError::Malformed(reason)) => {
            tracing::warn!(%channel, reason, "a signed notification cannot be read: {reason}");
            return NotificationVerdict::Malformed;
        }
    };
    traces::follow_payment(&notification.payment_no);
    match record_notification(services, channel, &notification, headers, body).await {
        Ok(is_new) => {
            if is_new {
                observe_delay(services, channel, &notification);
                NotificationVerdict::Accepted
            } else {
                NotificationVerdict::Duplicate
            }
        }
        Err(error) => {
            tracing::error!(%channel, notification.id, error = logged(&error), "a notification was not recorded");
            NotificationVerdict::Failed
        }
    }
}

/// Time between a payment at the gateway and the arrival of its notification.
fn observe_delay(services: &Services, channel: Channel, notification: &Notification) {
    if let NotificationContent::Payment(Report::Paid(receipt)) = &notification.content {
        let delay = services.clock.now().duration_since(receipt.paid_at);
        services.metrics.observe_notification_delay(channel, delay);
    }
}

/// Subject of an authentic notification.
enum About<'a> {
    Payment(&'a PaymentFacts, &'a Report),
    Refund(RefundVerdict<'a>),
    /// Ambiguous: the gateway is queried about the payment and its refunds in progress.
    Ask(&'a Payment, &'a [Refund]),
    /// Authentic but wrong: a person must look, and a resend would not help.
    Incident(IncidentKind, Sentence),
    Nothing(&'static str),
}

/// Verdict on a notification whose signed text is ambiguous.
const AMBIGUOUS: &str = "ambiguous";

impl About<'_> {
    /// Verdict stored in the inbox.
    fn verdict(&self) -> &'static str {
        match self {
            About::Payment(..) => "payment",
            About::Refund(RefundVerdict::Apply(..)) => "refund",
            About::Refund(RefundVerdict::Ask(_)) => "refund hint",
            About::Refund(RefundVerdict::Known) => "refund known",
            About::Ask(..) => AMBIGUOUS,
            About::Refund(RefundVerdict::Incident(kind, _)) | About::Incident(kind, _) => kind.as_str(),
            About::Nothing(verdict) => verdict,
        }
    }
}

/// Change to announce after the commit.
enum News {
    None,
    Settled(Settlement),
    /// A refund has changed.
    Refund,
    /// The gateway must be queried now.
    Due,
}

/// Our rows that a notification names.
#[derive(Default)]
struct Known {
    facts: Option<PaymentFacts>,
    named_refund: Option<Refund>,
    refunds: Vec<Refund>,
}

impl Known {
    fn payment(&self) -> Option<&Payment> {
        self.facts.as_ref().map(|facts| &facts.payment)
    }
}

/// Records a notification and its effect. `false`: it was recorded before.
async fn record_notification(
    services: &Services,
    channel: Channel,
    notification: &Notification,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<bool, Error> {
    let message = MessageId {
        channel,
        id: &notification.id,
    };
    let number = PaymentNo::parse(&notification.payment_no);
    let (number, trade) = (number.as_ref(), trade_of_content(&notification.content));
    let found = services
        .db
        .read_one(|tx| async move { find_before(tx, message, number, trade).await }.boxed())
        .await?;
    let Before::Unknown(facts) = found else {
        return Ok(false);
    };
    let ahead = &FirstRun::new(facts);
    let (headers, body) = (&header_lines(headers), &*lossless_text(body));
    let (is_new, news) = services
        .db
        .write(|tx| {
            async move {
                let facts = match (ahead.take(), number) {
                    (Some(facts), _) => Some(*facts),
                    (None, Some(number)) => facts::find(tx, number, trade, Some(message)).await?,
                    (None, None) => None,
                };
                let is_duplicate = match &facts {
                    Some(facts) => facts.is_recorded,
                    None => notifications::is_recorded(tx, message).await?,
                };
                if is_duplicate {
                    return Ok((false, None));
                }
                let known = look_up(services, tx, channel, notification, facts).await?;
                let about = classify_notification(notification, &known);
                let row = NotificationRow {
                    channel,
                    id: &notification.id,
                    payment_no: &notification.payment_no,
                    headers,
                    body,
                    verdict: about.verdict(),
                    received_at: services.clock.now(),
                };
                let kept = vec![notifications::record_once(&row)];
                let payment = known.payment();
                let news =
                    act_on_notification(services, tx, channel, notification, payment, about, kept).await?;
                Ok::<_, Error>((!is_duplicate, known.facts.map(|facts| (facts.payment, news))))
            }
            .boxed()
        })
        .await?;
    if let Some((payment, news)) = news {
        log_news(services, &payment, news);
    }
    Ok(is_new)
}

/// State of a notification before anything is written.
enum Before {
    /// Recorded, with all its effects.
    Recorded,
    /// New, with the facts of its payment where there is one.
    Unknown(Option<Box<PaymentFacts>>),
}

async fn find_before(
    tx: &mut Tx<'_>,
    message: MessageId<'_>,
    number: Option<&PaymentNo>,
    trade: Option<&str>,
) -> Result<Before, StoreError> {
    let Some(number) = number else {
        let is_recorded = notifications::is_recorded(tx, message).await?;
        return Ok(if is_recorded {
            Before::Recorded
        } else {
            Before::Unknown(None)
        });
    };
    let facts = facts::find(tx, number, trade, Some(message)).await?;
    Ok(match facts {
        Some(facts) if facts.is_recorded => Before::Recorded,
        facts => Before::Unknown(facts.map(Box::new)),
    })
}

fn trade_of_content(content: &NotificationContent) -> Option<&str> {
    match content {
        NotificationContent::Payment(report) => trade_of(report),
        _ => None,
    }
}

/// Announces the change after the commit.
fn log_news(services: &Services, payment: &Payment, news: News) {
    match news {
        News::None => {}
        News::Settled(settlement) => announce(services, payment, settlement),
        News::Refund => announce_refund(services, &payment.order_id),
        News::Due => services.wake.ring(),
    }
}

/// Finds the rows. A notification only affects those of its own gateway, and of the account that is served there now.
async fn look_up(
    services: &Services,
    tx: &mut Tx<'_>,
    channel: Channel,
    notification: &Notification,
    facts: Option<PaymentFacts>,
) -> Result<Known, Error> {
    let facts = facts
        .filter(|facts| facts.payment.method().channel() == Some(channel))
        .filter(|facts| services.gateways.require(&facts.payment).is_ok());
    let is_about_refunds = matches!(
        notification.content,
        NotificationContent::Refund(_) | NotificationContent::Ambiguous
    );
    let (Some(facts), true) = (&facts, is_about_refunds) else {
        return Ok(Known {
            facts,
            ..Known::default()
        });
    };
    let named = match &notification.content {
        NotificationContent::Refund(news) => news.refund_no.as_deref().and_then(RefundNo::parse),
        _ => None,
    };
    let named_refund = match named {
        Some(number) => refunds::find_by_number(tx, &number).await?,
        None => None,
    };
    Ok(Known {
        refunds: refunds::of_payment(tx, &facts.payment.id).await?,
        facts: Some(facts.clone()),
        named_refund,
    })
}

fn classify_notification<'a>(notification: &'a Notification, known: &'a Known) -> About<'a> {
    match (&notification.content, &known.facts) {
        (NotificationContent::Foreign(reason), _) => {
            About::Incident(IncidentKind::ForeignNotification, *reason)
        }
        (NotificationContent::Payment(report), Some(facts)) => About::Payment(facts, report),
        // Our row exists before the gateway is sent the number, so waiting would not make it known.
        (NotificationContent::Payment(_), None) => {
            About::Incident(IncidentKind::UnmatchedNotification, Sentence::UnknownPayment)
        }
        (NotificationContent::Refund(news), _) => About::Refund(judge(
            news,
            known.payment(),
            known.named_refund.as_ref(),
            &known.refunds,
        )),
        (NotificationContent::Ambiguous, Some(facts)) => About::Ask(&facts.payment, &known.refunds),
        (NotificationContent::Ambiguous, None) => About::Nothing(AMBIGUOUS),
        (NotificationContent::Other, _) => About::Nothing("other"),
    }
}

async fn act_on_notification(
    services: &Services,
    tx: &mut Tx<'_>,
    channel: Channel,
    notification: &Notification,
    payment: Option<&Payment>,
    about: About<'_>,
    kept: Vec<Write>,
) -> Result<News, Error> {
    let now = services.clock.now();
    // The notification about a payment is written in one batch with the changes of the payment.
    let kept = if matches!(about, About::Payment(..)) {
        kept
    } else {
        tx.run_batch(kept).await?;
        Vec::new()
    };
    match about {
        About::Payment(facts, report) => {
            let news = PaymentNews {
                facts,
                report,
                rule: Rule::Settle,
            };
            apply_news(services, tx, news, kept).await.map(News::Settled)
        }
        About::Refund(RefundVerdict::Apply(refund, report)) => {
            let changed = apply_refund_report(services, tx, refund, report).await?;
            Ok(changed.map_or(News::None, |_| News::Refund))
        }
        About::Refund(RefundVerdict::Ask(of)) => {
            for refund in of {
                refunds::expedite(tx, refund, now).await?;
            }
            Ok(News::Due)
        }
        About::Ask(payment, under_way) => {
            tracing::warn!(%channel, payment.id = %payment.id, "a notification about payment {} is ambiguous; {channel} is queried", payment.id);
            payments::expedite(tx, payment, now).await?;
            for refund in under_way.iter().filter(|refund| !refund.state.is_final()) {
                refunds::expedite(tx, refund, now).await?;
            }
            Ok(News::Due)
        }
        About::Refund(RefundVerdict::Incident(kind, detail)) => {
            raise_incident(services, tx, channel, notification, payment, kind, detail).await?;
            // A refund proves a payment: the payment's notification may still be on its way, or be lost.
            match payment.filter(|payment| payment.state != PaymentState::Paid) {
                Some(payment) => {
                    payments::expedite(tx, payment, now).await?;
                    Ok(News::Due)
                }
                None => Ok(News::None),
            }
        }
        About::Incident(kind, detail) => {
            raise_incident(services, tx, channel, notification, payment, kind, detail).await?;
            Ok(News::None)
        }
        About::Refund(RefundVerdict::Known) | About::Nothing(_) => Ok(News::None),
    }
}

async fn raise_incident(
    services: &Services,
    tx: &mut Tx<'_>,
    channel: Channel,
    notification: &Notification,
    payment: Option<&Payment>,
    kind: IncidentKind,
    sentence: Sentence,
) -> Result<(), Error> {
    // A payment that is not here, because an older backup was restored, leaves nothing else to find it by.
    let facts = if payment.is_none() {
        facts_of(notification)
    } else {
        String::new()
    };
    let incident = Incident {
        kind,
        subject: &format!("{channel} notification {}", notification.id),
        payment_id: payment.map(|payment| &payment.id),
        detail: &format!("{}{facts}", sentence.as_str()),
        recurrence: Recurrence::Ignored,
    };
    Ok(raise(services, tx, incident).await?)
}

/// Number, amount and trade of a message, as far as it names them.
fn facts_of(notification: &Notification) -> String {
    let (amount, trade, refund_no) = match &notification.content {
        NotificationContent::Payment(Report::Paid(receipt)) => {
            (Some(receipt.amount), Some(receipt.transaction_id.as_str()), None)
        }
        NotificationContent::Refund(news) => (
            news.amount.or(news.refunded),
            news.transaction_id.as_deref(),
            news.refund_no.as_deref(),
        ),
        _ => (None, None, None),
    };
    let number = Some(notification.payment_no.as_str()).filter(|number| !number.is_empty());
    let facts = [
        number.map(|number| format!("payment {number}")),
        refund_no.map(|number| format!("refund {number}")),
        amount.map(|amount| format!("{} fen", amount.fen())),
        trade.map(|trade| format!("trade {trade}")),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    if facts.is_empty() {
        String::new()
    } else {
        format!(": {}", facts.join(", "))
    }
}
