//! Marks what was pressed as busy until the next page arrives, and lets no second press through.

use std::time::Duration;

use js_sys::Reflect;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlSpanElement};

use super::browser::told;

/// Longer than a gateway may take; a request that was broken off must not leave a button dead.
const MAX_WAIT: Duration = Duration::from_secs(30);
const BUSY: &str = "aria-busy";

/// Placed outside of `main`. The element around it has the announcement in `data-busy`.
#[island]
pub fn BusyForms() -> impl IntoView {
    let node = NodeRef::<html::Span>::new();
    node.on_load(|announcement| {
        for kind in ["submit", "click", "pageshow"] {
            let announcement = announcement.clone();
            window_event_listener_untyped(kind, move |event| {
                let pressed = match kind {
                    "submit" => find_submitter(&event),
                    "click" => find_link(&event),
                    // The page comes back as it was left.
                    _ => return release(&announcement),
                };
                if let Some(pressed) = pressed {
                    mark_busy(&event, pressed, &announcement);
                }
            });
        }
    });
    view! { <span class="visually-hidden" role="status" node_ref=node></span> }
}

fn mark_busy(event: &Event, pressed: Element, announcement: &HtmlSpanElement) {
    if pressed.has_attribute(BUSY) {
        event.prevent_default();
        return;
    }
    drop(pressed.set_attribute(BUSY, "true"));
    announcement.set_text_content(Some(&told(announcement, "busy")));
    set_timeout(move || drop(pressed.remove_attribute(BUSY)), MAX_WAIT);
}

/// Returns the button of a form that is being sent.
fn find_submitter(event: &Event) -> Option<Element> {
    Reflect::get(event, &"submitter".into()).ok()?.dyn_into().ok()
}

/// Returns the link to the gateway that was pressed; links within the site are fast.
fn find_link(event: &Event) -> Option<Element> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest("a[data-action=open-gateway]").ok()?
}

/// Takes the mark off again: the page has one at most, because the first press leaves it.
fn release(announcement: &HtmlSpanElement) {
    announcement.set_text_content(None);
    if let Ok(Some(busy)) = document().query_selector("main [aria-busy=true]") {
        drop(busy.remove_attribute(BUSY));
    }
}
