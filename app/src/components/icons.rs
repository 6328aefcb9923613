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

/// Our own sign of WeChat Pay: a chat in which something is done. WeChat's mark is a trademark.
pub fn chat() -> AnyView {
    render_stroked(
        "M12 4c-5 0-9 3.2-9 7.3c0 2.3 1.3 4.3 3.4 5.7L6 20l3.3-1.7c.9.2 1.8.3 2.7.3c5 0 9-3.2 9-7.3S17 4 12 4M8.5 11.5l2.5 2.5l4.5-4.5",
    )
}

/// Our own sign of Alipay: a phone that pays. Alipay's mark is a trademark.
pub fn phone() -> AnyView {
    render_stroked(
        "M8 2.5h8a2 2 0 0 1 2 2v15a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2v-15a2 2 0 0 1 2-2M9.5 7.5L12 11l2.5-3.5M12 11v6M9.5 11.5h5M9.5 14h5",
    )
}

/// Sign of the account balance.
pub fn purse() -> AnyView {
    render_stroked(
        "M4 7.5A2.5 2.5 0 0 1 6.5 5H17v3M4 7.5V17a2 2 0 0 0 2 2h12a2 2 0 0 0 2-2v-7a2 2 0 0 0-2-2H6.5M16 13.5h.01",
    )
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
