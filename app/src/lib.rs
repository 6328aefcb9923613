//! Pages drawn on the server, and four islands that update them in the browser.
//!
//! With `ssr` this is a library of the server: [`App`], [`shell`] and [`context`]. With `hydrate` it is the browser bundle,
//! which holds only `islands`: no page, no text, no rule.

mod islands;

#[cfg(feature = "ssr")]
pub use assets::{CONSOLE_STYLESHEET, FAVICON, ROBOTS, Stylesheet, fingerprint};
#[cfg(feature = "ssr")]
pub use routes::{App, shell};

#[cfg(feature = "ssr")]
pub mod accent;
#[cfg(feature = "ssr")]
mod actions;
#[cfg(feature = "ssr")]
mod answer;
#[cfg(feature = "ssr")]
mod assets;
#[cfg(feature = "ssr")]
mod components;
#[cfg(feature = "ssr")]
pub mod console;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod cookies;
#[cfg(feature = "ssr")]
pub mod device;
#[cfg(feature = "ssr")]
pub mod error;
#[cfg(feature = "ssr")]
pub mod i18n;
#[cfg(feature = "ssr")]
pub mod links;
#[cfg(feature = "ssr")]
pub mod page_template;
#[cfg(feature = "ssr")]
pub mod pages;
#[cfg(feature = "ssr")]
pub mod qr;
#[cfg(feature = "ssr")]
pub mod reference;
#[cfg(feature = "ssr")]
pub mod return_url;
#[cfg(feature = "ssr")]
mod routes;
#[cfg(feature = "ssr")]
pub mod shop;
#[cfg(feature = "ssr")]
pub mod theme;
#[cfg(feature = "ssr")]
pub mod view;
#[cfg(feature = "ssr")]
mod visitor;
