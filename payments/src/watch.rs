//! Who looks at a checkout page: one follower reads for all viewers of an order.

use std::sync::Arc;

use domain::OrderId;
use tokio::sync::watch;

use crate::{Checkout, Services};

#[derive(Debug, Clone, Default)]
pub struct Watchers {}

impl Watchers {
    /// What the order looks like now and whenever it changes. While anybody holds a receiver, its open payment is
    /// asked about every few seconds.
    pub async fn follow(
        &self,
        services: &Services,
        order_id: &OrderId,
    ) -> watch::Receiver<Option<Arc<Checkout>>> {
        todo!()
    }
}
