//! Reads of reconciliations.

use chrono::NaiveDate;
use domain::{Channel, Timestamp};
use futures_util::FutureExt;

use super::ReconciledDay;
use crate::gateway::Gateway;
use crate::gateway::bill::BillDay;
use crate::model::reconciliation::{DaySums, Reconciliation};
use crate::pagination::{Page, page};
use crate::store::{StoreError, Tx, fee_entries, figures, reconciliation_differences, reconciliations};
use crate::{Error, Services};

/// A day as it was recorded, and the books as they are now: another sum in a closed day is a later change.
#[derive(Debug)]
pub struct DayNow {
    pub day: ReconciledDay,
    /// Payments of this day and account, and fees posted for its statement, now.
    pub payments: i64,
    pub fees: i64,
}

impl DayNow {
    /// Payments are compared by `>`: no payment is ever taken back, and the recorded sum has more than the day when the
    /// statement lists a payment of another day.
    pub fn has_changed(&self) -> bool {
        let recorded: DaySums = self.day.row.figures.books;
        self.day.row.finished_at.is_some()
            && (self.payments > recorded.payments || self.fees != recorded.fees)
    }
}

async fn with_differences(tx: &mut Tx<'_>, row: Reconciliation) -> Result<ReconciledDay, StoreError> {
    let differences = reconciliation_differences::list(tx, row.day, row.channel).await?;
    Ok(ReconciledDay { row, differences })
}

pub async fn find_day(services: &Services, day: NaiveDate, channel: Channel) -> Result<ReconciledDay, Error> {
    services
        .db
        .snapshot(|tx| {
            async move {
                let row = reconciliations::find(tx, day, channel)
                    .await?
                    .ok_or(Error::NotFound)?;
                Ok(with_differences(tx, row).await?)
            }
            .boxed()
        })
        .await
}

/// A day beside what the books say now.
pub async fn find_day_now(services: &Services, day: NaiveDate, channel: Channel) -> Result<DayNow, Error> {
    let span = BillDay::of(day).ok_or(Error::NotFound)?;
    let account = services.gateways.get(channel).map(Gateway::account);
    services
        .db
        .snapshot(|tx| {
            async move {
                let row = reconciliations::find(tx, day, channel)
                    .await?
                    .ok_or(Error::NotFound)?;
                let paid = figures::paid_through(tx, (channel, account), span.from, span.to).await?;
                let fees = fee_entries::sum_of_day(tx, day, channel).await?;
                Ok(DayNow {
                    day: with_differences(tx, row).await?,
                    payments: paid,
                    fees,
                })
            }
            .boxed()
        })
        .await
}

/// Newest day first. The cursor is a day, a space and a gateway.
pub async fn list_days(
    services: &Services,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<ReconciledDay>, Error> {
    let days = services
        .db
        .snapshot(|tx| {
            async move {
                let mut days = Vec::new();
                for row in reconciliations::list(tx, cursor, i64::from(limit) + 1).await? {
                    days.push(with_differences(tx, row).await?);
                }
                Ok::<_, StoreError>(days)
            }
            .boxed()
        })
        .await?;
    Ok(page(days, limit, |day: &ReconciledDay| {
        format!("{} {}", day.row.day, day.row.channel)
    }))
}

/// Days of a span, without their differences, newest first.
pub async fn list_days_between(
    services: &Services,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Reconciliation>, Error> {
    services
        .db
        .read_one(|tx| async move { reconciliations::list_between(tx, from, to).await }.boxed())
        .await
        .map_err(Error::Internal)
}

/// Beijing day of an instant.
pub(super) fn day_of(at: Timestamp) -> Option<NaiveDate> {
    crate::calendar::beijing(at).get(..10)?.parse().ok()
}
