//! Addresses inside the product. A language the payer chose goes along, so that no click loses it.

use url::form_urlencoded::Serializer;

use crate::error::UiError;

/// What a link to a checkout page may carry besides its token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckoutLink<'a> {
    pub token: &'a str,
    pub language: Option<&'a str>,
    /// What the payer says the device is.
    pub device: Option<&'a str>,
    pub error: Option<UiError>,
    /// The payer said *I have paid* and we have not heard yet.
    pub is_asked: bool,
    /// The payer wants to pay with the balance and has not confirmed it.
    pub is_spending: bool,
    /// How often a browser without JavaScript has come back by itself.
    pub n_refreshes: u32,
}

impl CheckoutLink<'_> {
    pub fn path(&self) -> String {
        let mut parameters = Vec::new();
        if self.is_asked {
            parameters.push(("asked", "1".to_owned()));
        }
        if let Some(error) = self.error {
            parameters.push(("error", error.as_str().to_owned()));
        }
        if self.is_spending {
            parameters.push(("pay", "balance".to_owned()));
        }
        if self.n_refreshes > 0 {
            parameters.push(("n", self.n_refreshes.to_string()));
        }
        parameters.extend(kept(self.language, self.device));
        with_query(&format!("/checkout/{}", self.token), &parameters)
    }
}

/// The shop, with what went wrong when something did.
pub fn shop(language: Option<&str>, error: Option<UiError>) -> String {
    let error = error.map(|error| ("error", error.as_str().to_owned()));
    let language = language.map(|language| ("lang", language.to_owned()));
    let parameters: Vec<_> = error.into_iter().chain(language).collect();
    with_query("/", &parameters)
}

pub fn receipt(token: &str, language: Option<&str>) -> String {
    with_query(&format!("/checkout/{token}/receipt"), &kept(language, None))
}

/// The receipt as it is printed on this paper.
pub fn receipt_on(token: &str, paper: &str, language: Option<&str>) -> String {
    let mut parameters = vec![("paper", paper.to_owned())];
    parameters.extend(kept(language, None));
    with_query(&format!("/checkout/{token}/receipt"), &parameters)
}

/// The door to the gateway's own page: it sends the browser on, with an address that is still fresh.
pub fn gateway(token: &str, language: Option<&str>) -> String {
    with_query(&format!("/checkout/{token}/pay"), &kept(language, None))
}

/// What the page inside WeChat asks for when its button is pressed.
pub fn invocation(token: &str) -> String {
    format!("/checkout/{token}/invocation")
}

/// The simulated phone, with the code already in its field.
pub fn wallet(wallet_url: &str, code: &str) -> String {
    with_query(wallet_url, &[("code", code.to_owned())])
}

/// The same page in another language: only `lang` changes.
pub fn in_language(path: &str, query: &str, language: &str) -> String {
    let kept = url::form_urlencoded::parse(query.trim_start_matches('?').as_bytes());
    let query = Serializer::new(String::new())
        .extend_pairs(kept.filter(|(name, _)| name != "lang"))
        .append_pair("lang", language)
        .finish();
    format!("{path}?{query}")
}

/// What the payer chose once goes along with every link and form.
fn kept(language: Option<&str>, device: Option<&str>) -> Vec<(&'static str, String)> {
    let chosen = [("device", device), ("lang", language)];
    chosen
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?.to_owned())))
        .collect()
}

fn with_query(path: &str, parameters: &[(&str, String)]) -> String {
    if parameters.is_empty() {
        return path.to_owned();
    }
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{path}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_link_carries_only_what_it_must() {
        let plain = CheckoutLink {
            token: "abc",
            ..CheckoutLink::default()
        };
        assert_eq!(plain.path(), "/checkout/abc");
        let full = CheckoutLink {
            token: "abc",
            language: Some("en"),
            device: Some("phone"),
            error: Some(UiError::Unreachable),
            is_asked: true,
            is_spending: true,
            n_refreshes: 3,
        };
        assert_eq!(
            full.path(),
            "/checkout/abc?asked=1&error=unreachable&pay=balance&n=3&device=phone&lang=en"
        );
    }

    #[test]
    fn switching_the_language_keeps_the_rest() {
        let path = in_language("/checkout/abc", "?asked=1&lang=zh&device=phone", "en");
        assert_eq!(path, "/checkout/abc?asked=1&device=phone&lang=en");
    }

    #[test]
    fn a_code_reaches_the_wallet_whole() {
        let link = wallet("http://127.0.0.1:9/wallet", "weixin://wxpay/bizpayurl?pr=a&b=c");
        assert_eq!(
            link,
            "http://127.0.0.1:9/wallet?code=weixin%3A%2F%2Fwxpay%2Fbizpayurl%3Fpr%3Da%26b%3Dc"
        );
    }
}
