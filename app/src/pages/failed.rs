//! Error pages: with the right status, a link onwards, and no secrets.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::answer::set_status;
use crate::components::{Frame, ResultCard, icons};
use crate::context::request;
use crate::error::UiError;

#[component]
pub fn NotFoundPage() -> impl IntoView {
    view! { <FailedPage error=UiError::NotFound/> }
}

/// Shows what happened to the money and what to do. The reference leads to the log, where the reason is.
#[component]
pub fn FailedPage(error: UiError) -> impl IntoView {
    let request = request();
    let words = request.words();
    set_status(error.status());
    let is_missing = error == UiError::NotFound;
    let title = if is_missing {
        words.not_found_title
    } else {
        words.broken_title
    };
    let reference = (!is_missing).then(|| {
        let id = request.request_id.clone();
        view! { <p class="result__reference">{words.reference} " " <code class="reference">{id}</code></p> }
    });
    view! {
        <Title text=title/>
        <Frame>
            <main class="page page--single" id="content" data-state="failed">
                <ResultCard icon=icons::question() tone="neutral" title=title sentence=error.text(words)>
                    {reference}
                </ResultCard>
            </main>
        </Frame>
    }
}
