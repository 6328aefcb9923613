//! Expiry job: query, close, query again; only then is a payment or an order over.

use std::future::ready;
use std::time::Duration;

use domain::{Channel, OrderId, Payment, PaymentNo, Report};
use futures_util::FutureExt;
use futures_util::future::join;

use crate::drain::{Batch, drain};
use crate::error::logged;
use crate::gateway::{Gateway, GatewayError};
use crate::order::cancel_expired;
use crate::payment::find_by_number;
use crate::payment::settle::{Rule, record_report};
use crate::store::{orders, payments};
use crate::{Error, Services};

/// Longer than all the calls to a slow gateway; a failed row is retried when the lease ends.
const LEASE: Duration = Duration::from_mins(1);
const MAX_CLOSES: u32 = 3;
/// Bounds a run when a gateway is slow and much is due; the next run goes on.
const MAX_BATCHES: usize = 16;

/// Ends every expired payment and order. Returns how many it processed.
pub async fn expire(services: &Services) -> Result<usize, Error> {
    let (at_wechat, at_alipay) = join(
        expire_payments_of(services, Channel::Wechat),
        expire_payments_of(services, Channel::Alipay),
    )
    .await;
    Ok(at_wechat? + at_alipay? + expire_orders(services).await?)
}

/// While a gateway is known not to answer, its expired payments wait: nothing can be closed there.
async fn expire_payments_of(services: &Services, channel: Channel) -> Result<usize, Error> {
    let claim = |limit| async move {
        let lease = services.lease(lease!(LEASE));
        let numbers: Vec<PaymentNo> = services
            .db
            .write_one(|tx| {
                async move { payments::claims::claim_expired(tx, lease, channel, limit).await }.boxed()
            })
            .await?;
        crash_point!("expire.after_claim");
        Ok(numbers)
    };
    let work = |number: PaymentNo| async move {
        if let Err(error) = expire_payment(services, &number).await {
            tracing::warn!(payment.no = %number, error = logged(&error), "{number} cannot be closed yet");
        }
    };
    drain(
        MAX_BATCHES,
        || Batch::admit_answering(services, channel),
        claim,
        work,
    )
    .await
}

async fn expire_payment(services: &Services, number: &PaymentNo) -> Result<(), Error> {
    let payment = find_by_number(services, number).await?;
    end_payment(services, &payment).await
}

async fn expire_orders(services: &Services) -> Result<usize, Error> {
    let claim = |limit| async move {
        let lease = services.lease(lease!(LEASE));
        let ids: Vec<OrderId> = services
            .db
            .write_one(|tx| async move { orders::claim_expired(tx, lease, limit).await }.boxed())
            .await?;
        crash_point!("expire.after_claim");
        Ok(ids)
    };
    let work = |id: OrderId| async move {
        if let Err(error) = cancel_expired(services, &id).await {
            tracing::warn!(order.id = %id, error = logged(&error), "{id} cannot be cancelled yet");
        }
    };
    drain(MAX_BATCHES, || ready(Batch::full()), claim, work).await
}

/// Ends an open payment: query, close, query again. When this returns `Ok`, it is not open any more; it may be paid.
///
/// Closing without a final query would lose a payment at the last second (T-28), and the answer to *close* alone is no
/// proof (T-29).
pub(crate) async fn end_payment(services: &Services, payment: &Payment) -> Result<(), Error> {
    let Some(channel) = payment.method().channel() else {
        return Ok(());
    };
    let unreachable = |source| Error::Unreachable { channel, source };
    let gateway = services
        .gateways
        .require_answering(payment)
        .map_err(unreachable)?;
    let report = gateway.query(&payment.payment_no).await.map_err(unreachable)?;
    if matches!(report, Report::Paid(_) | Report::Closed) {
        record_report(services, payment, &report, Rule::Settle).await?;
    } else {
        close_and_ask(services, gateway, payment).await?;
    }
    // A trade that is payable after its close is a stale read; money that does not fit waits for a person.
    if find_by_number(services, &payment.payment_no)
        .await?
        .state
        .is_open()
    {
        return Err(unreachable(GatewayError::unknown(
            "the gateway's last answer does not end the payment",
        )));
    }
    Ok(())
}

/// Closes and queries. A create call in progress may arrive between the two: then the trade is payable although the close
/// was confirmed, and is closed once more.
async fn close_and_ask(services: &Services, gateway: &Gateway, payment: &Payment) -> Result<(), Error> {
    let unreachable = |source| Error::Unreachable {
        channel: gateway.channel(),
        source,
    };
    for _ in 0..MAX_CLOSES {
        gateway
            .ensure_closed(&payment.payment_no)
            .await
            .map_err(unreachable)?;
        let report = gateway.query(&payment.payment_no).await.map_err(unreachable)?;
        record_report(services, payment, &report, Rule::Lapse).await?;
        if report != Report::Unpaid {
            return Ok(());
        }
    }
    Ok(())
}
