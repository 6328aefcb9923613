//! Fees of a day's statement in the ledger: posted once for each payment and refund, whatever is repeated.

use chrono::NaiveDate;
use domain::{Channel, RefundId, Timestamp};
use futures_util::FutureExt;

use crate::store::fee_entries::{self, FeePosting};
use crate::store::refunds::days::set_statement_day;
use crate::store::{StoreError, Tx};
use crate::{Error, Services};

/// Fee of a payment or a refund as its statement has it. Positive: the gateway took it.
#[derive(Debug)]
pub(super) struct Fee<'a> {
    pub reference: &'a str,
    /// The refund, whose day is noted too.
    pub refund: Option<RefundId>,
    pub fen: i64,
    /// Sum of the postings that was read with the row. `None`: not read, or the day of the refund is not noted yet.
    pub posted: Option<i64>,
}

impl Fee<'_> {
    fn is_posted(&self) -> bool {
        self.posted == Some(self.fen)
    }
}

/// Posts the fees of payments that have none yet, many by one statement. Returns those that are left: the others that are not
/// posted, and those of a statement that met a posting of another server.
async fn post_first<'f>(
    tx: &mut Tx<'_>,
    of: (NaiveDate, Channel),
    fees: &'f [Fee<'f>],
    now: Timestamp,
) -> Result<Vec<&'f Fee<'f>>, StoreError> {
    let is_first = |fee: &&Fee<'_>| fee.refund.is_none() && fee.posted == Some(0);
    let to_post = fees.iter().filter(|fee| !fee.is_posted());
    let (first, mut left): (Vec<_>, Vec<_>) = to_post.partition(is_first);
    for some in first.chunks(fee_entries::AT_ONCE) {
        let postings: Vec<(&str, i64)> = some.iter().map(|fee| (fee.reference, fee.fen)).collect();
        let n_inserted = fee_entries::insert_first(tx, of, &postings, now).await?;
        if usize::try_from(n_inserted) != Ok(postings.len() * 2) {
            left.extend(some);
        }
    }
    Ok(left)
}

/// Posts what is not posted yet. A statement that has been corrected posts the rest under a further number.
pub(super) async fn post_fees(
    services: &Services,
    (day, channel): (NaiveDate, Channel),
    fees: &[Fee<'_>],
) -> Result<(), Error> {
    if fees.iter().all(Fee::is_posted) {
        return Ok(());
    }
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                for fee in post_first(tx, (day, channel), fees, now).await? {
                    if let Some(id) = &fee.refund {
                        set_statement_day(tx, id, day).await?;
                    }
                    // Read again, because another server may have posted it since.
                    let (sum, n) = fee_entries::find_posted(tx, fee.reference, channel).await?;
                    let rest = fee.fen - sum;
                    if rest == 0 {
                        continue;
                    }
                    let kind = if fee.refund.is_some() {
                        "fee_returned"
                    } else {
                        "fee"
                    };
                    let posting = FeePosting {
                        journal: format!("{kind}:{}:{}", fee.reference, n + 1),
                        kind,
                        reference: fee.reference,
                        day,
                        channel,
                        fen: rest,
                    };
                    fee_entries::insert(tx, &posting, now).await?;
                }
                Ok(())
            }
            .boxed()
        })
        .await
}
