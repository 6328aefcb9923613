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
        for_each_text(&mut view, &mut |text| {
            let name = slot(texts.len());
            texts.push(mem::replace(text, name));
        });
        let millis_left = view.deadline.as_mut().map_or(0, |deadline: &mut Deadline| {
            mem::replace(&mut deadline.millis_left, MILLIS_SLOT)
        });
        let version = mem::replace(&mut view.live.version, VERSION_SLOT);
        Hollow {
            shape: describe(&view),
            view,
            texts,
            version,
            millis_left,
        }
    }

    /// Puts the texts back: the view that this was made of.
    pub fn whole(&self) -> CheckoutView {
        let mut view = self.view.clone();
        let mut texts = self.texts.iter();
        for_each_text(&mut view, &mut |text| {
            if let Some(original) = texts.next() {
                text.clone_from(original);
            }
        });
        if let Some(deadline) = &mut view.deadline {
            deadline.millis_left = self.millis_left;
        }
        view.live.version = self.version;
        view
    }
}

/// Visits the texts of a view that say something, in a fixed order. An empty text is drawn in another way.
fn for_each_text(view: &mut CheckoutView, visit: &mut impl FnMut(&mut String)) {
    let mut take = |text: &mut String| {
        if !text.is_empty() {
            visit(text);
        }
    };
    for text in [
        &mut view.token,
        &mut view.title,
        &mut view.sentence,
        &mut view.merchant,
        &mut view.subject,
        &mut view.order_no,
        &mut view.ordered_at,
        &mut view.amount,
        &mut view.spending_amount,
        &mut view.correction.0,
    ] {
        take(text);
    }
    view.return_url.iter_mut().for_each(&mut take);
    for fact in &mut view.facts {
        take(&mut fact.value);
    }
    for method in &mut view.methods {
        take(&mut method.help);
    }
    if let Some(guide) = &mut view.guide {
        take(&mut guide.url);
    }
    if let Some(deadline) = &mut view.deadline {
        take(&mut deadline.time);
        take(&mut deadline.machine);
    }
    if let Some(code) = &mut view.code {
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
    match &mut view.handover {
        Some(Handover::Link { path, label, .. } | Handover::Bridge { path, label, .. }) => {
            take(path);
            take(label);
        }
        None => {}
    }
}

/// Describes a view without its texts; every field is named, so that none is forgotten.
fn describe(view: &CheckoutView) -> String {
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
        can_leave,
        returns_soon,
        returns_without_script,
        is_topup,
        back,
        has_receipt,
        n_refreshes,
    } = view;
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
            (can_leave, returns_soon, returns_without_script, is_topup),
            (token, title, sentence, merchant, subject, correction),
            (order_no, ordered_at, amount, spending_amount, n_refreshes),
        )
    )
    .expect("a string takes any text");
    shape
}
