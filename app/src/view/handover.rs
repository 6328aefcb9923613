//! How a payer gets to the gateway where there is no code to scan: by its own page, or by WeChat around ours.

use domain::{Method, PaymentNo, Product, Timestamp};
use payments::Checkout;

use super::{Situation, money, texts};
use crate::context::Request;
use crate::i18n::fill;
use crate::links;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handover {
    /// A link to our own door, which sends the browser on.
    Link {
        path: String,
        /// What the gateway may learn about the page its visitor comes from.
        referrer_policy: &'static str,
        label: String,
    },
    /// A button that script wires to the app around the page.
    Bridge {
        /// Gives the signed words for the app.
        path: String,
        label: String,
    },
}

impl Handover {
    pub fn of(situation: &Situation<'_>, token: &str, request: &Request) -> Option<Handover> {
        let Situation::Waiting { payment, .. } = situation else {
            return None;
        };
        let words = request.words();
        let label = match payment.method() {
            Method::Wechat => words.go_to_wechat,
            Method::Alipay => words.go_to_alipay,
            Method::Balance => return None,
        };
        let label = fill(label, &[("amount", &money::text(payment.amount))]);
        match payment.product {
            Product::H5 | Product::Wap | Product::Page => Some(Handover::Link {
                path: links::gateway(token, request.chosen_language()),
                referrer_policy: referrer_policy(payment.product),
                label,
            }),
            Product::Jsapi => Some(Handover::Bridge {
                path: links::invocation(token),
                label,
            }),
            Product::Native | Product::Qr | Product::Balance => None,
        }
    }
}

/// WeChat wants to see the registered domain; nobody may see the path, because the token in it opens the page.
pub const fn referrer_policy(product: Product) -> &'static str {
    match product {
        Product::H5 => "origin",
        _ => "no-referrer",
    }
}

/// The payment whose payer may be on the way back from the gateway, in this very browser.
pub fn handed_over(checkout: &Checkout, now: Timestamp) -> Option<&PaymentNo> {
    match Situation::of(checkout, now) {
        Situation::Waiting { payment, .. } if !texts::is_scanned(payment.product) => {
            Some(&payment.payment_no)
        }
        _ => None,
    }
}
