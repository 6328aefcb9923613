//! The few static files a page cannot do without, compiled in: a server without any bundle is still dressed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

pub const STYLESHEET: &str = include_str!("../../style/main.css");
pub const FAVICON: &str = include_str!("../../public/favicon.svg");
pub const ROBOTS: &str = include_str!("../../public/robots.txt");

/// Where pages look for [`STYLESHEET`]. The path names the content, so it may be cached for ever.
pub static STYLESHEET_PATH: LazyLock<String> = LazyLock::new(|| named("main", STYLESHEET));

/// On top of [`STYLESHEET`], for the console only: a payer does not wait for it.
pub const CONSOLE_STYLESHEET: &str = include_str!("../../style/console.css");
pub static CONSOLE_STYLESHEET_PATH: LazyLock<String> = LazyLock::new(|| named("console", CONSOLE_STYLESHEET));

fn named(name: &str, content: &str) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("/assets/{name}.{:08x}.css", hasher.finish() >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_keeps_to_itself() {
        assert!(STYLESHEET_PATH.starts_with("/assets/main."));
        assert!(CONSOLE_STYLESHEET_PATH.starts_with("/assets/console."));
        for sheet in [STYLESHEET, CONSOLE_STYLESHEET] {
            assert!(!sheet.contains("url("), "no page loads anything from elsewhere");
            assert!(!sheet.contains("@import"));
            assert!(!sheet.contains("!important"));
        }
    }
}
