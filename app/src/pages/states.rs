//! The card beside the order, for each state of the page. Each has one primary action.

use leptos::prelude::*;

use crate::components::{
    ActionForm, Alert, CheckAgain, CodeCard, Correction, DeadlineLine, Facts, GuideNote, HandoverButton,
    MethodForm, OtherWayButton, ResultCard, SpendingCard, SwitchMethod, icons,
};
use crate::islands::AutoReturn;
use crate::view::{CheckoutView, PageState};

#[component]
pub fn StateCard(view: CheckoutView) -> impl IntoView {
    match view.state {
        PageState::Choose => view! { <Choose view=view/> }.into_any(),
        PageState::Balance | PageState::Short => view! { <SpendingCard view=view/> }.into_any(),
        PageState::Waiting => view! { <Waiting view=view/> }.into_any(),
        PageState::Confirming => view! { <Confirming view=view/> }.into_any(),
        PageState::Expired => view! { <Expired view=view/> }.into_any(),
        PageState::Unavailable => view! { <Unavailable view=view/> }.into_any(),
        PageState::Paid
        | PageState::Refunding
        | PageState::Refunded
        | PageState::Closed
        | PageState::Returning => view! { <Ended view=view/> }.into_any(),
    }
}

#[component]
fn Choose(view: CheckoutView) -> impl IntoView {
    view! {
        <section class="card">
            <h1 class="card__title" tabindex="-1">{view.title.clone()}</h1>
            <p class="card__text">{view.sentence.clone()}</p>
            <Alert text=view.alert/>
            <GuideNote view=view.clone()/>
            <DeadlineLine view=view.clone()/>
            <MethodForm view=view.clone()/>
            <Correction view=view/>
        </section>
    }
}

/// A code for another device, or a link to continue on this one.
#[component]
fn Waiting(view: CheckoutView) -> impl IntoView {
    view! {
        <section class="card card--code">
            <h1 class="card__title" tabindex="-1">{view.title.clone()}</h1>
            <Alert text=view.alert/>
            <CodeCard view=view.clone()/>
            <HandoverButton view=view.clone()/>
            <DeadlineLine view=view.clone()/>
            <p class="card__text">{view.sentence.clone()}</p>
            <GuideNote view=view.clone()/>
            <CheckAgain view=view.clone() label=view.words.i_have_paid/>
            <OtherWayButton view=view.clone()/>
            <SwitchMethod view=view/>
        </section>
    }
}

#[component]
fn Confirming(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    let is_payable = view.live.state == PageState::Waiting;
    let code = is_payable.then(|| {
        view! { <a class="button button--text" href=view.path()>{words.show_code}</a> }
    });
    view! {
        <ResultCard icon=icons::clock() tone="info" title=view.title.clone() sentence=view.sentence.clone()>
            <Alert text=view.alert/>
            <CheckAgain view=view is_primary=true label=words.check_again/>
            {code}
        </ResultCard>
    }
}

#[component]
fn Expired(view: CheckoutView) -> impl IntoView {
    view! {
        <ResultCard icon=icons::clock() tone="warn" title=view.title.clone() sentence=view.sentence.clone()>
            <Alert text=view.alert/>
            <ActionForm view=view.clone() action="/ui/new_code">
                <button class="button button--primary" data-action="new-code">{view.again}</button>
            </ActionForm>
            <DeadlineLine view=view.clone()/>
            <SwitchMethod view=view/>
        </ResultCard>
    }
}

/// All methods again, the failed one too: it may work the second time.
#[component]
fn Unavailable(view: CheckoutView) -> impl IntoView {
    view! {
        <section class="card">
            <h1 class="card__title" tabindex="-1">{view.title.clone()}</h1>
            <p class="notice notice--warn">{icons::warning()} <span>{view.sentence.clone()}</span></p>
            <GuideNote view=view.clone()/>
            <DeadlineLine view=view.clone()/>
            <MethodForm view=view.clone()/>
            <OtherWayButton view=view/>
        </section>
    }
}

#[component]
fn Ended(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    let (icon, tone) = match view.state {
        PageState::Paid => (icons::check(), "ok"),
        PageState::Returning | PageState::Refunding => (icons::back(), "warn"),
        PageState::Refunded => (icons::back(), "neutral"),
        _ => (icons::cross(), "neutral"),
    };
    view! {
        <ResultCard icon=icon tone=tone title=view.title.clone() sentence=view.sentence.clone()>
            <Facts facts=view.facts.clone() label=words.details/>
            <WaysOn view=view/>
        </ResultCard>
    }
}

/// Links onwards: to the refund's details while money is on its way back, otherwise to the merchant.
#[component]
fn WaysOn(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    let (primary, other) = ("button button--primary", "button button--text");
    let is_refund = matches!(
        view.state,
        PageState::Returning | PageState::Refunding | PageState::Refunded
    );
    let is_receipt_first = is_refund || view.return_url.is_none();
    let (receipt_class, back_class) = if is_receipt_first {
        (primary, other)
    } else {
        (other, primary)
    };
    let label = if is_refund {
        words.view_refund
    } else {
        words.view_receipt
    };
    let leaves = view.return_url.clone().filter(|_| view.returns_soon).map(|url| {
        let text = if view.is_topup {
            words.continuing
        } else {
            words.returning_to_merchant
        };
        let (before, after) = text.split_once("{n}").unwrap_or((text, ""));
        view! {
            <p class="return" data-address=url data-before=before data-after=after data-stay=words.stay_here>
                <AutoReturn/>
            </p>
        }
    });
    let receipt = view.receipt_path().map(|path| {
        view! { <a class=receipt_class href=path data-action="receipt">{label}</a> }
    });
    let way_back = view.return_url.map(|url| {
        view! { <a class=back_class href=url rel="noreferrer" data-action="return">{view.back}</a> }
    });
    if is_receipt_first {
        view! { {receipt} {way_back} }.into_any()
    } else {
        view! { {way_back} {leaves} {receipt} }.into_any()
    }
}
