//! Refused repeats of a create call: the first call may have succeeded, so the gateway is queried (T-56).

use domain::{Payment, PaymentState, Report};

use crate::gateway::Gateway;
use crate::payment::expire::end_payment;
use crate::payment::find_by_number;
use crate::payment::settle::{Rule, record_report};
use crate::{Error, Services};

/// State that an earlier call has left the payment in; `None`: the gateway has no such trade, so that the refusal counts.
///
/// A trade that can still be paid is closed: the gateway returns no code for it any more, and the next call is about
/// another payment.
pub(super) async fn find_taken(
    services: &Services,
    gateway: &Gateway,
    payment: &Payment,
) -> Result<Option<PaymentState>, Error> {
    let report = gateway
        .query(&payment.payment_no)
        .await
        .map_err(|source| Error::Unreachable {
            channel: gateway.channel(),
            source,
        })?;
    match &report {
        Report::Absent | Report::Declined(_) => return Ok(None),
        Report::Unpaid => end_payment(services, payment).await?,
        Report::Paid(_) | Report::Closed => {
            record_report(services, payment, &report, Rule::Settle).await?;
        }
    }
    Ok(Some(find_by_number(services, &payment.payment_no).await?.state))
}
