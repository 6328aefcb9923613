//! Safe repair: what the statement knows and the books do not is asked at the gateway. Only the signed answer changes
//! anything, by the functions that every report goes through.

use futures_util::FutureExt;

use super::comparison::Question;
use crate::error::logged;
use crate::payment::settle::{Rule, record_report};
use crate::refund::question_refund;
use crate::store::payments;
use crate::{Error, Services};
use domain::{PaymentNo, Settlement};

/// Limits the queries of one run; the next run asks the others.
const MAX_QUESTIONS: usize = 200;

/// Asks the gateway. Returns whether an answer changed the books.
pub(super) async fn ask_gateway(services: &Services, questions: &[Question]) -> Result<bool, Error> {
    let mut has_changed = false;
    for question in questions.iter().take(MAX_QUESTIONS) {
        let answer = match question {
            Question::Payment(number) => question_payment(services, number).await,
            Question::Refund(id) => question_refund(services, id).await,
        };
        match answer {
            Ok(is_changed) => has_changed |= is_changed,
            Err(error @ Error::Internal(_)) => return Err(error),
            Err(error) => {
                tracing::warn!(error = logged(&error), ?question, "no answer about a difference");
            }
        }
    }
    Ok(has_changed)
}

async fn question_payment(services: &Services, number: &PaymentNo) -> Result<bool, Error> {
    let (payment, _) = services
        .db
        .read_one(|tx| async move { payments::find_by_number(tx, number).await }.boxed())
        .await?
        .ok_or(Error::NotFound)?;
    let Some(channel) = payment.method().channel() else {
        return Ok(false);
    };
    let unreachable = |source| Error::Unreachable { channel, source };
    let gateway = services.gateways.require(&payment).map_err(unreachable)?;
    let report = gateway.query(number).await.map_err(unreachable)?;
    let settlement = record_report(services, &payment, &report, Rule::Settle).await?;
    Ok(settlement != Settlement::Unchanged)
}
