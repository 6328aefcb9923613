//! Daily figures, beside the day before and the same day of the week before.

use std::time::Duration;

use domain::{Method, Timestamp};
use futures_util::FutureExt;

use crate::calendar::midnight_before;
use crate::store::figures::{self, SumRow};
use crate::store::{StoreError, Tx};
use crate::{Error, Services};

const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// Days in Beijing.
#[derive(Debug, Clone)]
pub struct Overview {
    pub today: Day,
    /// Until this hour.
    pub yesterday: Day,
    pub whole_yesterday: Day,
    /// Until this hour.
    pub last_week: Day,
}

#[derive(Debug, Clone)]
pub struct Day {
    pub from: Timestamp,
    /// Money received.
    pub gross: Sum,
    pub by_method: [(Method, Sum); 3],
    /// Fen by the hour.
    pub by_hour: [i64; 24],
    /// Money refunded.
    pub refunded: Sum,
    pub n_orders: i64,
    /// Paid orders among those created on this day, whenever they were paid.
    pub n_orders_paid: i64,
    /// Over the last thousand paid orders.
    pub median_to_paid: Option<Duration>,
    /// Over the last thousand notifications.
    pub callback_delay_p50: Option<Duration>,
    pub callback_delay_p95: Option<Duration>,
}

/// Count and sum in fen, which may exceed one [`domain::Money`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    pub n: i64,
    pub fen: i64,
}

impl From<SumRow> for Sum {
    fn from(row: SumRow) -> Sum {
        Sum {
            n: row.n,
            fen: row.fen,
        }
    }
}

impl Sum {
    fn add(&mut self, n: i64, fen: i64) {
        self.n = self.n.saturating_add(n);
        self.fen = self.fen.saturating_add(fen);
    }
}

pub async fn read_overview(services: &Services) -> Result<Overview, Error> {
    let now = services.clock.now();
    let today = midnight_before(now);
    // The other days are cut at the same time of day, or every morning would look like a collapse.
    let so_far = now.duration_since(today);
    services
        .db
        .snapshot(|tx| {
            async move {
                Ok(Overview {
                    today: read_day(tx, today, so_far).await?,
                    yesterday: read_day(tx, today - A_DAY, so_far).await?,
                    whole_yesterday: read_day(tx, today - A_DAY, A_DAY).await?,
                    last_week: read_day(tx, today - 7 * A_DAY, so_far).await?,
                })
            }
            .boxed()
        })
        .await
        .map_err(|error: StoreError| Error::Internal(error))
}

async fn read_day(tx: &mut Tx<'_>, from: Timestamp, span: Duration) -> Result<Day, StoreError> {
    let to = from + span;
    let mut gross = Sum::default();
    let mut by_method = Method::ALL.map(|method| (method, Sum::default()));
    let mut by_hour = [0_i64; 24];
    for (method, hour, n, fen) in figures::paid_by_hour(tx, from, to).await? {
        gross.add(n, fen);
        for (known, sum) in &mut by_method {
            if known.as_str() == method {
                sum.add(n, fen);
            }
        }
        if let Some(slot) = usize::try_from(hour).ok().and_then(|hour| by_hour.get_mut(hour)) {
            *slot = slot.saturating_add(fen);
        }
    }
    let (n_orders, n_orders_paid) = figures::orders(tx, from, to).await?;
    let delay = figures::callback_delay(tx, from, to).await?;
    Ok(Day {
        from,
        gross,
        by_method,
        by_hour,
        refunded: figures::refunded(tx, from, to).await?.into(),
        n_orders,
        n_orders_paid,
        median_to_paid: millis_to_duration(figures::median_to_paid(tx, from, to).await?),
        callback_delay_p50: millis_to_duration(delay.p50),
        callback_delay_p95: millis_to_duration(delay.p95),
    })
}

/// Gateways write whole seconds, so a notification may seem to precede its payment.
fn millis_to_duration(millis: Option<i64>) -> Option<Duration> {
    millis.map(|millis| Duration::from_millis(u64::try_from(millis).unwrap_or(0)))
}
