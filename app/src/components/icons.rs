//! Inline SVG icons, so that nothing is fetched: 24 units a side, in the colour of the text around them.

use leptos::prelude::*;

fn render_stroked(path: &'static str) -> AnyView {
    view! {
        <svg
            class="icon"
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            stroke-width="2"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            <path d=path></path>
        </svg>
    }
    .into_any()
}

pub fn check() -> AnyView {
    render_stroked("M5 12.5l4.5 4.5L19 7.5")
}

pub fn cross() -> AnyView {
    render_stroked("M7 7l10 10M17 7L7 17")
}

pub fn clock() -> AnyView {
    render_stroked("M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18M12 7.5V12l3 2")
}

/// Icon of a refund.
pub fn back() -> AnyView {
    render_stroked("M9 14L4 9l5-5M4 9h10a6 6 0 0 1 0 12h-3")
}

pub fn question() -> AnyView {
    render_stroked("M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 18h.01")
}

pub fn warning() -> AnyView {
    render_stroked("M12 4l9 16H3zM12 10v4M12 17h.01")
}

pub fn scan() -> AnyView {
    render_stroked("M4 8V4h4M16 4h4v4M20 16v4h-4M8 20H4v-4M4 12h16")
}

/// Icon of the product: an old copper coin.
pub fn coin() -> AnyView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">
            <circle cx="12" cy="12" r="9.5"></circle>
            <path stroke-linejoin="round" d="M8.5 8.5h7v7h-7z"></path>
        </svg>
    }
    .into_any()
}
