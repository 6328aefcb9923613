//! Requesters for display: the person or API key behind a refund, an adjustment or a cancellation.

use std::collections::BTreeMap;

use futures_util::FutureExt;

use crate::store::requesters::{self, RequesterRow};
use crate::{Error, Services};

/// Displayed requester.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestedBy {
    /// The address of a person.
    Person(String),
    ApiKey {
        name: String,
        last4: String,
    },
}

/// Requesters by the id of the refund or order, or by the number of the adjustment.
pub type Requesters = BTreeMap<String, RequestedBy>;

pub(super) fn by_subject(rows: Vec<RequesterRow>) -> Requesters {
    let named = |row: RequesterRow| {
        let by = match row.person {
            Some(email) => RequestedBy::Person(email),
            None => RequestedBy::ApiKey {
                name: row.key_name.unwrap_or_default(),
                last4: row.key_last4.unwrap_or_default(),
            },
        };
        (row.subject, by)
    };
    rows.into_iter().map(named).collect()
}

/// Requesters of the newest adjustments of a user's balance.
pub async fn list_adjusters(services: &Services, user_id: &str) -> Result<Requesters, Error> {
    let rows = services
        .db
        .read_one(|tx| async move { requesters::of_adjustments(tx, user_id).await }.boxed())
        .await?;
    Ok(by_subject(rows))
}
