//! A view with its texts taken out: what many pages of one shape have in common, and what each of them says.

use std::fmt::Write as _;
use std::mem;

use super::{CheckoutView, Deadline, Handover};

/// Stands for the n-th text until it is filled in. Letters and digits pass through every kind of escaping as they are.
pub fn slot(n: usize) -> String {
    format!("Slot{n:02}OfThePage")
}

/// Stands for the version of the order.
pub const VERSION_SLOT: i64 = 9_100_000_000_000_000_019;
/// Stands for the milliseconds that are left.
pub const MILLIS_SLOT: u32 = 4_294_967_281;

/// Source of a page in two parts: its shape and its texts.
#[derive(Debug, Clone)]
pub struct Hollow {
    /// Drawn once for all views of its shape.
    pub view: CheckoutView,
    /// Equal for views that differ in nothing but their texts.
    pub shape: String,
    /// The text of each slot.
    pub texts: Vec<String>,
    pub version: i64,
    pub millis_left: u32,
}

impl Hollow {
    pub fn of(mut view: CheckoutView) -> Hollow {
        let mut texts = Vec::with_capacity(24);
        let mut take = |text: &mut String| {
            // An empty text is drawn in another way than one that says something.
            if !text.is_empty() {
                let name = slot(texts.len());
                texts.push(mem::replace(text, name));
            }
        };
        let CheckoutView {
            token,
            language,
            device,
            words,
            live,
            state,
            title,
            sentence,
            alert,
            merchant,
            subject,
            order_no,
            ordered_at,
            amount,
            deadline,
            methods,
            other_mode,
            guide,
            correction,
            code,
            handover,
            again,
            facts,
            spending_amount,
            return_url,
            returns_soon,
            back,
            has_receipt,
            n_refreshes,
        } = &mut view;
        for text in [
            &mut *token,
            &mut *title,
            &mut *sentence,
            &mut *merchant,
            &mut *subject,
            &mut *order_no,
            &mut *ordered_at,
            &mut *amount,
            &mut *spending_amount,
        ] {
            take(text);
        }
        take(&mut correction.0);
        return_url.iter_mut().for_each(&mut take);
        for fact in facts.iter_mut() {
            take(&mut fact.value);
        }
        for method in methods.iter_mut() {
            take(&mut method.help);
        }
        if let Some(guide) = guide {
            take(&mut guide.url);
        }
        let millis_left = deadline.as_mut().map_or(0, |deadline: &mut Deadline| {
            take(&mut deadline.time);
            take(&mut deadline.machine);
            mem::replace(&mut deadline.millis_left, MILLIS_SLOT)
        });
        if let Some(code) = code {
            for text in [
                &mut code.qr.content,
                &mut code.qr.path,
                &mut code.instruction,
                &mut code.label,
            ] {
                take(text);
            }
            code.wallet.iter_mut().for_each(&mut take);
        }
        match handover {
            Some(Handover::Link { path, label, .. } | Handover::Bridge { path, label }) => {
                take(path);
                take(label);
            }
            None => {}
        }
        let version = mem::replace(&mut live.version, VERSION_SLOT);
        // The language stands for its words.
        let mut shape = format!("{:p}", *words);
        write!(
            shape,
            "{:?}",
            (
                (
                    language, device, live, state, alert, deadline, methods, other_mode
                ),
                (guide, code, handover, again, facts, return_url, back, has_receipt),
                returns_soon,
                (token, title, sentence, merchant, subject, correction),
                (order_no, ordered_at, amount, spending_amount, n_refreshes),
            )
        )
        .expect("a string takes any text");
        Hollow {
            view,
            shape,
            texts,
            version,
            millis_left,
        }
    }
}
