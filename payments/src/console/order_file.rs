//! Order file: everything known about one order, in order of time.

use domain::ledger::EntryKind;
use domain::{Channel, Method, Money, Order, OrderId, Payment, PaymentNo, PaymentState, Refund, Timestamp};
use futures_util::FutureExt;

use super::attention::Incident;
use super::calls::GatewayCall;
use super::requesters::{Requesters, by_subject};
use super::{Act, Action, Actor, AuditEntry, note_act, perform};
use crate::model::shipping::UploadEnd;
use crate::store::shipping_uploads::{self, UploadRow};
use crate::store::{
    StoreError, Tx, audit_log, gateway_calls, incidents, ledger, notes, notifications, orders, parse_rows,
    payments, refunds, requesters,
};
use crate::{Error, Services, run_to_end, try_to_write_calls};

#[derive(Debug, Clone)]
pub struct OrderFile {
    pub order: Order,
    /// Newest first.
    pub payments: Vec<Payment>,
    /// Newest first, over all payments.
    pub refunds: Vec<Refund>,
    /// Shipping information of its payments in a mini program.
    pub uploads: Vec<ShippingUpload>,
    /// Oldest first; gateway log of the last weeks.
    pub calls: Vec<GatewayCall>,
    pub notifications: Vec<KeptNotification>,
    pub incidents: Vec<Incident>,
    pub notes: Vec<Note>,
    /// Ledger postings, oldest first.
    pub postings: Vec<Posting>,
    pub acts: Vec<AuditEntry>,
    /// Requesters of its refunds and its cancellation; automatic ones have none.
    pub requesters: Requesters,
}

/// Upload of a payment's shipping information (发货信息) to WeChat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingUpload {
    pub payment_id: String,
    pub state: UploadState,
    /// WeChat's words at the last try that failed.
    pub detail: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadState {
    /// The next try is due at this time.
    Waiting(Timestamp),
    Ended(UploadEnd, Timestamp),
}

impl TryFrom<UploadRow> for ShippingUpload {
    type Error = StoreError;

    fn try_from(row: UploadRow) -> Result<ShippingUpload, StoreError> {
        let end = row.outcome.as_deref().and_then(UploadEnd::parse);
        let at = |millis: Option<i64>| {
            millis
                .map(Timestamp::from_millis)
                .ok_or(StoreError::Corrupt("shipping_uploads"))
        };
        Ok(ShippingUpload {
            payment_id: row.payment_id,
            state: match end {
                Some(end) => UploadState::Ended(end, at(row.ended_at)?),
                None => UploadState::Waiting(at(row.due_at)?),
            },
            detail: row.detail,
        })
    }
}

/// Stored notification of a gateway, as received.
#[derive(Debug, Clone)]
pub struct KeptNotification {
    pub channel: Channel,
    pub id: String,
    pub payment_no: String,
    pub order_id: Option<OrderId>,
    pub headers: String,
    pub body: String,
    pub verdict: String,
    pub received_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Note {
    pub author: String,
    pub text: String,
    pub created_at: Timestamp,
}

/// One posting, with the account names of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    pub kind: EntryKind,
    /// Id of the payment or the refund that was posted.
    pub reference: String,
    pub from: String,
    pub to: String,
    pub amount: Money,
    pub at: Timestamp,
}

impl TryFrom<notifications::KeptRow> for KeptNotification {
    type Error = StoreError;

    fn try_from(row: notifications::KeptRow) -> Result<KeptNotification, StoreError> {
        Ok(KeptNotification {
            channel: Method::parse(&row.channel)
                .and_then(Method::channel)
                .ok_or(StoreError::Corrupt("notices.channel"))?,
            id: row.notification_id,
            payment_no: row.payment_no,
            order_id: row.order_id.as_deref().and_then(OrderId::parse),
            headers: row.headers,
            body: row.body,
            verdict: row.verdict,
            received_at: Timestamp::from_millis(row.received_at),
        })
    }
}

impl From<notes::NoteRow> for Note {
    fn from(row: notes::NoteRow) -> Note {
        Note {
            author: row.author,
            text: row.text,
            created_at: Timestamp::from_millis(row.created_at),
        }
    }
}

impl TryFrom<ledger::PostingRow> for Posting {
    type Error = StoreError;

    fn try_from(row: ledger::PostingRow) -> Result<Posting, StoreError> {
        Ok(Posting {
            kind: EntryKind::parse(&row.kind).ok_or(StoreError::Corrupt("entries.kind"))?,
            reference: row.reference,
            from: row.giver,
            to: row.taker,
            amount: Money::from_fen(row.amount).map_err(|_| StoreError::Corrupt("entries.amount"))?,
            at: Timestamp::from_millis(row.created_at),
        })
    }
}

pub async fn open_file(services: &Services, id: &OrderId) -> Result<OrderFile, Error> {
    // After a query its answer must be shown. The write goes on when the page is closed.
    let writing = services.clone();
    run_to_end(async move { try_to_write_calls(&writing).await }).await;
    services
        .db
        .snapshot(|tx| async move { read_order_file(tx, id).await }.boxed())
        .await
}

async fn read_order_file(tx: &mut Tx<'_>, id: &OrderId) -> Result<OrderFile, Error> {
    let order = orders::find(tx, id).await?.ok_or(Error::NotFound)?;
    let payments = payments::of_order(tx, id).await?;
    let mut all_refunds = Vec::new();
    for payment in payments
        .iter()
        .filter(|payment| payment.state == PaymentState::Paid)
    {
        all_refunds.extend(refunds::of_payment(tx, &payment.id).await?);
    }
    all_refunds.sort_by(|left, right| right.id.cmp(&left.id));
    let mut postings: Vec<Posting> = parse_rows(ledger::of_order(tx, id).await?)?;
    // A balance refund is requested and done in the same instant.
    postings.sort_by_key(|posting| (posting.at, posting.kind == EntryKind::Refund));
    Ok(OrderFile {
        postings,
        notifications: parse_rows(notifications::of_order(tx, id).await?)?,
        calls: parse_rows(gateway_calls::of_order(tx, id).await?)?,
        uploads: parse_rows(shipping_uploads::of_order(tx, id).await?)?,
        incidents: incidents::of_order(tx, id)
            .await?
            .into_iter()
            .map(Incident::from)
            .collect(),
        notes: notes::of_order(tx, id)
            .await?
            .into_iter()
            .map(Note::from)
            .collect(),
        acts: audit_log::of_subject(tx, id.as_str())
            .await?
            .into_iter()
            .map(AuditEntry::from)
            .collect(),
        requesters: by_subject(requesters::of_order(tx, id).await?),
        order,
        payments,
        refunds: all_refunds,
    })
}

/// Adds a note to an order.
pub async fn write_note(
    services: &Services,
    actor: &Actor,
    order_id: &OrderId,
    text: &str,
) -> Result<(), Error> {
    let now = services.clock.now();
    let id = &format!(
        "note_{}",
        OrderId::new(now, services.clock.entropy())
            .as_str()
            .trim_start_matches("ord_")
    );
    let act = Act {
        action: Action::WriteNote,
        subject: order_id.as_str(),
        detail: id,
    };
    perform(services, actor, act, &|tx| {
        async move {
            orders::find(tx, order_id).await?.ok_or(Error::NotFound)?;
            Ok(notes::insert(tx, id, order_id, &actor.email, text, now).await?)
        }
        .boxed()
    })
    .await
}

/// Queries the gateway about every unpaid payment of the order, and records it in the audit log.
pub async fn ask_about_order(services: &Services, actor: &Actor, order_id: &OrderId) -> Result<(), Error> {
    let file = open_file(services, order_id).await?;
    let numbers: Vec<&PaymentNo> = file.payments.iter().map(|payment| &payment.payment_no).collect();
    let detail = &numbers
        .iter()
        .map(|number| number.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let act = Act {
        action: Action::AskGateway,
        subject: order_id.as_str(),
        detail,
    };
    note_act(services, actor, act).await?;
    for number in numbers {
        crate::query_payment(services, number, None).await?;
    }
    Ok(())
}
