//! The simulator's demo shop: three plans, so that a first visitor can buy something.

mod inbox;

use domain::{Money, Order};
use payments::webhook::{OwnEndpoint, register_own_endpoint};
use payments::{NewOrder, Outcome, Services};

pub use self::inbox::{Inbox, Message, SUBSCRIBED};

use crate::error::UiError;
use crate::i18n::{Words, fill};

/// User of the demo's orders.
pub const USER: &str = "demo";

/// The demo shop as a merchant's program: its webhook endpoint, and what it was told there.
#[derive(Debug, Clone)]
pub struct DemoShop {
    pub endpoint: OwnEndpoint,
    pub inbox: Inbox,
}

domain::words! {
    /// Value of `form[data-plan]`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Plan {
        Starter => "starter",
        Team => "team",
        Business => "business",
    }
}

impl Plan {
    pub fn price(self) -> Money {
        let fen = match self {
            Plan::Starter => 990,
            Plan::Team => 9_990,
            Plan::Business => 129_900,
        };
        Money::from_fen(fen).expect("a price is an amount")
    }

    pub const fn name(self, words: &Words) -> &'static str {
        match self {
            Plan::Starter => words.starter,
            Plan::Team => words.team,
            Plan::Business => words.business,
        }
    }

    pub const fn text(self, words: &Words) -> &'static str {
        match self {
            Plan::Starter => words.starter_text,
            Plan::Team => words.team_text,
            Plan::Business => words.business_text,
        }
    }
}

/// Orders one plan; its return URL is the shop. The first order registers the shop's webhook.
pub async fn buy(
    services: &Services,
    shop: &DemoShop,
    plan: Plan,
    words: &Words,
    public_url: &str,
) -> Result<Order, UiError> {
    if let Err(error) = register_own_endpoint(services, &shop.endpoint).await {
        tracing::warn!(%error, "the demo shop is not told of its payments");
    }
    let order = NewOrder {
        order_no: None,
        user_id: USER.to_owned(),
        subject: fill(words.subject, &[("plan", plan.name(words))]),
        amount: plan.price(),
        return_url: Some(format!("{public_url}/")),
        metadata: None,
        // All visitors of the demo are one user, and its money is not real.
        allows_balance: true,
        expires_in: None,
    };
    match payments::create_order(services, order, None).await? {
        Outcome::New(order) | Outcome::Existing(order) => Ok(order),
        // Only a request with an idempotency key can be replayed.
        Outcome::Replayed(_) => Err(UiError::Internal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_has_a_price_and_a_word() {
        for plan in Plan::ALL {
            assert_eq!(Plan::parse(plan.as_str()), Some(plan));
            assert!(!plan.price().is_zero());
        }
        assert_eq!(Plan::parse("free"), None);
    }
}
