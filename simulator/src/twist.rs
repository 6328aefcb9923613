//! Bills that do not fit the books: what a reconciliation has to find.

use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind};
use crate::world::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twist {
    Omit,
    Differ,
    Invent,
}

impl Twist {
    /// Decided when the address of the bill is given away.
    pub(crate) fn draw(world: &mut World, gateway: Gateway) -> Option<Twist> {
        let World { faults, dice, .. } = world;
        faults.strike(dice, gateway, Endpoint::Bill, |kind| match kind {
            FaultKind::BillOmits => Some(Twist::Omit),
            FaultKind::BillDiffers => Some(Twist::Differ),
            FaultKind::BillInvents => Some(Twist::Invent),
            _ => None,
        })
    }
}

/// A number of a trade that never was, as long as the real one.
pub(crate) fn invented(number: &str) -> String {
    let kept = number.char_indices().nth_back(5).map_or(0, |(place, _)| place);
    format!("{}000000", &number[..kept])
}
