//! Branding by the operator that pages need: stylesheet, logo and contact.

use crate::assets::Stylesheet;

/// Branding that pages need; the server serves the files themselves.
#[derive(Debug, Clone)]
pub struct Theme {
    pub stylesheet_path: String,
    /// Address of the operator's logo, if there is one.
    pub logo_path: Option<String>,
    /// Contact link for payers: `https:`, `mailto:` or `tel:`.
    pub contact: Option<String>,
}

impl Theme {
    /// Default theme.
    pub fn plain() -> Theme {
        Theme {
            stylesheet_path: Stylesheet::plain().path,
            logo_path: None,
            contact: None,
        }
    }
}
