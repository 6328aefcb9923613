//! Pages that load themselves again, by the `Refresh` header: the console runs no script.
//!
//! A limited number of times, because each load counts as a sign of life of the session: a screen that is left alone must
//! still log its person out.

use std::time::Duration;

use app::console::pages::LiveState;
use app::context::parameter;
use axum::http::HeaderValue;
use axum::http::header::REFRESH;
use axum::response::Response;
use domain::Timestamp;
use url::form_urlencoded::Serializer;

/// Time between two loads.
const PAUSE: Duration = Duration::from_secs(10);
/// Ten minutes in all.
const MAX_LOADS: u32 = 60;

/// State of a page that loads itself again, from its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {
    /// It has loaded itself so many times.
    On(u32),
    /// A person paused it, or all loads are used up.
    Off,
}

impl Live {
    /// Reads `?live=`: a count, or `off`.
    pub fn read(query: Option<&str>) -> Live {
        match parameter(query, "live").as_deref() {
            None | Some("") => Live::On(0),
            Some(count) => match count.parse() {
                Ok(n_loads) if n_loads < MAX_LOADS => Live::On(n_loads),
                _ => Live::Off,
            },
        }
    }

    /// State as the page shows it.
    pub fn shown(self, now: Timestamp) -> LiveState {
        match self {
            Live::On(_) => LiveState::On(now),
            Live::Off => LiveState::Off,
        }
    }

    /// The page with the header that loads `path` again, with a parameter that it keeps.
    pub fn refreshed(self, mut page: Response, path: &str, kept: Option<(&str, String)>) -> Response {
        let Live::On(n_loads) = self else { return page };
        let query = Serializer::new(String::new())
            .extend_pairs(kept)
            .append_pair("live", &(n_loads + 1).to_string())
            .finish();
        let value = format!("{}; url={path}?{query}", PAUSE.as_secs());
        if let Ok(value) = HeaderValue::try_from(value) {
            page.headers_mut().insert(REFRESH, value);
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_loads_itself_again_a_limited_number_of_times() {
        let refresh = |query: &str| {
            let page = Live::read(Some(query)).refreshed(
                Response::default(),
                "/admin/x",
                Some(("list", "q=a b".to_owned())),
            );
            let header = page.headers().get(REFRESH)?;
            Some(header.to_str().unwrap().to_owned())
        };
        assert_eq!(
            refresh("").as_deref(),
            Some("10; url=/admin/x?list=q%3Da+b&live=1")
        );
        assert_eq!(
            refresh("live=59").as_deref(),
            Some("10; url=/admin/x?list=q%3Da+b&live=60")
        );
        for query in ["live=60", "live=off", "live=-1", "live=99999999999"] {
            assert_eq!(refresh(query), None, "{query}");
        }
    }
}
