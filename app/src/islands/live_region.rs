//! The part of the page that changes, and its replacement without losing the payer's focus.

use js_sys::{Function, JSON, Reflect};
use leptos::prelude::{document, window};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{DomParser, Element, HtmlElement, Node, SupportedType};

use super::browser::fetch_text;

/// Returns `main`, whose attributes hold what the watcher needs.
pub fn main_element() -> Option<HtmlElement> {
    document()
        .query_selector("main[data-live]")
        .ok()??
        .dyn_into()
        .ok()
}

pub fn data(name: &str) -> Option<String> {
    main_element()?.dataset().get(name)
}

/// Returns whether the live state `news` differs from the one shown.
pub fn is_outdated_by(news: &str) -> bool {
    let Ok(news) = JSON::parse(news) else { return false };
    let field = |name: &str| Reflect::get(&news, &name.into()).ok();
    let state = field("state").and_then(|state| state.as_string());
    // Through JSON, so that the number keeps its text and no float enters the bundle.
    let version = field("version")
        .and_then(|version| JSON::stringify(&version).ok())
        .map(String::from);
    state.is_some() && (state != data("live") || version != data("version"))
}

/// Fetches this page again and replaces its `main`. Returns the new title.
pub async fn renew() -> Result<String, JsValue> {
    let path = data("path").ok_or(JsValue::NULL)?;
    let html = fetch_text(&path).await?;
    let fresh = DomParser::new()?.parse_from_string(&html, SupportedType::TextHtml)?;
    let new = fresh.query_selector("main[data-live]")?.ok_or(JsValue::NULL)?;
    let old = main_element().ok_or(JsValue::NULL)?;
    let had_focus = old.contains(document().active_element().as_deref().map(AsRef::<Node>::as_ref));
    old.replace_with_with_node_1(&new)?;
    document().set_title(&fresh.title());
    // Parameters of a single visit (`?error=`, `?asked=`) are dropped.
    window()
        .history()?
        .replace_state_with_url(&JsValue::NULL, "", Some(&path))?;
    wake_islands(&new)?;
    let title: Option<HtmlElement> = new.query_selector("h1")?.and_then(|title| title.dyn_into().ok());
    let Some(title) = title else {
        return Ok(String::new());
    };
    if had_focus {
        title.focus()?;
    }
    Ok(title.text_content().unwrap_or_default())
}

/// Hydrates the islands of the new part as on a fresh page, by the function that Leptos leaves on `window`.
fn wake_islands(part: &Element) -> Result<(), JsValue> {
    let hydrate: Function = Reflect::get(&window(), &"__hydrateIsland".into())?.dyn_into()?;
    let islands = part.query_selector_all("leptos-island")?;
    for index in 0..islands.length() {
        let Some(island) = islands
            .get(index)
            .and_then(|node| node.dyn_into::<HtmlElement>().ok())
        else {
            continue;
        };
        let name = island.dataset().get("component").unwrap_or_default();
        hydrate.call2(&JsValue::NULL, &island, &name.into())?;
    }
    Ok(())
}
