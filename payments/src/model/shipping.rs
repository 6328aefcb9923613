//! Delivery of what is sold, as a gateway is told of it.

domain::words! {
    /// Way in which what a mini program sells is delivered.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Logistics {
        /// Nothing is shipped: the merchant's program delivers it.
        Virtual => "virtual",
        /// The payer collects it.
        Pickup => "pickup",
    }
}

domain::words! {
    /// End of an upload of shipping information.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum UploadEnd {
        Done => "done",
        /// All of the payment was refunded before: there is nothing to deliver.
        Refunded => "refunded",
        GivenUp => "given_up",
    }
}
