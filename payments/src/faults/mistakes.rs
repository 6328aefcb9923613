//! Code of the planted bugs.

use domain::refund::left;
use domain::{Order, Payment, PaymentId, PaymentState, Report};
use futures_util::FutureExt;

use crate::ledger::post_payment;
use crate::refund::{RefundRequest, authorise_refund, claimed};
use crate::store::payments::facts;
use crate::store::{StoreError, Tx, mistakes};
use crate::{Error, Services};

/// Credits a paid payment again, without its journal's protection against duplicates.
pub(crate) async fn credit_again(
    services: &Services,
    tx: &mut Tx<'_>,
    payment: &Payment,
    order: &Order,
) -> Result<(), Error> {
    if payment.state != PaymentState::Paid {
        return Ok(());
    }
    let now = services.clock.now();
    let again = Payment {
        id: PaymentId::new(now, services.clock.entropy()),
        ..payment.clone()
    };
    post_payment(tx, Vec::new(), &again, order, true, now).await
}

/// Checks a refund apart from its insert: two concurrent requests pass the same check.
pub(crate) async fn check_apart(services: &Services, request: &RefundRequest) -> Result<(), Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let facts = facts::find_for_refund(tx, &request.payment_id, None, now)
                    .await?
                    .ok_or(Error::NotFound)?;
                let rest = left(facts.payment.amount, claimed(&facts.payment)?);
                authorise_refund(&facts, request.amount.unwrap_or(rest), now)
            }
            .boxed()
        })
        .await
}

/// Closes by the state that was read before the gateway was queried.
pub(crate) async fn close_blindly(
    services: &Services,
    payment: &Payment,
    report: &Report,
) -> Result<(), Error> {
    if matches!(report, Report::Paid(_)) {
        return Ok(());
    }
    services
        .db
        .write(|tx| async move { mistakes::close_blindly(tx, payment).await }.boxed())
        .await
        .map_err(Error::Internal)
}
