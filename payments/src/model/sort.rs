//! Order of the rows of a list.

domain::words! {
    /// Order by age: both directions of the primary key.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum Age {
        #[default]
        Newest => "newest",
        Oldest => "oldest",
    }
}

domain::words! {
    /// Order of a list of orders.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
    pub enum OrderSort {
        #[default]
        Newest => "newest",
        Oldest => "oldest",
        /// The largest amount first, and the newest of one amount.
        Largest => "largest",
    }
}

/// Least text that is greater than an id, and not greater than any other id.
pub(crate) fn next_id(id: &str) -> String {
    format!("{id}0")
}
