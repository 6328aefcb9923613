//! Links to the gateway where there is no code to scan: its own page, or WeChat around ours.

use domain::{Method, PaymentNo, Product, Timestamp};
use payments::Checkout;

use super::{Situation, money, texts};
use crate::context::Request;
use crate::i18n::fill;
use crate::links;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handover {
    /// A link to our own address that redirects to the gateway.
    Link {
        path: String,
        /// Referrer policy: how much of the page's address the gateway may see.
        referrer_policy: &'static str,
        label: String,
    },
    /// A button that opens the payment in the app by script.
    Bridge {
        /// Address of the signed parameters.
        path: String,
        label: String,
        /// The payer has just pressed a button for it: the app opens it without another press.
        opens: bool,
    },
}

impl Handover {
    pub fn of(situation: &Situation<'_>, token: &str, opens: bool, request: &Request) -> Option<Handover> {
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
                opens,
            }),
            _ => None,
        }
    }
}

/// WeChat checks the registered domain in `Referer`; the path must not leak, because its token opens the page.
pub const fn referrer_policy(product: Product) -> &'static str {
    match product {
        Product::H5 => "origin",
        _ => "no-referrer",
    }
}

/// Returns the payment whose payer may be returning from the gateway, in this very browser.
pub fn handed_over(checkout: &Checkout, now: Timestamp) -> Option<&PaymentNo> {
    match Situation::of(checkout, now) {
        Situation::Waiting { payment, .. } if !texts::is_scanned(payment.product) => {
            Some(&payment.payment_no)
        }
        _ => None,
    }
}
