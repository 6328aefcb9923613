//! Users of the console.

use futures_util::FutureExt;

pub use crate::model::user::Role;
use crate::store::users;
use crate::{Error, Services};

/// Whether the console has a user.
pub async fn has_users(services: &Services) -> Result<bool, Error> {
    services
        .db
        .read_one(|tx| async move { users::has_any(tx).await }.boxed())
        .await
        .map_err(Error::Internal)
}
