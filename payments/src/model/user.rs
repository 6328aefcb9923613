//! Users of the console.

domain::words! {
    /// Role of a user of the console.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Role {
        Owner => "owner",
        Finance => "finance",
        Support => "support",
        Developer => "developer",
        Viewer => "viewer",
    }
}
