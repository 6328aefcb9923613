//! Alternatives where a method cannot work here: another mode, another browser, another device.

use leptos::prelude::*;

use super::forms::ActionForm;
use super::icons;
use crate::islands::CopyButton;
use crate::view::CheckoutView;

/// Button for the same method in the other mode: a code instead of an app, an app instead of a code.
#[component]
pub fn OtherWayButton(view: CheckoutView) -> impl IntoView {
    view.other_mode.clone().map(|other| {
        view! {
            <ActionForm view=view action="/ui/start_payment">
                <input type="hidden" name="method" value=other.method.as_str()/>
                <button class="button button--text" data-action="other-way" name="way" value=other.way.as_str()>
                    {other.label}
                </button>
            </ActionForm>
        }
    })
}

/// Instructions to leave a wallet's browser; the address can be selected where no script copies it.
#[component]
pub fn GuideNote(view: CheckoutView) -> impl IntoView {
    let words = view.words;
    view.guide.map(|guide| {
        view! {
            <div class="guide" data-testid="guide">
                <p class="guide__text">{icons::warning()} <span>{guide.text}</span></p>
                <p
                    class="guide__link"
                    data-text=guide.url.clone()
                    data-label=words.copy_link
                    data-done=words.copied
                >
                    <span class="reference">{guide.url.clone()}</span>
                    <CopyButton/>
                </p>
            </div>
        }
    })
}

/// Link that corrects the detected device.
#[component]
pub fn Correction(view: CheckoutView) -> impl IntoView {
    let (path, label) = view.correction;
    view! {
        <p class="correction">
            <a class="link" href=path data-action="correct-device">{label}</a>
        </p>
    }
}
