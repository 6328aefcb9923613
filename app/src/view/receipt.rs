//! What a receipt says: only for orders that are paid.

use domain::OrderState;
use payments::Checkout;

use super::{Fact, Situation, money, texts};
use crate::context::Request;
use crate::i18n::Words;
use crate::links;

#[derive(Debug, Clone)]
pub struct ReceiptView {
    pub words: &'static Words,
    pub merchant: String,
    pub subject: String,
    /// Without its sign.
    pub amount: String,
    pub facts: Vec<Fact>,
    /// Back to the order's page.
    pub checkout_path: String,
}

impl ReceiptView {
    pub fn new(checkout: &Checkout, request: &Request) -> Option<ReceiptView> {
        let order = &checkout.order;
        if order.state != OrderState::Paid {
            return None;
        }
        let words = request.words();
        let payment = checkout.payments.iter().find(|payment| payment.settles);
        let mut facts = vec![Fact {
            label: words.order_no,
            value: order.order_no.to_string(),
            is_reference: true,
        }];
        // The order's own payment; a second one that is on its way back is no part of what was bought.
        facts.extend(texts::facts(&Situation::Paid { payment }, words));
        let link = links::CheckoutLink {
            token: &order.token,
            language: request.chosen_language(),
            ..links::CheckoutLink::default()
        };
        Some(ReceiptView {
            words,
            merchant: request.site.merchant.clone(),
            subject: order.subject.clone(),
            amount: money::number(order.amount),
            facts,
            checkout_path: link.path(),
        })
    }
}
