//! Forms that act once. The answer to such a form shows a new secret, so it cannot be a redirect, and a reload sends the
//! form again: it must not make a second secret, or end one that is in use.

use std::time::Duration;

use futures_util::FutureExt;

use crate::store::used_forms;
use crate::{Error, Services};

/// A session ends before: what is older cannot be sent again.
const KEPT: Duration = Duration::from_hours(24);
const LONGEST: usize = 64;

/// Uses up the number of a form. `false`: it was sent before, or has no such number. A form without a number is of a
/// program, which knows what it sends.
pub async fn use_form(services: &Services, number: &str) -> Result<bool, Error> {
    if number.is_empty() {
        return Ok(true);
    }
    if number.len() > LONGEST || !number.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(false);
    }
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                used_forms::forget_old(tx, now - KEPT).await?;
                used_forms::use_up(tx, number, now).await
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}
