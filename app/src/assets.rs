//! Stylesheets, compiled in, so that a server without a bundle has styled pages.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use crate::accent::{self, Color};

const STYLESHEET: &str = include_str!("../../style/main.css");
pub const FAVICON: &str = include_str!("../../public/favicon.svg");
pub const ROBOTS: &str = include_str!("../../public/robots.txt");

/// A stylesheet, with the operator's accent colour at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stylesheet {
    /// Contains a hash of the content, so it may be cached for ever.
    pub path: String,
    pub text: String,
}

impl Stylesheet {
    pub fn plain() -> Stylesheet {
        Stylesheet::of(compress_styles(STYLESHEET))
    }

    pub fn with_accent(accent: Color) -> Stylesheet {
        Stylesheet::of(compress_styles(STYLESHEET) + &accent::rules(accent))
    }

    /// Stylesheet of the console, in addition to the other one: payers need not load it.
    fn console() -> Stylesheet {
        Stylesheet::named(
            "console",
            compress_styles(include_str!("../../style/console.css")),
        )
    }

    fn of(text: String) -> Stylesheet {
        Stylesheet::named("main", text)
    }

    fn named(name: &str, text: String) -> Stylesheet {
        Stylesheet {
            path: format!("/assets/{name}.{}.css", fingerprint(text.as_bytes())),
            text,
        }
    }
}

/// The same for every server of this version.
pub static CONSOLE_STYLESHEET: LazyLock<Stylesheet> = LazyLock::new(Stylesheet::console);

/// Hashes the content.
pub fn fingerprint(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:08x}", hasher.finish() >> 32)
}

/// Strips comments and indentation, so that payers load less.
fn compress_styles(css: &str) -> String {
    let mut rest = css;
    let mut bare = String::with_capacity(css.len());
    while let Some((before, after)) = rest.split_once("/*") {
        bare.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    let lines = bare.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.fold(String::with_capacity(bare.len()), |text, line| text + line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_loads_nothing_else() {
        assert!(Stylesheet::plain().path.starts_with("/assets/main."));
        assert!(CONSOLE_STYLESHEET.path.starts_with("/assets/console."));
        for sheet in [Stylesheet::plain(), CONSOLE_STYLESHEET.clone()] {
            assert!(
                !sheet.text.contains("url("),
                "no page loads anything from elsewhere"
            );
            assert!(!sheet.text.contains("@import"));
            assert!(!sheet.text.contains("!important"));
            assert!(!sheet.text.contains("/*") && sheet.text.contains("@layer tokens"));
        }
    }

    #[test]
    fn an_accent_changes_the_stylesheet_path() {
        let red = Stylesheet::with_accent(Color::parse("#c0202f").expect("a colour"));
        assert_ne!(red.path, Stylesheet::plain().path);
        assert!(red.text.ends_with("}\n"));
    }

    #[test]
    fn compressing_keeps_the_css_rules() {
        let css = "/* why */\n.a {\n    color: red; /* x */\n}\n\n";
        assert_eq!(compress_styles(css), ".a {\ncolor: red;\n}\n");
    }
}
