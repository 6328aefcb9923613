//! Deadlines: ask, close, ask again; only then is something over.

use crate::{Error, Services};

/// Ends every payment and order whose time is over. Returns how many it worked on.
pub async fn expire(services: &Services) -> Result<usize, Error> {
    todo!()
}
