//! Browser APIs, without a panic where an old browser does not have them.

use js_sys::{Date, Reflect};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Element, HtmlElement, RequestInit, Response, UrlSearchParams};

/// Milliseconds by the payer's clock: good for differences, never for the time of day.
#[expect(
    clippy::as_conversions,
    reason = "a double from JavaScript; `as` saturates and every real date fits"
)]
pub fn millis() -> i64 {
    Date::now() as i64
}

/// Returns a `data-` attribute of the element around the island: `data-at-end` is `atEnd`.
pub fn told(element: &Element, name: &str) -> String {
    let island = element.closest("leptos-island").ok().flatten();
    let holder = island.and_then(|island| island.parent_element());
    let holder = holder.and_then(|holder| holder.dyn_into::<HtmlElement>().ok());
    holder
        .and_then(|holder| holder.dataset().get(name))
        .unwrap_or_default()
}

/// Returns whether there is a clipboard: only on secure origins.
pub fn has_clipboard() -> bool {
    Reflect::get(&window().navigator(), &"clipboard".into()).is_ok_and(|clipboard| clipboard.is_object())
}

/// Posts a form as a browser does, and follows the redirect.
pub async fn post_form(path: &str, fields: &str) -> Result<(), JsValue> {
    let request = RequestInit::new();
    request.set_method("POST");
    // As parameters, so that the browser names their type.
    let fields: JsValue = UrlSearchParams::new_with_str(fields)?.into();
    request.set_body(&fields);
    JsFuture::from(window().fetch_with_str_and_init(path, &request))
        .await
        .map(drop)
}

/// Value of a failed [`fetch_text`] when the server has answered, so that it is there.
pub const REFUSED: JsValue = JsValue::FALSE;

/// Returns the body of a successful answer. A proxy answers 502 and the like in place of a server that is gone.
pub async fn fetch_text(path: &str) -> Result<String, JsValue> {
    let response: Response = JsFuture::from(window().fetch_with_str(path)).await?.dyn_into()?;
    if !response.ok() {
        let is_gone = response.status() >= 500;
        return Err(if is_gone { JsValue::NULL } else { REFUSED });
    }
    let text = JsFuture::from(response.text()?).await?;
    text.as_string().ok_or(JsValue::NULL)
}
