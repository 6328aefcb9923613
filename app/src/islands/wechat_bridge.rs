//! Opens the payment in the WeChat app around the page.

use std::time::Duration;

use js_sys::{Function, JSON, Promise, Reflect};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlButtonElement;

use super::browser::{fetch_text, told};
use super::live_region;

const BRIDGE: &str = "WeixinJSBridge";
/// WeChat adds its bridge a moment after the page has loaded.
const PATIENCE: Duration = Duration::from_secs(3);

/// The element around it has the address of the signed parameters (`data-path`), all texts, and `data-opens` when the payer has
/// pressed for it on the page before.
#[island]
pub fn WechatBridge() -> impl IntoView {
    let node = NodeRef::<html::Button>::new();
    let news = RwSignal::new(String::new());
    let is_busy = RwSignal::new(false);
    let open = move || {
        let Some(button) = node.get_untracked().filter(|_| !is_busy.get_untracked()) else {
            return;
        };
        is_busy.set(true);
        spawn_local(async move {
            let outcome = open_wallet(&button).await;
            news.set(told(&button, outcome));
            is_busy.set(false);
        });
    };
    node.on_load(move |button| {
        button.set_text_content(Some(&told(&button, "label")));
        button.set_hidden(false);
        if told(&button, "opens") == "once" {
            forget_press();
            // The reference to the button is set after this.
            set_timeout(open, Duration::ZERO);
        }
    });
    view! {
        <button
            class="button button--primary"
            type="button"
            hidden
            node_ref=node
            data-action="open-bridge"
            aria-busy=move || is_busy.get().to_string()
            on:click=move |_| open()
        ></button>
        <p class="bridge__news" role="status">{news}</p>
    }
}

/// Takes the press out of the page's address: a reload must not open the payment again.
fn forget_press() {
    let path = live_region::data("path");
    if let (Some(path), Ok(history)) = (path, window().history()) {
        drop(history.replace_state_with_url(&JsValue::NULL, "", Some(&path)));
    }
}

/// Returns the text to show afterwards, by the name of its `data-` attribute. The app's `ok` does not prove payment: it has
/// been seen without money, so the page goes on waiting for the server.
async fn open_wallet(button: &HtmlButtonElement) -> &'static str {
    let Some(bridge) = find_bridge().await else {
        return "outside";
    };
    let words = fetch_text(&told(button, "path")).await;
    let Ok(words) = words.and_then(|text| JSON::parse(&text)) else {
        return "unheard";
    };
    match invoke_payment(&bridge, &words).await.as_deref() {
        Ok("get_brand_wcpay_request:ok") => "sent",
        Ok("get_brand_wcpay_request:cancel") => "cancelled",
        _ => "failed",
    }
}

async fn find_bridge() -> Option<JsValue> {
    let found = || {
        Reflect::get(&window(), &BRIDGE.into())
            .ok()
            .filter(JsValue::is_object)
    };
    if let Some(bridge) = found() {
        return Some(bridge);
    }
    let is_wechat = window()
        .navigator()
        .user_agent()
        .is_ok_and(|name| name.contains("MicroMessenger"));
    if !is_wechat {
        return None;
    }
    let ready = Promise::new(&mut |resolve: Function, _| {
        let is_heard = document()
            .add_event_listener_with_callback("WeixinJSBridgeReady", &resolve)
            .is_ok();
        let wait = if is_heard { PATIENCE } else { Duration::ZERO };
        set_timeout(move || drop(resolve.call0(&JsValue::NULL)), wait);
    });
    drop(JsFuture::from(ready).await);
    found()
}

async fn invoke_payment(bridge: &JsValue, words: &JsValue) -> Result<String, JsValue> {
    let invoke: Function = Reflect::get(bridge, &"invoke".into())?.dyn_into()?;
    let answer = Promise::new(&mut |resolve: Function, reject: Function| {
        if let Err(error) = invoke.call3(bridge, &"getBrandWCPayRequest".into(), words, &resolve) {
            drop(reject.call1(&JsValue::NULL, &error));
        }
    });
    let answer = JsFuture::from(answer).await?;
    Reflect::get(&answer, &"err_msg".into())?
        .as_string()
        .ok_or(JsValue::NULL)
}
