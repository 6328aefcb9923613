//! A refund: money on its way back.

/// `Stuck`: a person must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundState {
    Requested,
    Pending,
    Succeeded,
    Failed,
    Stuck,
}

impl RefundState {
    pub const ALL: [RefundState; 5] = [
        RefundState::Requested,
        RefundState::Pending,
        RefundState::Succeeded,
        RefundState::Failed,
        RefundState::Stuck,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            RefundState::Requested => "requested",
            RefundState::Pending => "pending",
            RefundState::Succeeded => "succeeded",
            RefundState::Failed => "failed",
            RefundState::Stuck => "stuck",
        }
    }

    pub fn parse(word: &str) -> Option<RefundState> {
        RefundState::ALL.into_iter().find(|state| state.as_str() == word)
    }
}
