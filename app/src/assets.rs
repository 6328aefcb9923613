//! The few static files a page cannot do without, compiled in: a server without any bundle is still dressed.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

pub const STYLESHEET: &str = include_str!("../../style/main.css");
pub const FAVICON: &str = include_str!("../../public/favicon.svg");
pub const ROBOTS: &str = include_str!("../../public/robots.txt");

/// Where pages look for [`STYLESHEET`]. The path names the content, so it may be cached for ever.
pub static STYLESHEET_PATH: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    STYLESHEET.hash(&mut hasher);
    format!("/assets/main.{:08x}.css", hasher.finish() >> 32)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_keeps_to_itself() {
        assert!(STYLESHEET_PATH.starts_with("/assets/main."));
        assert!(
            !STYLESHEET.contains("url("),
            "no page loads anything from elsewhere"
        );
        assert!(!STYLESHEET.contains("@import"));
        assert!(!STYLESHEET.contains("!important"));
    }
}
