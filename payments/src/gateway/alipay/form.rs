//! The other way to Alipay's pages: what does not fit into an address is posted by a form.
//!
//! The signature is over the parameters wherever they stand, so a form is made of a signed address without the key.

use url::Url;
use url::form_urlencoded::parse;

/// Longer addresses are cut off or refused by something between a browser and a server. One with a short subject has
/// about a thousand characters, one of two hundred Chinese characters has three thousand.
pub const MOST_ADDRESS: usize = 2000;
const CONTENT: &str = "biz_content";

/// What a page needs to post. Both are plain text: the page escapes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayForm {
    /// The gateway with the common parameters, which must stand in the address: they name the charset of the body.
    pub action: Url,
    /// The value of the hidden field `biz_content`.
    pub biz_content: String,
}

impl PayForm {
    pub const FIELD: &str = CONTENT;

    /// `None`: not an address of a page to pay on.
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
