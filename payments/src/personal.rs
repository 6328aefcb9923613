//! Personal data of one user: export and erasure.
//!
//! Ledger, orders and audit log stay, as the law on trade records requires. They contain only the user id that the merchant
//! chose: a pseudonym once the merchant has deleted the person's data.

use std::collections::BTreeMap;

use domain::{Order, Payment, Refund, Timestamp, schedule};
use futures_util::FutureExt;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::console::{Act, Action, Actor, note_act, open_file};
use crate::store::{StoreError, events, personal};
use crate::{Error, OrderFilter, Services, find_balance, list_entries, list_orders, rfc3339};

const PAGE: u32 = 100;

/// Number of rows erased for one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    pub n_orders: usize,
    /// Open payments, which keep the request of their create call.
    pub n_open: usize,
}

/// Exports all stored data of a user; recorded in the audit log.
pub async fn export_user(services: &Services, actor: &Actor, user_id: &str) -> Result<Value, Error> {
    let balance = find_balance(services, user_id).await?;
    let (mut entries, mut before) = (Vec::new(), None);
    loop {
        let page = list_entries(services, user_id, before, PAGE).await?;
        before = page.data.last().map(|entry| entry.seq);
        entries.extend(page.data.iter().map(|entry| {
            json!({
                "id": entry.id,
                "kind": entry.kind.as_str(),
                "amount": entry.amount.fen(),
                "balanceAfter": entry.balance_after.fen(),
                "reference": entry.reference,
                "note": entry.note,
                "createdAt": rfc3339(entry.created_at),
            })
        }));
        if page.next_cursor.is_none() {
            break;
        }
    }
    let mut orders = Vec::new();
    for order in orders_of(services, user_id).await? {
        orders.push(export_order(services, &order).await?);
    }
    let act = Act {
        action: Action::ExportUser,
        subject: user_id,
        detail: &format!("{} orders, {} entries", orders.len(), entries.len()),
    };
    note_act(services, actor, act).await?;
    Ok(json!({
        "userId": user_id,
        "exportedAt": rfc3339(services.clock.now()),
        "balance": {
            "available": balance.available.fen(),
            "frozen": balance.frozen.fen(),
            "updatedAt": balance.updated_at.map(rfc3339),
        },
        "entries": entries,
        "orders": orders,
    }))
}

async fn orders_of(services: &Services, user_id: &str) -> Result<Vec<Order>, Error> {
    let (mut orders, mut cursor) = (Vec::new(), None);
    loop {
        let filter = OrderFilter {
            user_id: Some(user_id.to_owned()),
            limit: PAGE,
            cursor,
            ..OrderFilter::default()
        };
        let page = list_orders(services, filter).await?;
        orders.extend(page.data);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(orders);
        }
    }
}

async fn export_order(services: &Services, order: &Order) -> Result<Value, Error> {
    let file = open_file(services, &order.id).await?;
    let time = |at: Option<Timestamp>| at.map(rfc3339);
    let notifications: Vec<Value> = file
        .notifications
        .iter()
        .map(|notification| {
            json!({
                "gateway": notification.channel.as_str(),
                "id": notification.id,
                "receivedAt": rfc3339(notification.received_at),
                "message": notification.masked(),
            })
        })
        .collect();
    let notes: Vec<Value> = file
        .notes
        .iter()
        .map(|note| json!({"text": note.text, "createdAt": rfc3339(note.created_at)}))
        .collect();
    let metadata = order
        .metadata
        .as_deref()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    Ok(json!({
        "id": order.id.as_str(),
        "orderNo": order.order_no.as_str(),
        "subject": order.subject,
        "amount": order.amount.fen(),
        "status": order.status().as_str(),
        "returnUrl": order.return_url,
        "metadata": metadata,
        "createdAt": rfc3339(order.created_at),
        "paidAt": time(order.paid_at.map(|at| at.max(order.created_at))),
        "cancelReason": order.cancel_reason,
        "payments": file.payments.iter().map(export_payment).collect::<Vec<Value>>(),
        "refunds": file.refunds.iter().map(export_refund).collect::<Vec<Value>>(),
        "notifications": notifications,
        "notes": notes,
    }))
}

fn export_payment(payment: &Payment) -> Value {
    json!({
        "id": payment.id.as_str(),
        "paymentNo": payment.payment_no.as_str(),
        "method": payment.method().as_str(),
        "product": payment.product.name(),
        "amount": payment.amount.fen(),
        "status": payment.status().as_str(),
        "transactionId": payment.transaction_id,
        "createdAt": rfc3339(payment.created_at),
        "paidAt": payment.paid_at.map(|at| rfc3339(at.max(payment.created_at))),
    })
}

fn export_refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id.as_str(),
        "refundNo": refund.refund_no.as_str(),
        "paymentId": refund.payment_id.as_str(),
        "amount": refund.amount.fen(),
        "reason": refund.reason,
        "status": refund.state.as_str(),
        "createdAt": rfc3339(refund.created_at),
        "finishedAt": refund.finished_at.map(|at| rfc3339(at.max(refund.created_at))),
    })
}

/// Erases the personal data of a user: metadata and return addresses of orders, ids and addresses of the payer,
/// notifications, the gateway log, and notes. It may be run again.
pub async fn forget_user(services: &Services, actor: &Actor, user_id: &str) -> Result<Erased, Error> {
    let mut erased = Erased::default();
    // Older rows are left from a time in which uploads were wanted.
    let uploads_since = services.clock.now() - schedule::SHIPPING_LIFE;
    for order in orders_of(services, user_id).await? {
        let id = &order.id;
        let n_open = services
            .db
            .write(|tx| personal::erase_order(tx, id, uploads_since).boxed())
            .await?;
        erased.n_orders += 1;
        erased.n_open += usize::try_from(n_open).unwrap_or(usize::MAX);
    }
    erase_from_events(services, user_id).await?;
    let act = Act {
        action: Action::ForgetUser,
        subject: user_id,
        detail: &format!(
            "{} orders, {} payments still open",
            erased.n_orders, erased.n_open
        ),
    };
    note_act(services, actor, act).await?;
    Ok(erased)
}

/// Members of an event's object that may name a person.
const PERSONAL: [&str; 2] = ["metadata", "returnUrl"];

/// Takes what may name a person out of the events of the user's orders; the feed keeps them.
async fn erase_from_events(services: &Services, user_id: &str) -> Result<(), StoreError> {
    let found = services
        .db
        .read_one(|tx| async move { events::list_of_user(tx, user_id).await }.boxed())
        .await?;
    for (id, data) in &found {
        let mut members: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(data).map_err(|_| StoreError::Corrupt("events.data"))?;
        let mut is_changed = false;
        for name in PERSONAL {
            if let Some(value) = members.get_mut(name).filter(|value| value.get() != "null") {
                *value = RawValue::NULL.to_owned();
                is_changed = true;
            }
        }
        if is_changed {
            let data = &serde_json::to_string(&members).map_err(|_| StoreError::Corrupt("events.data"))?;
            services
                .db
                .write(|tx| async move { events::replace_data(tx, id, data).await }.boxed())
                .await?;
        }
    }
    Ok(())
}
