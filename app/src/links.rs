//! Addresses of pages. A language the payer chose is kept in every link.

use url::form_urlencoded::Serializer;

use crate::error::UiError;

/// Query of a link to a checkout page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckoutLink<'a> {
    pub token: &'a str,
    pub language: Option<&'a str>,
    /// Device that the payer chose.
    pub device: Option<&'a str>,
    pub error: Option<UiError>,
    /// The payer pressed *I have paid* and the end is still unknown.
    pub is_asked: bool,
    /// The payer pressed the button of a payment that opens inside WeChat.
    pub opens: bool,
    /// The payer chose the balance and has not confirmed it.
    pub is_spending: bool,
    /// Count of automatic refreshes of a browser without JavaScript.
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
        if self.opens {
            parameters.push(("open", "1".to_owned()));
        }
        if self.is_spending {
            parameters.push(("pay", "balance".to_owned()));
        }
        if self.n_refreshes > 0 {
            parameters.push(("n", self.n_refreshes.to_string()));
        }
        parameters.extend(kept_parameters(self.language, self.device));
        with_query(&format!("/checkout/{}", self.token), &parameters)
    }
}

/// Address of the shop, with an error if there was one.
pub fn shop(language: Option<&str>, error: Option<UiError>) -> String {
    let error = error.map(|error| ("error", error.as_str().to_owned()));
    let language = language.map(|language| ("lang", language.to_owned()));
    let parameters: Vec<_> = error.into_iter().chain(language).collect();
    with_query("/", &parameters)
}

/// Address of a payment link, with an error if there was one.
pub fn payment_link(
    token: &str,
    language: Option<&str>,
    device: Option<&str>,
    error: Option<UiError>,
) -> String {
    let mut parameters: Vec<_> = error
        .map(|error| ("error", error.as_str().to_owned()))
        .into_iter()
        .collect();
    parameters.extend(kept_parameters(language, device));
    with_query(&format!("/pay/{token}"), &parameters)
}

pub fn receipt(token: &str, language: Option<&str>) -> String {
    with_query(
        &format!("/checkout/{token}/receipt"),
        &kept_parameters(language, None),
    )
}

/// Address of the receipt for printing on this paper.
pub fn receipt_on(token: &str, paper: &str, language: Option<&str>) -> String {
    let mut parameters = vec![("paper", paper.to_owned())];
    parameters.extend(kept_parameters(language, None));
    with_query(&format!("/checkout/{token}/receipt"), &parameters)
}

/// Address that redirects to the gateway's own page, by an address that is still fresh.
pub fn gateway(token: &str, language: Option<&str>) -> String {
    with_query(
        &format!("/checkout/{token}/pay"),
        &kept_parameters(language, None),
    )
}

/// Address that WeChat sends the payer's browser back to, with a code that names the payer.
pub fn wechat_return(token: &str, language: Option<&str>, device: Option<&str>) -> String {
    with_query(
        &format!("/checkout/{token}/wechat"),
        &kept_parameters(language, device),
    )
}

/// Address of the signed parameters for the page inside WeChat.
pub fn invocation(token: &str) -> String {
    format!("/checkout/{token}/invocation")
}

/// Address that sends the payer back to the merchant with a result that is signed then.
pub fn way_back(token: &str) -> String {
    format!("/checkout/{token}/return")
}

/// Address of the simulated wallet, with the code already in its field.
pub fn wallet(wallet_url: &str, code: &str) -> String {
    with_query(wallet_url, &[("code", code.to_owned())])
}

/// Address of the same page in another language: only `lang` changes.
pub fn in_language(path: &str, query: &str, language: &str) -> String {
    let kept = url::form_urlencoded::parse(query.trim_start_matches('?').as_bytes());
    let query = Serializer::new(String::new())
        .extend_pairs(kept.filter(|(name, _)| name != "lang"))
        .append_pair("lang", language)
        .finish();
    format!("{path}?{query}")
}

/// Parameters that every link and form keeps.
fn kept_parameters(language: Option<&str>, device: Option<&str>) -> Vec<(&'static str, String)> {
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
    fn a_checkout_link_has_only_the_needed_parameters() {
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
            opens: true,
            is_spending: true,
            n_refreshes: 3,
        };
        assert_eq!(
            full.path(),
            "/checkout/abc?asked=1&error=unreachable&open=1&pay=balance&n=3&device=phone&lang=en"
        );
    }

    #[test]
    fn switching_the_language_keeps_the_rest() {
        let path = in_language("/checkout/abc", "?asked=1&lang=zh&device=phone", "en");
        assert_eq!(path, "/checkout/abc?asked=1&device=phone&lang=en");
    }

    #[test]
    fn a_wallet_link_contains_the_whole_code() {
        let link = wallet("http://127.0.0.1:9/wallet", "weixin://wxpay/bizpayurl?pr=a&b=c");
        assert_eq!(
            link,
            "http://127.0.0.1:9/wallet?code=weixin%3A%2F%2Fwxpay%2Fbizpayurl%3Fpr%3Da%26b%3Dc"
        );
    }
}
