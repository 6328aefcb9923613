//! Line of a page that loads itself again.

use domain::Timestamp;
use leptos::prelude::*;

use crate::console::ConsoleContext;

/// Whether a page loads itself again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveState {
    /// It was loaded at this time.
    On(Timestamp),
    /// It was paused, or has loaded itself often enough.
    Off,
}

/// Says when the page was loaded, with a link to go on; and to pause, for forms in which people write.
pub fn render_live(
    context: &ConsoleContext,
    state: LiveState,
    path: &str,
    pause: Option<&'static str>,
) -> AnyView {
    let texts = context.language.list_words();
    match state {
        LiveState::On(at) => {
            let time: String = payments::beijing(at).chars().skip(11).collect();
            let text = crate::i18n::fill(texts.live, &[("time", &time)]);
            let pause = pause.map(|name| view! { <a class="act" href=format!("{path}?live=off")>{name}</a> });
            view! { <p class="small" data-testid="live">{text} " " {pause}</p> }.into_any()
        }
        LiveState::Off => view! {
            <p class="small" data-testid="live">
                {texts.live_ended} " " <a class="act" href=path.to_owned()>{texts.live_resume}</a>
            </p>
        }
        .into_any(),
    }
}
