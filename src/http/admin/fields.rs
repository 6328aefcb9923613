//! Fields of a form: each at most once, as text.

use axum::extract::{FromRequest, Request};
use axum::http::header;

use super::error::PageError;
use crate::http::body::{self, API_BYTES};

const FORM: &str = "application/x-www-form-urlencoded";

#[derive(Debug)]
pub struct Fields(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &S) -> Result<Fields, PageError> {
        let (head, body) = request.into_parts();
        // Other content types are refused: a form of the console never sends them.
        let is_form = head
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == FORM));
        let bytes = body::read(&head.headers, body, API_BYTES)
            .await
            .map_err(|_| PageError::Malformed)?;
        if !is_form && !bytes.is_empty() {
            return Err(PageError::Malformed);
        }
        Fields::parse(&bytes).ok_or(PageError::Malformed)
    }
}

impl Fields {
    /// Returns the names and values as they were sent.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    pub fn parse(bytes: &[u8]) -> Option<Fields> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(bytes) {
            if pairs.len() >= 50 || pairs.iter().any(|(known, _)| *known == name) {
                return None;
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Some(Fields(pairs))
    }

    /// Returns the trimmed value; empty when the field is missing.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// Returns the value untrimmed: spaces belong to a password.
    pub fn raw(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    /// Returns one line of at most `most` characters that displays as it is stored.
    pub fn line(&self, name: &str, most: usize) -> Result<&str, PageError> {
        let text = self.text(name);
        if payments::is_line(text, most) {
            Ok(text)
        } else {
            Err(PageError::Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_with_a_duplicate_field_is_refused() {
        let fields = Fields::parse(b"a=1+&b=%E4%BC%9A").unwrap();
        assert_eq!((fields.text("a"), fields.raw("a")), ("1", "1 "));
        assert_eq!((fields.text("b"), fields.text("c")), ("会", ""));
        assert!(Fields::parse(b"a=1&a=2").is_none());
    }
}
