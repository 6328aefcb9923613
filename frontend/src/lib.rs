//! The browser bundle: starts the islands of `app` and nothing else. Empty for every other target.
#![cfg(target_arch = "wasm32")]

// Linked for the islands it exports; nothing here calls them.
use app as _;

/// Called by the script that Leptos puts into each page with islands.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
