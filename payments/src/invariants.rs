//! Audit: every invariant that a query can check.

use crate::audit_log::count_broken_entries;
use crate::store::{append_only, invariants as questions};
use crate::{Error, Services};
use futures_util::FutureExt;

/// One invariant and the number of rows that break it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub name: &'static str,
    pub n_broken: usize,
}

/// Checks all invariants on one unchanging snapshot.
pub async fn check_invariants(services: &Services) -> Result<Vec<Finding>, Error> {
    services
        .db
        .snapshot(|tx| {
            async move {
                let mut findings = Vec::new();
                for invariant in questions::invariants() {
                    let n_broken = questions::count_broken(tx, invariant.sql).await?;
                    findings.push(Finding {
                        name: invariant.name,
                        n_broken,
                    });
                }
                findings.push(Finding {
                    name: "the database refuses to change or remove what is in the books and in the audit log",
                    n_broken: append_only::count_missing(tx).await?,
                });
                findings.push(Finding {
                    name: "every line of the audit log follows from the one before",
                    n_broken: count_broken_entries(tx).await?,
                });
                Ok(findings)
            }
            .boxed()
        })
        .await
}
