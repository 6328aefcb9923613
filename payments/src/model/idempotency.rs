//! Rows of idempotency keys.

/// Stored answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    pub status: u16,
    pub body: String,
}

/// Row of a key, independent of the request's result type.
#[derive(Debug, Clone, Copy)]
pub struct RequestKey<'a> {
    pub route: &'a str,
    pub key: &'a str,
    pub fingerprint: &'a str,
}

/// Claim of a key whose answer is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Id of the row that the request wrote or found; `None` while it only closes other payments first.
    pub effect: Option<String>,
    pub is_new: bool,
}

impl Claim {
    /// Claimed while other payments are closed first.
    pub const MAKING_ROOM: Claim = Claim {
        effect: None,
        is_new: false,
    };
}
