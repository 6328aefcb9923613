//! Works through a queue of due rows: claims a batch, works on its rows concurrently, and goes on while batches come full.

use domain::{Channel, PaymentNo};
use futures_util::{StreamExt, stream};

use crate::gateway::Gateway;
use crate::{Error, Services};

/// Rows of a batch. All of them are worked on at once, so that no lease ends while its row waits.
const BATCH: usize = 8;
/// Number of a payment that does not exist. It is always the same, so that the gateway log keeps one row of it.
const PROBE_NUMBER: &str = "TONGQIANPROBE";

/// Number of rows that a job may claim now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'s> {
    n_rows: usize,
    /// Gateway that does not answer: one call shows whether it has recovered.
    probed: Option<&'s Gateway>,
}

impl<'s> Batch<'s> {
    /// A batch of rows that need no gateway, or one whose calls are not limited.
    pub fn full() -> Batch<'s> {
        Batch {
            n_rows: BATCH,
            probed: None,
        }
    }

    fn empty() -> Batch<'s> {
        Batch {
            n_rows: 0,
            probed: None,
        }
    }

    /// Admits as many rows as the gateway may be called about at once: fewer at one that is slow, and one now and then at one
    /// that does not answer.
    pub fn admit(services: &'s Services, channel: Channel) -> Batch<'s> {
        let Some(gateway) = services.gateways.get(channel) else {
            // Each call fails at once as not configured.
            return Batch::full();
        };
        let (n_rows, is_probe) = gateway.admit_calls(BATCH);
        Batch {
            n_rows,
            probed: is_probe.then_some(gateway),
        }
    }

    /// Admits rows that need a gateway that answers. One that did not is probed first, when a probe is due.
    pub async fn admit_answering(services: &'s Services, channel: Channel) -> Batch<'s> {
        let batch = Batch::admit(services, channel);
        if batch.n_rows > 0 {
            batch.probe().await;
        }
        let gateway = services.gateways.get(channel);
        if gateway.is_none_or(Gateway::has_closed_circuit) {
            Batch::full()
        } else {
            Batch::empty()
        }
    }

    /// Whether the queue is left after this batch. A partial one means that no more was due: what falls due meanwhile waits
    /// for the next run, or a slow gateway would keep this run going for ever.
    fn is_last(self, n_due: usize) -> bool {
        self.probed.is_some() || n_due < self.n_rows
    }

    /// Asks a gateway that does not answer about a payment that does not exist.
    async fn probe(self) {
        let number = PaymentNo::parse(PROBE_NUMBER).expect("these are letters");
        if let Some(gateway) = self.probed
            && let Err(error) = gateway.query(&number).await
        {
            let channel = gateway.channel();
            tracing::debug!(%channel, "{channel} is still not answering: {error}");
        }
    }
}

/// Drains a queue: `admit` says before each batch how many rows may be claimed, `claim` claims at most so many, `work` works
/// on one. Returns how many rows there were.
pub(crate) async fn drain<'s, R, Admit, Claim, Work>(
    max_batches: usize,
    admit: impl Fn() -> Admit,
    claim: impl Fn(i64) -> Claim,
    work: impl Fn(R) -> Work,
) -> Result<usize, Error>
where
    Admit: Future<Output = Batch<'s>>,
    Claim: Future<Output = Result<Vec<R>, Error>>,
    Work: Future<Output = ()>,
{
    let mut n_done = 0;
    for _ in 0..max_batches {
        let batch = admit().await;
        if batch.n_rows == 0 {
            break;
        }
        let limit = i64::try_from(batch.n_rows).expect("a batch is small");
        let rows = claim(limit).await?;
        let n_due = rows.len();
        n_done += n_due;
        if n_due == 0 {
            // No due row shows whether the gateway has recovered.
            batch.probe().await;
            break;
        }
        stream::iter(rows).for_each_concurrent(BATCH, &work).await;
        if batch.is_last(n_due) {
            break;
        }
    }
    Ok(n_done)
}
