//! Bills that do not match the books, for a reconciliation to find.

use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind};
use crate::state::State;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementFault {
    Omit,
    Differ,
    Invent,
}

impl StatementFault {
    /// Decided when the address of the bill is created.
    pub(crate) fn draw(state: &mut State, gateway: Gateway) -> Option<StatementFault> {
        let State { faults, rng, .. } = state;
        faults.strike(rng, gateway, Endpoint::Bill, |kind| match kind {
            FaultKind::BillOmits => Some(StatementFault::Omit),
            FaultKind::BillDiffers => Some(StatementFault::Differ),
            FaultKind::BillInvents => Some(StatementFault::Invent),
            _ => None,
        })
    }
}

/// A trade number that does not exist, as long as the real one.
pub(crate) fn invented(number: &str) -> String {
    let kept = number.char_indices().nth_back(5).map_or(0, |(place, _)| place);
    format!("{}000000", &number[..kept])
}
