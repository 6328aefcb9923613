//! A gateway calls back: verify, record once, apply, and only then acknowledge.

use domain::{Channel, IncidentId, Payment, PaymentNo, Settlement};
use futures_util::FutureExt;
use http::HeaderMap;

use crate::error::logged;
use crate::gateway::{self, Notice, NoticeContent, NoticeError, Reception, Reply};
use crate::settle::{Rule, announce, apply_report};
use crate::store::incidents::{self, IncidentKind};
use crate::store::notices::{self, NoticeRow};
use crate::store::{Tx, payments};
use crate::{Error, Services};

/// The answer for the gateway, in its own words; an acknowledgement is only returned after the commit.
pub async fn accept_notice(services: &Services, channel: Channel, headers: &HeaderMap, body: &[u8]) -> Reply {
    gateway::reply(channel, receive(services, channel, headers, body).await)
}

async fn receive(services: &Services, channel: Channel, headers: &HeaderMap, body: &[u8]) -> Reception {
    let Some(gateway) = services.gateways.get(channel) else {
        return Reception::NotAuthentic;
    };
    let notice = match gateway.read_notice(headers, body).await {
        Ok(notice) => notice,
        Err(NoticeError::Probe) => {
            tracing::info!(%channel, "a signature probe was refused");
            return Reception::NotAuthentic;
        }
        Err(NoticeError::NotAuthentic(reason)) => {
            tracing::warn!(%channel, reason, "a notice was refused: {reason}");
            return Reception::NotAuthentic;
        }
        Err(NoticeError::Malformed(reason)) => {
            tracing::warn!(%channel, reason, "a signed notice cannot be read: {reason}");
            return Reception::Malformed;
        }
    };
    match record(services, channel, &notice, headers, body).await {
        Ok(()) => Reception::Done,
        Err(error) => {
            tracing::error!(%channel, notice.id, error = logged(&error), "a notice was not recorded");
            Reception::Failed
        }
    }
}

/// What an authentic message is about.
enum About<'a> {
    Payment(&'a Payment, &'a domain::Report),
    /// Authentic but wrong: a person must look, and sending it again would not help.
    Incident(IncidentKind, &'static str),
    Nothing(&'static str),
}

impl About<'_> {
    fn verdict(&self) -> &'static str {
        match self {
            About::Payment(..) => "payment",
            About::Incident(kind, _) => kind.as_str(),
            About::Nothing(verdict) => verdict,
        }
    }
}

async fn record(
    services: &Services,
    channel: Channel,
    notice: &Notice,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Error> {
    let (headers, body) = (&header_lines(headers), &*String::from_utf8_lossy(body));
    let news = services
        .db
        .write(|tx| {
            async move {
                let payment = find_payment(tx, channel, notice).await?;
                let about = classify(notice, payment.as_ref());
                let row = NoticeRow {
                    channel,
                    id: &notice.id,
                    payment_no: &notice.payment_no,
                    headers,
                    body,
                    verdict: about.verdict(),
                    received_at: services.clock.now(),
                };
                if !notices::record_once(tx, &row).await? {
                    return Ok(None);
                }
                let settlement = match about {
                    About::Payment(payment, report) => {
                        apply_report(services, tx, &payment.payment_no, report, Rule::Settle).await?
                    }
                    About::Incident(kind, detail) => {
                        raise(services, tx, channel, notice, kind, detail).await?;
                        Settlement::Unchanged
                    }
                    About::Nothing(_) => Settlement::Unchanged,
                };
                Ok::<_, Error>(payment.map(|payment| (payment, settlement)))
            }
            .boxed()
        })
        .await?;
    if let Some((payment, settlement)) = news {
        announce(services, &payment, settlement);
    }
    Ok(())
}

/// A notice only touches a payment of its own gateway.
async fn find_payment(tx: &mut Tx<'_>, channel: Channel, notice: &Notice) -> Result<Option<Payment>, Error> {
    let Some(number) = PaymentNo::parse(&notice.payment_no) else {
        return Ok(None);
    };
    let found = payments::find_by_number(tx, &number)
        .await?
        .map(|(payment, _)| payment);
    Ok(found.filter(|payment| payment.method().channel() == Some(channel)))
}

fn classify<'a>(notice: &'a Notice, payment: Option<&'a Payment>) -> About<'a> {
    match (&notice.content, payment) {
        (NoticeContent::Foreign(reason), _) => About::Incident(IncidentKind::ForeignNotice, reason),
        (NoticeContent::Payment(report), Some(payment)) => About::Payment(payment, report),
        // Our row exists before the gateway hears of the number, so waiting would not make it known.
        (NoticeContent::Payment(_), None) => About::Incident(
            IncidentKind::UnmatchedNotice,
            "a notice about a payment we do not know",
        ),
        (NoticeContent::Refund, _) => About::Nothing("refund"),
        (NoticeContent::Other, _) => About::Nothing("other"),
    }
}

async fn raise(
    services: &Services,
    tx: &mut Tx<'_>,
    channel: Channel,
    notice: &Notice,
    kind: IncidentKind,
    detail: &str,
) -> Result<(), Error> {
    let now = services.clock.now();
    let id = IncidentId::new(now, services.clock.entropy());
    let subject = format!("{channel} notice {}", notice.id);
    tracing::warn!(%channel, notice.id, incident = kind.as_str(), "{subject} needs attention: {detail}");
    incidents::raise(tx, &id, kind, &subject, None, detail, now).await?;
    Ok(())
}

/// One `name: value` a line, without what could be a secret of ours.
fn header_lines(headers: &HeaderMap) -> String {
    let is_kept = |name: &str| !matches!(name, "authorization" | "cookie");
    headers
        .iter()
        .filter(|(name, _)| is_kept(name.as_str()))
        .map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())))
        .collect()
}
