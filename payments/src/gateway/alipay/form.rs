//! Payment form: a signed address that is too long for a browser is posted as a form.
//!
//! The signature covers the parameters wherever they stand, so the form is made from the signed address without the
//! key.

use url::Url;
use url::form_urlencoded::parse;

/// Maximum length of an address; longer ones are cut or refused between browser and server. With a short subject it has
/// about a thousand characters, with two hundred Chinese characters three thousand.
pub const MOST_ADDRESS: usize = 2000;
const CONTENT: &str = "biz_content";

/// Fields of the posted form, as plain text: the page escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayForm {
    /// Gateway address with the common parameters, which must be in the query: they name the charset of the body.
    pub action: Url,
    /// Value of the hidden field `biz_content`.
    pub biz_content: String,
}

impl PayForm {
    pub const FIELD: &str = CONTENT;

    /// Parses a signed address; `None` when it is not a payment address.
    pub fn of(address: &str) -> Option<PayForm> {
        let mut action = Url::parse(address).ok()?;
        let query = action.query()?.to_owned();
        let (content, common): (Vec<&str>, Vec<&str>) = query
            .split('&')
            .partition(|pair| pair.split('=').next() == Some(CONTENT));
        let [content] = content[..] else {
            return None;
        };
        let (_, biz_content) = parse(content.as_bytes()).next()?;
        action.set_query(Some(&common.join("&")));
        Some(PayForm {
            biz_content: biz_content.into_owned(),
            action,
        })
    }
}
