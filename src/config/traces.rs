//! Settings of traces: the collector that they are sent to, and the name that this server has there.

use url::Url;

use super::{ConfigError, Source};

const SERVICE_NAME: &str = "tongqian";
/// Maximum length of the name, which every batch carries.
const MAX_NAME_CHARACTERS: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceSettings {
    /// Address that spans are posted to: that of the setting with `/v1/traces`.
    pub url: Url,
    pub service_name: String,
}

/// Reads the settings. `None`: no traces.
pub(super) fn read(source: &Source) -> Result<Option<TraceSettings>, ConfigError> {
    let service_name = source
        .parsed("OTEL_SERVICE_NAME", parse_service_name)?
        .unwrap_or_else(|| SERVICE_NAME.to_owned());
    let url = source.parsed("OTEL_EXPORTER_OTLP_ENDPOINT", parse_endpoint)?;
    Ok(url.map(|url| TraceSettings { url, service_name }))
}

/// Parses the base of a collector's OTLP/HTTP addresses, and returns that of traces.
fn parse_endpoint(text: &str) -> Result<Url, String> {
    let wrong = || {
        "must be the address of a collector's OTLP/HTTP receiver, such as http://127.0.0.1:4318, without login, query and fragment"
            .to_owned()
    };
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.has_host();
    let has_login = !url.username().is_empty() || url.password().is_some();
    if !is_plain || has_login || !matches!(url.scheme(), "http" | "https") {
        return Err(wrong());
    }
    url.path_segments_mut()
        .map_err(|()| wrong())?
        .pop_if_empty()
        .extend(["v1", "traces"]);
    Ok(url)
}

fn parse_service_name(text: &str) -> Result<String, String> {
    if text.chars().count() <= MAX_NAME_CHARACTERS && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "must have at most {MAX_NAME_CHARACTERS} characters on one line"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_to_the_path_of_traces_below_the_address() {
        for (endpoint, url) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            (
                "https://otlp.example.com/in",
                "https://otlp.example.com/in/v1/traces",
            ),
            (
                "https://otlp.example.com/in/",
                "https://otlp.example.com/in/v1/traces",
            ),
        ] {
            assert_eq!(parse_endpoint(endpoint).unwrap().as_str(), url);
        }
    }

    #[test]
    fn an_address_that_is_no_receiver_is_refused() {
        for endpoint in [
            "127.0.0.1:4318",
            "grpc://127.0.0.1:4317",
            "http://user:password@127.0.0.1:4318",
            "http://127.0.0.1:4318/?token=x",
            "http://127.0.0.1:4318/#x",
        ] {
            assert!(parse_endpoint(endpoint).is_err(), "{endpoint}");
        }
        assert!(parse_service_name(&"x".repeat(101)).is_err());
        assert!(parse_service_name("a\nb").is_err());
    }
}
