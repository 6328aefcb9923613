//! Daily figures, beside the day before and the same day of the week before.

use std::time::Duration;

use domain::{Method, Timestamp};
use futures_util::FutureExt;

use crate::calendar::midnight_before;
use crate::store::figures::{self, SumRow};
use crate::store::{StoreError, Tx};
use crate::{Error, Services};

const A_DAY: Duration = Duration::from_hours(24);

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

/// Figures of a span of whole days in Beijing, beside the span of the same length before.
#[derive(Debug, Clone)]
pub struct RangeOverview {
    pub span: Day,
    pub before: Day,
    /// Begin and fen of each day.
    pub by_day: Vec<(Timestamp, i64)>,
}

/// Longest span: a quarter.
const MAX_DAYS: u32 = 92;

/// A day, or a longer span of time.
#[derive(Debug, Clone)]
pub struct Day {
    pub from: Timestamp,
    /// Money received.
    pub gross: Sum,
    pub by_method: [(Method, Sum); 3],
    /// Fen by the hour, of the first day of a longer span.
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
        .map_err(Error::Internal)
}

/// Figures of these whole days, `to` exclusive. `None`: the span is empty or longer than [`MAX_DAYS`].
pub async fn read_range(
    services: &Services,
    from: Timestamp,
    to: Timestamp,
) -> Result<Option<RangeOverview>, Error> {
    let span = to.duration_since(from);
    if span.is_zero() || span > MAX_DAYS * A_DAY {
        return Ok(None);
    }
    services
        .db
        .snapshot(|tx| {
            async move {
                Ok(Some(RangeOverview {
                    span: read_day(tx, from, span).await?,
                    before: read_day(tx, from - span, span).await?,
                    by_day: read_days(tx, from, span).await?,
                }))
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

async fn read_days(
    tx: &mut Tx<'_>,
    from: Timestamp,
    span: Duration,
) -> Result<Vec<(Timestamp, i64)>, StoreError> {
    let mut days: Vec<(Timestamp, i64)> = (0..MAX_DAYS)
        .map(|n| from + n * A_DAY)
        .take_while(|day| *day < from + span)
        .map(|day| (day, 0))
        .collect();
    for (_, hour, _, fen) in figures::paid_by_hour(tx, from, from + span).await? {
        let day = usize::try_from(hour / 24).ok().and_then(|day| days.get_mut(day));
        if let Some((_, sum)) = day {
            *sum = sum.saturating_add(fen);
        }
    }
    Ok(days)
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
