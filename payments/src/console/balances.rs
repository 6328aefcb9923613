//! Correcting what a user has: the entry and the line about it are one transaction.

use domain::Money;
use futures_util::FutureExt;

use super::{Act, Action, Visit, record};
use crate::balance::{Adjustment, check_adjustment, write_adjustment};
use crate::{Error, Made, Services};

/// Sent twice, it is one adjustment and one line.
pub async fn adjust_balance(
    services: &Services,
    visit: &Visit,
    adjustment: &Adjustment,
) -> Result<(), Error> {
    check_adjustment(adjustment)?;
    let now = services.clock.now();
    let detail = &detail_of(adjustment);
    services
        .db
        .write(|tx| {
            async move {
                let Made::New(_) = write_adjustment(tx, adjustment, now).await? else {
                    return Ok(());
                };
                let act = Act {
                    action: Action::AdjustBalance,
                    subject: &adjustment.user_id,
                    detail,
                };
                record(tx, visit, act, now).await?;
                Ok(())
            }
            .boxed()
        })
        .await
}

fn detail_of(adjustment: &Adjustment) -> String {
    let fen = adjustment.change.fen();
    let sign = if fen < 0 { "-" } else { "+" };
    let amount = Money::from_sum(fen.saturating_abs())
        .unwrap_or_default()
        .to_yuan();
    format!("{} {sign}¥{amount}: {}", adjustment.number, adjustment.note)
}
