//! Uploads of shipping information (发货信息) of paid payments in a mini program, without which WeChat holds their money back.
//!
//! The row is written in the transaction that marks the payment as paid, and the job works on it: claim, call, record. What
//! WeChat refuses needs a person and is an incident, which ends when a later try succeeds.

use std::future::ready;
use std::time::Duration;

use domain::{Order, Payment, PaymentId, Product, Timestamp, schedule};
use futures_util::FutureExt;
use tracing::Instrument as _;

use crate::drain::{Batch, drain};
use crate::error::logged;
use crate::gateway::wechat::{Shipment, ShippingApi, ShippingError, Wechat};
use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
use crate::model::shipping::{Logistics, UploadEnd};
use crate::store::batch::Write;
use crate::store::payments::facts;
use crate::store::shipping_uploads::{self, DueUpload};
use crate::store::{StoreError, Tx, incidents};
use crate::{Error, Services, traces};

/// Longer than the four calls that one upload may take at a slow WeChat, so that no other server claims it meanwhile.
const LEASE: Duration = Duration::from_mins(1);
/// Bounds a run when much is due; the next run goes on.
const MAX_BATCHES: usize = 32;
/// Maximum characters of WeChat's words that are kept.
const MOST_WORDS: usize = 300;
/// Subject of the incident about a token that WeChat does not give, which concerns every upload.
const TOKEN: &str = "wechat access token";

/// Row of a payment that is about to be marked as paid; `None`: nothing is uploaded of it.
pub(crate) fn insert_upload(services: &Services, payment: &Payment, now: Timestamp) -> Option<Write> {
    let is_told = services.policy.shipping.is_some() && payment.product == Product::WechatMini;
    is_told.then(|| shipping_uploads::insert(payment, now))
}

/// Uploads the due shipping information. Returns how many payments it worked on.
pub async fn upload_shipping(services: &Services) -> Result<usize, Error> {
    let (Some(logistics), Some(api)) = (services.policy.shipping, services.gateways.shipping()) else {
        return Ok(0);
    };
    let claim = |limit| async move {
        let lease = services.lease(lease!(LEASE));
        let due: Vec<DueUpload> = services
            .db
            .write_one(|tx| async move { shipping_uploads::claim_due(tx, lease, limit).await }.boxed())
            .await?;
        Ok(due)
    };
    let work = |upload: DueUpload| async move {
        let id = &upload.payment_id;
        if let Err(error) = take_turn(services, api, logistics, &upload).await {
            tracing::warn!(payment.id = %id, error = logged(&error), "no end of the shipping upload of {id}");
        }
    };
    drain(MAX_BATCHES, || ready(Batch::full()), claim, work).await
}

/// Outcome of one try.
#[derive(Debug)]
enum Outcome {
    Done,
    Refunded,
    /// All of it is about to be refunded: if the refund fails, it is uploaded after all.
    Refunding,
    Failed {
        words: String,
        /// WeChat said no, so that a person must act; otherwise it may only be early or down.
        is_refusal: bool,
        /// It is about the token, and so about every upload.
        is_about_token: bool,
    },
}

impl Outcome {
    fn refused(words: &str) -> Outcome {
        Outcome::Failed {
            words: words.to_owned(),
            is_refusal: true,
            is_about_token: false,
        }
    }
}

impl From<ShippingError> for Outcome {
    fn from(error: ShippingError) -> Outcome {
        Outcome::Failed {
            words: error.to_string().chars().take(MOST_WORDS).collect(),
            is_refusal: error.is_refusal(),
            is_about_token: matches!(error, ShippingError::Token(_)),
        }
    }
}

async fn take_turn(
    services: &Services,
    api: &ShippingApi,
    logistics: Logistics,
    upload: &DueUpload,
) -> Result<(), Error> {
    let found = services
        .db
        .read_one(|tx| facts::find_with_order(tx, &upload.payment_id).boxed())
        .await?;
    let (payment, order) = &found.ok_or(Error::NotFound)?;
    let span = traces::job_span("upload shipping", &payment.payment_no);
    let outcome = attempt(services, api, logistics, payment, order)
        .instrument(span)
        .await;
    let outcome = &outcome;
    services
        .db
        .write(|tx| async move { record(services, tx, upload, payment, outcome).await }.boxed())
        .await
        .map_err(Error::Internal)
}

async fn attempt(
    services: &Services,
    api: &ShippingApi,
    logistics: Logistics,
    payment: &Payment,
    order: &Order,
) -> Outcome {
    let (amount, refunded) = (payment.amount.fen(), payment.refunded.fen());
    if refunded >= amount {
        return Outcome::Refunded;
    }
    if refunded + payment.refunding.fen() >= amount {
        return Outcome::Refunding;
    }
    if let Err(error) = services.gateways.require(payment) {
        return Outcome::refused(&error.to_string());
    }
    let (Some(transaction_id), Some(openid)) = (
        payment.transaction_id.as_deref(),
        Wechat::openid_of(&payment.request),
    ) else {
        return Outcome::refused(Sentence::OpenidErased.as_str());
    };
    let shipment = Shipment {
        payment_no: &payment.payment_no,
        transaction_id,
        openid: &openid,
        subject: &order.subject,
        logistics,
    };
    match api.upload(&shipment).await {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::from(error),
    }
}

async fn record(
    services: &Services,
    tx: &mut Tx<'_>,
    upload: &DueUpload,
    payment: &Payment,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let now = services.clock.now();
    let id = &payment.id;
    let next = schedule::next_shipping_upload(now, upload.n_tries, upload.created_at);
    match outcome {
        Outcome::Done => {
            shipping_uploads::end(tx, id, UploadEnd::Done, None, now).await?;
            incidents::settle(tx, IncidentKind::ShippingNotUploaded, TOKEN, now).await?;
            settle(tx, id, now).await
        }
        Outcome::Refunded => {
            shipping_uploads::end(tx, id, UploadEnd::Refunded, None, now).await?;
            settle(tx, id, now).await
        }
        Outcome::Refunding => match next {
            Some(due_at) => shipping_uploads::postpone(tx, id, due_at, None).await,
            None => shipping_uploads::end(tx, id, UploadEnd::GivenUp, None, now).await,
        },
        Outcome::Failed {
            words,
            is_refusal,
            is_about_token,
        } => {
            match next {
                Some(due_at) => shipping_uploads::postpone(tx, id, due_at, Some(words)).await?,
                None => shipping_uploads::end(tx, id, UploadEnd::GivenUp, Some(words), now).await?,
            }
            if *is_refusal && *is_about_token {
                raise(services, tx, incident_of(TOKEN, None, words)).await?;
            }
            let is_late = now >= upload.created_at + schedule::SHIPPING_PATIENCE;
            if is_late || (*is_refusal && !*is_about_token) {
                raise(services, tx, incident_of(id.as_str(), Some(id), words)).await?;
            }
            Ok(())
        }
    }
}

fn incident_of<'a>(subject: &'a str, payment_id: Option<&'a PaymentId>, words: &'a str) -> Incident<'a> {
    Incident {
        kind: IncidentKind::ShippingNotUploaded,
        subject,
        payment_id,
        detail: words,
        recurrence: Recurrence::OpensUnlessResolved,
    }
}

async fn settle(tx: &mut Tx<'_>, id: &PaymentId, now: Timestamp) -> Result<(), StoreError> {
    incidents::settle(tx, IncidentKind::ShippingNotUploaded, id.as_str(), now).await
}
