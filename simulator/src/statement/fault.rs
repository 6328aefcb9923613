//! Statements that are late, empty, damaged, cut off or another's, and the first payment of a day listed wrongly.

use super::{Entry, Plant, PlantKind, Table};
use crate::books::Gateway;
use crate::faults::{Endpoint, FaultKind};
use crate::state::State;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementFault {
    /// The first payment of the day, in the trade statement only.
    First(PlantKind),
    NotReady,
    Missing,
    WrongHash,
    Damaged,
    CutOff,
    OfOther,
    OfOtherDay,
}

impl StatementFault {
    /// Decided when the address of the statement is created.
    pub(crate) fn draw(state: &mut State, gateway: Gateway, table: Table) -> Option<StatementFault> {
        let State { faults, rng, .. } = state;
        faults.strike(rng, gateway, Endpoint::Bill, |kind| {
            let first = |kind| (table == Table::Trade).then_some(StatementFault::First(kind));
            match kind {
                FaultKind::BillOmits => first(PlantKind::Omit),
                FaultKind::BillDiffers => first(PlantKind::Amount),
                FaultKind::BillInvents => first(PlantKind::Invent),
                FaultKind::BillNotReady => Some(StatementFault::NotReady),
                FaultKind::BillMissing => Some(StatementFault::Missing),
                FaultKind::BillWrongHash => Some(StatementFault::WrongHash),
                FaultKind::BillDamaged => Some(StatementFault::Damaged),
                FaultKind::BillCutOff => Some(StatementFault::CutOff),
                FaultKind::BillOfOther => Some(StatementFault::OfOther),
                FaultKind::BillOfOtherDay => Some(StatementFault::OfOtherDay),
                _ => None,
            }
        })
    }

    /// The difference that this fault plants among these entries.
    pub(crate) fn plant(self, entries: &[Entry]) -> Option<Plant> {
        let StatementFault::First(kind) = self else {
            return None;
        };
        let first = entries
            .iter()
            .filter(|entry| !entry.is_refund())
            .min_by_key(|entry| entry.at_ms)?;
        Some(Plant::of_trade(kind, &first.out_trade_no))
    }
}

/// Loses the second half of a table, where the sums are.
pub(crate) fn cut_off(mut text: String) -> String {
    let half = (0..=text.len() / 2)
        .rev()
        .find(|place| text.is_char_boundary(*place));
    text.truncate(half.unwrap_or(0));
    text
}

/// Changes one bit in the first half of a file, where an archive has its first table.
pub(crate) fn damage(file: &mut [u8]) {
    let place = file.len() / 4;
    if let Some(byte) = file.get_mut(place) {
        *byte ^= 1;
    }
}
