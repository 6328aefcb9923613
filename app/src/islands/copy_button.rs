//! Button that copies a number for the payer.

use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlButtonElement;

use super::browser::{has_clipboard, told};

const SHOWN_FOR: Duration = Duration::from_secs(2);

/// Hidden until script runs and there is a clipboard: a button must not be without effect. The element around it has the
/// `data-text` to copy, the `data-label`, and the text when it is `data-done`.
#[island]
pub fn CopyButton() -> impl IntoView {
    let node = NodeRef::<html::Button>::new();
    let done = RwSignal::new(String::new());
    node.on_load(|button| {
        button.set_text_content(Some(&told(&button, "label")));
        button.set_hidden(!has_clipboard());
    });
    let copy = move |_| {
        if let Some(button) = node.get_untracked() {
            spawn_local(copy(button, done));
        }
    };
    view! {
        <button class="copy" type="button" hidden node_ref=node on:click=copy></button>
        <span class="copy__done" role="status">{done}</span>
    }
}

async fn copy(button: HtmlButtonElement, done: RwSignal<String>) {
    let copying = window()
        .navigator()
        .clipboard()
        .write_text(&told(&button, "text"));
    // The text stays readable when copying is not allowed.
    if JsFuture::from(copying).await.is_ok() {
        done.set(told(&button, "done"));
        set_timeout(move || done.set(String::new()), SHOWN_FOR);
    }
}
