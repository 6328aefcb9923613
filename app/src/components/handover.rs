//! Link to the gateway for payers on the device with this page.

use leptos::prelude::*;

use crate::islands::WechatBridge;
use crate::view::{CheckoutView, Handover};

#[component]
pub fn HandoverButton(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    view.handover.map(|handover| match handover {
        Handover::Link {
            path,
            referrer_policy,
            label,
        } => view! {
            <a
                class="button button--primary"
                href=path
                referrerpolicy=referrer_policy
                data-action="open-gateway"
            >
                {label}
            </a>
        }
        .into_any(),
        Handover::Bridge { path, label, opens } => view! {
            <div
                class="bridge"
                data-path=path
                data-label=label
                data-opens=opens.then_some("once")
                data-outside=words.outside
                data-sent=words.inside_sent
                data-cancelled=words.inside_cancelled
                data-failed=words.inside_failed
                data-unheard=words.error_unreachable
            >
                <WechatBridge/>
            </div>
        }
        .into_any(),
    })
}
