//! Return URLs: only those that a merchant's program named, and only on hosts the operator allows.

use url::{Host, Url};

/// The hosts of `RETURN_URL_HOSTS`.
///
/// An empty list allows every host: a return URL comes from a merchant's program with its key, never from the URL of a page,
/// so it is no open redirect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReturnHosts(Vec<Name>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// `shop.example`
    Exactly(String),
    /// `*.shop.example`: any host below it.
    Below(String),
}

impl ReturnHosts {
    /// Parses hosts separated by commas or spaces.
    pub fn parse(text: &str) -> Result<ReturnHosts, String> {
        let words = text
            .split([',', ' '])
            .map(str::trim)
            .filter(|word| !word.is_empty());
        let names =
            words.map(|word| Name::parse(word).ok_or("must be hosts such as shop.example or *.shop.example"));
        Ok(ReturnHosts(names.collect::<Result<_, _>>()?))
    }

    /// Returns whether a page may link to `url`: it runs no code, and its host is allowed.
    pub fn allow(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        let is_web =
            matches!(url.scheme(), "https" | "http") && url.username().is_empty() && url.password().is_none();
        let host = url.host_str().unwrap_or_default();
        is_web && !host.is_empty() && (self.0.is_empty() || self.0.iter().any(|name| name.matches(host)))
    }
}

impl Name {
    fn parse(word: &str) -> Option<Name> {
        let (below, name) = match word.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, word),
        };
        // Normalised as URLs are parsed: lower case, and another alphabet as punycode.
        let name = match Host::parse(name).ok()? {
            Host::Domain(name) if !name.contains('*') => name,
            Host::Domain(_) => return None,
            address if !below => address.to_string(),
            _ => return None,
        };
        Some(if below {
            Name::Below(name)
        } else {
            Name::Exactly(name)
        })
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Name::Exactly(name) => host == name,
            Name::Below(name) => host
                .strip_suffix(name.as_str())
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_configured_return_hosts_are_allowed() {
        let hosts = ReturnHosts::parse("shop.example, *.Brand.example 127.0.0.1").expect("hosts");
        for url in [
            "https://shop.example/thanks?order=1",
            "https://SHOP.example:8443/",
            "http://a.brand.example/",
            "https://a.b.brand.example/",
            "http://127.0.0.1:9000/",
        ] {
            assert!(hosts.allow(url), "{url}");
        }
        for url in [
            "https://shop.example.evil.example/",
            "https://evilshop.example/",
            "https://brand.example/",
            "https://evilbrand.example/",
            "https://shop.example@evil.example/",
            "https://user@shop.example/",
            "//shop.example/",
            "javascript:alert(1)//shop.example",
        ] {
            assert!(!hosts.allow(url), "{url}");
        }
    }

    #[test]
    fn without_a_list_every_http_return_url_is_allowed() {
        let any = ReturnHosts::default();
        assert!(any.allow("https://anywhere.example/") && any.allow("http://localhost:3000/"));
        assert!(!any.allow("javascript:alert(1)") && !any.allow("data:text/html,x"));
    }

    #[test]
    fn an_invalid_host_is_refused() {
        for text in [
            "https://shop.example",
            "shop.example/path",
            "*.10.0.0.1",
            "a b/c",
            "*",
        ] {
            assert!(ReturnHosts::parse(text).is_err(), "{text}");
        }
        assert_eq!(
            ReturnHosts::parse(" , ").expect("no host"),
            ReturnHosts::default()
        );
    }
}
