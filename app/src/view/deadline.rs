//! Deadline of what the payer sees.

use domain::{Order, Timestamp};

use super::Situation;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// `14:35`, with the date when that is not today; Beijing time.
    pub time: String,
    /// For `<time datetime>`.
    pub machine: String,
    /// By the server's clock, so that a wrong clock of the payer does not matter.
    pub millis_left: u32,
}

impl Deadline {
    pub fn of(situation: &Situation<'_>, order: &Order, now: Timestamp) -> Option<Deadline> {
        let at = match situation {
            Situation::Waiting { payment, .. } => payment.expires_at,
            Situation::Choose
            | Situation::Spending { .. }
            | Situation::Short { .. }
            | Situation::Expired { .. }
            | Situation::Unavailable { .. } => order.expires_at,
            _ => return None,
        };
        let (today, local) = (payments::beijing(now), payments::beijing(at));
        let (day, time) = local.split_once(' ')?;
        // Seconds are dropped: the printed time is never later than the true one.
        let time = time.get(..5)?;
        Some(Deadline {
            time: if today.starts_with(day) {
                time.to_owned()
            } else {
                format!("{day} {time}")
            },
            machine: payments::rfc3339(at),
            millis_left: u32::try_from(at.duration_since(now).as_millis()).unwrap_or(u32::MAX),
        })
    }
}
