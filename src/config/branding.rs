//! What payers see of the operator: name, logo, accent colour, and contact.

use std::path::Path;

use app::accent::Color;

use super::parse_email;
use super::source::{ConfigError, Source};

/// Bounded because a page has only a few kilobytes itself.
const LARGEST_LOGO: u64 = 64 * 1024;
/// Directory of the marks unless `MARKS_DIR` says otherwise, seen from the working directory.
const MARKS_DIR: &str = "public/marks";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

#[derive(Debug, Clone)]
pub struct Branding {
    /// Name of the payee: the first line of every page.
    pub merchant_name: String,
    pub logo: Option<Logo>,
    pub accent: Option<Color>,
    /// Contact link for payers.
    pub contact: Option<String>,
    pub marks: Marks,
}

/// The gateways' own marks, which are the operator's to use: `wechat` and `alipay`, as `.svg` or `.png`, in one directory.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    pub wechat: Option<Logo>,
    pub alipay: Option<Logo>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    pub content: Vec<u8>,
    pub kind: LogoKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoKind {
    Svg,
    Png,
}

impl Branding {
    pub fn read(source: &Source) -> Result<Branding, ConfigError> {
        Ok(Branding {
            merchant_name: source.text("MERCHANT_NAME").unwrap_or("Tongqian").to_owned(),
            logo: source.parsed("MERCHANT_LOGO", |path| Logo::read(Path::new(path)))?,
            accent: source.parsed("MERCHANT_COLOR", |text| {
                Color::parse(text).ok_or_else(|| "must be a colour such as #0958d9".to_owned())
            })?,
            contact: source.parsed("MERCHANT_CONTACT", parse_contact)?,
            marks: match source.parsed("MARKS_DIR", |path| Marks::read(Path::new(path)))? {
                Some(marks) => marks,
                None => {
                    Marks::read(Path::new(MARKS_DIR)).map_err(|error| ConfigError::new("MARKS_DIR", error))?
                }
            },
        })
    }
}

impl Marks {
    /// Reads the marks that are there; without one a page shows a sign of ours.
    fn read(directory: &Path) -> Result<Marks, String> {
        let read = |name: &str| {
            let endings = ["svg", "png"].into_iter();
            let mut files = endings.map(|ending| directory.join(format!("{name}.{ending}")));
            let file = files.find(|file| file.exists());
            file.map(|file| Logo::read(&file)).transpose()
        };
        Ok(Marks {
            wechat: read("wechat")?,
            alipay: read("alipay")?,
        })
    }
}

impl Logo {
    fn read(path: &Path) -> Result<Logo, String> {
        let shown = path.display();
        let size = std::fs::metadata(path)
            .map_err(|error| format!("{shown}: {error}"))?
            .len();
        if size > LARGEST_LOGO {
            return Err(format!("{shown}: must have at most {LARGEST_LOGO} bytes"));
        }
        let content = std::fs::read(path).map_err(|error| format!("{shown}: {error}"))?;
        let kind = LogoKind::of(&content).ok_or_else(|| format!("{shown}: is neither SVG nor PNG"))?;
        Ok(Logo { content, kind })
    }
}

impl LogoKind {
    /// Detects the format from the content: a file name proves nothing.
    fn of(content: &[u8]) -> Option<LogoKind> {
        if content.starts_with(PNG) {
            return Some(LogoKind::Png);
        }
        let text = std::str::from_utf8(content).ok()?.trim_start();
        let is_svg = text.starts_with("<svg") || (text.starts_with("<?xml") && text.contains("<svg"));
        is_svg.then_some(LogoKind::Svg)
    }

    pub const fn extension(self) -> &'static str {
        match self {
            LogoKind::Svg => "svg",
            LogoKind::Png => "png",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            LogoKind::Svg => "image/svg+xml",
            LogoKind::Png => "image/png",
        }
    }
}

/// Parses a contact: an https, mailto or tel link, or a bare e-mail address. Other schemes could run code.
fn parse_contact(text: &str) -> Result<String, String> {
    if let Ok(address) = parse_email(text)
        && !text.contains(':')
    {
        return Ok(format!("mailto:{address}"));
    }
    let is_plain = text.len() <= 512 && text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_link = ["https://", "mailto:", "tel:"]
        .iter()
        .any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    if is_plain && is_link {
        Ok(text.to_owned())
    } else {
        Err("must be an e-mail address or begin with https://, mailto: or tel:".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_a_harmless_link() {
        assert_eq!(
            parse_contact("Help@Shop.example").unwrap(),
            "mailto:help@shop.example"
        );
        for text in [
            "https://shop.example/help",
            "tel:+8610000000",
            "mailto:a@b.example",
        ] {
            assert_eq!(parse_contact(text).unwrap(), text);
        }
        for text in [
            "javascript:alert(1)",
            "javascript:a@b",
            "http://shop.example",
            "https://",
            "help me",
        ] {
            assert!(parse_contact(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_logo_is_detected_by_its_content() {
        assert_eq!(LogoKind::of(b"\x89PNG\r\n\x1a\nrest"), Some(LogoKind::Png));
        assert_eq!(LogoKind::of(b"<svg xmlns='x'/>"), Some(LogoKind::Svg));
        assert_eq!(
            LogoKind::of(b"<?xml version='1.0'?>\n<svg/>"),
            Some(LogoKind::Svg)
        );
        for content in [&b"<html>"[..], b"GIF89a", b"", b"<?xml version='1.0'?><x/>"] {
            assert_eq!(LogoKind::of(content), None);
        }
    }
}
