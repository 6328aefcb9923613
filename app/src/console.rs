//! Pages of the operator's console, drawn on the server without any script.
//!
//! A page is a function from loaded data to a view; handlers in the server load, and [`render`] adds the frame.

mod alarm;
pub mod columns;
mod flash;
mod format;
mod frame;
mod incident_text;
pub mod pages;
mod sentences;
mod typed;

use std::net::IpAddr;
use std::sync::Arc;

use leptos::prelude::*;
use payments::console::{Operator, Permission, Waiting};

pub use self::alarm::describe_alarm;
use self::columns::FileTexts;
pub use self::flash::Flash;
pub use self::typed::{Problem, TypedForm};
use crate::context::PageSettings;
use crate::i18n::{ConsoleWords, FormWords, Language};

/// Context of a console page: person, device, language, settings, counts.
#[derive(Debug, Clone)]
pub struct ConsoleContext {
    pub site: Arc<PageSettings>,
    pub language: Language,
    /// Chosen with `?lang=` in this request: the server keeps it in a cookie.
    pub chosen_language: Option<Language>,
    /// `None` on the pages before the login.
    pub operator: Option<Operator>,
    /// Path of this page, or of the page whose form it answers.
    pub path: String,
    /// The query string without its question mark.
    pub query: String,
    /// Flash message of the form before this page.
    pub flash: Option<Flash>,
    /// Form that is shown again as it was typed.
    pub form: TypedForm,
    /// Number of a form that acts once.
    pub once: String,
    /// Counts in the navigation.
    pub waiting: Waiting,
    pub ip: Option<IpAddr>,
    pub request_id: String,
}

impl ConsoleContext {
    pub fn words(&self) -> &'static ConsoleWords {
        self.language.console_words()
    }

    pub fn form_words(&self) -> &'static FormWords {
        self.language.form_words()
    }

    /// Returns what was typed into the form that is sent to this address.
    pub fn typed(&self, action: &str) -> &TypedForm {
        self.typed_in_steps(&[action])
    }

    /// The same for a form of several steps, each with an address of its own.
    pub fn typed_in_steps(&self, actions: &[&str]) -> &TypedForm {
        if actions.contains(&self.form.action()) {
            &self.form
        } else {
            &typed::EMPTY
        }
    }

    /// Texts of files for accountants.
    pub fn file_texts(&self) -> FileTexts {
        FileTexts {
            console: self.words(),
            files: self.language.file_words(),
        }
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.operator
            .as_ref()
            .is_some_and(|operator| operator.may(permission))
    }
}

/// Renders the whole document.
pub fn render(context: &ConsoleContext, title: &str, content: AnyView) -> String {
    let document = Owner::new().with(|| frame::document(context, title, content).to_html());
    format!("<!DOCTYPE html>{document}")
}
