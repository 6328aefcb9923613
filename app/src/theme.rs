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
    pub marks: Marks,
}

/// Addresses of the gateways' own marks, where the operator has them.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    pub wechat: Option<String>,
    pub alipay: Option<String>,
}

impl Theme {
    /// Default theme.
    pub fn plain() -> Theme {
        Theme {
            stylesheet_path: Stylesheet::plain().path,
            logo_path: None,
            contact: None,
            marks: Marks::default(),
        }
    }
}
