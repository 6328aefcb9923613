//! The only code that runs in a browser: six islands, none of which a payment depends on.
//!
//! They compile for the server too, which draws them once and never runs their effects. They take no props: deserialising
//! those needs `serde_json`, which was three tenths of the bundle (81 KB brotli with, 57 without). Their data is in `data-`
//! attributes of the element around them; see [`browser::told`].

mod auto_return;
mod browser;
mod busy_forms;
mod copy_button;
mod countdown;
mod live_region;
mod payment_watcher;
mod wechat_bridge;

#[cfg(feature = "ssr")]
pub use self::{
    auto_return::AutoReturn, busy_forms::BusyForms, copy_button::CopyButton, countdown::Countdown,
    payment_watcher::PaymentWatcher, wechat_bridge::WechatBridge,
};
