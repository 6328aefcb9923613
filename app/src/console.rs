//! The operator's console: what its people see. It is drawn on the server and runs no script.
//!
//! A page is a function from what was loaded to a view; handlers in the server load, and [`render`] puts the frame around.

mod flash;
mod format;
mod frame;
pub mod pages;

use std::net::IpAddr;
use std::sync::Arc;

use leptos::prelude::*;
use payments::console::{Operator, Permission, Waiting};

pub use self::flash::Flash;
use crate::context::PageSettings;
use crate::i18n::{ConsoleWords, Language};

/// Who sits here, and where.
#[derive(Debug, Clone)]
pub struct ConsoleContext {
    pub site: Arc<PageSettings>,
    pub language: Language,
    /// Chosen with `?lang=` just now: the server keeps it in a cookie.
    pub chosen_language: Option<Language>,
    /// `None`: on the pages before the login.
    pub operator: Option<Operator>,
    pub path: String,
    /// Without its question mark.
    pub query: String,
    /// What the form before this page did.
    pub flash: Option<Flash>,
    /// The numbers in the navigation.
    pub waiting: Waiting,
    pub ip: Option<IpAddr>,
    pub request_id: String,
}

impl ConsoleContext {
    pub fn words(&self) -> &'static ConsoleWords {
        self.language.console_words()
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.operator
            .as_ref()
            .is_some_and(|operator| operator.may(permission))
    }
}

/// The whole document.
pub fn render(context: &ConsoleContext, title: &str, content: AnyView) -> String {
    let document = Owner::new().with(|| frame::document(context, title, content).to_html());
    format!("<!DOCTYPE html>{document}")
}
