//! Leaves for the merchant's page a few seconds after the payment, unless the payer stays.

use std::time::Duration;

use js_sys::{Function, Reflect};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlButtonElement;

use super::browser::told;

const SECOND: Duration = Duration::from_secs(1);
/// Time to read that the payment was received.
const WAIT_SECONDS: u32 = 5;
/// State of the history entry that has left once: going back must not leave again.
const LEFT: &str = "left";

/// Hidden until script runs: without it the link beside it is the way back. The element around it has the `data-address`, the
/// text around the seconds in `data-before` and `data-after`, and the label of the button in `data-stay`.
///
/// The texts are set by hand, not by signals: an island of signals is twice as large.
#[island]
pub fn AutoReturn() -> impl IntoView {
    let node = NodeRef::<html::Button>::new();
    node.on_load(|button| {
        if !may_leave() {
            return;
        }
        button.set_text_content(Some(&told(&button, "stay")));
        if let Some(announcement) = button.next_element_sibling() {
            announcement.set_text_content(Some(&text_of(&button, WAIT_SECONDS)));
        }
        count_down(WAIT_SECONDS, button);
    });
    let stay = move |_| {
        if let Some(button) = node.get_untracked() {
            button.set_hidden(true);
            show(&button, "");
        }
    };
    view! {
        <span class="return__text num" aria-hidden="true"></span>
        <button class="return__stay" type="button" hidden node_ref=node data-action="stay" on:click=stay></button>
        <span class="visually-hidden" role="status"></span>
    }
}

/// Counts while the page is looked at, and leaves at zero.
fn count_down(seconds: u32, button: HtmlButtonElement) {
    show(&button, &text_of(&button, seconds));
    button.set_hidden(false);
    let next = move || {
        let is_over = button.hidden() || !button.is_connected();
        match seconds {
            _ if is_over => {}
            _ if document().hidden() => count_down(seconds, button),
            0 | 1 => leave_for(&told(&button, "address")),
            _ => count_down(seconds - 1, button),
        }
    };
    set_timeout(next, SECOND);
}

fn show(button: &HtmlButtonElement, text: &str) {
    if let Some(notice) = button.previous_element_sibling() {
        notice.set_text_content(Some(text));
    }
}

fn text_of(button: &HtmlButtonElement, seconds: u32) -> String {
    format!("{}{seconds}{}", told(button, "before"), told(button, "after"))
}

fn leave_for(address: &str) {
    if let Ok(history) = window().history() {
        drop(history.replace_state_with_url(&LEFT.into(), "", None));
    }
    drop(window().location().assign(address));
}

/// A page that moves by itself surprises those who asked for less motion, and those who came back to it.
fn may_leave() -> bool {
    let state = window().history().and_then(|history| history.state());
    let has_left = state.is_ok_and(|state| state == LEFT);
    !has_left && !prefers_reduced_motion()
}

fn prefers_reduced_motion() -> bool {
    let ask = || {
        let ask: Function = Reflect::get(&window(), &"matchMedia".into())?.dyn_into()?;
        let answer = ask.call1(&window(), &"(prefers-reduced-motion)".into())?;
        Reflect::get(&answer, &"matches".into())
    };
    ask().is_ok_and(|matches| matches.is_truthy())
}
