//! QR codes as one SVG path, drawn on the server: sharp at any size, and visible without JavaScript.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use qrcode::{Color, EcLevel, QrCode};

/// Modules of white that a scanner needs on every side (ISO/IEC 18004).
const QUIET_ZONE: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qr {
    /// Content of the code.
    pub content: String,
    /// Side of the square in modules, quiet zone included.
    pub side: usize,
    /// Dark modules, as the `d` of one `<path>`.
    pub path: String,
}

impl Qr {
    /// Draws a code; `None` when the content is too long, which no gateway's is.
    pub fn draw(content: &str) -> Option<Qr> {
        Some(Modules::of(content)?.draw(content))
    }
}

/// The modules of a code, a bit each: a fortieth of its path.
#[derive(Debug)]
struct Modules {
    width: usize,
    dark: Vec<u8>,
}

impl Modules {
    fn of(content: &str) -> Option<Modules> {
        let code = QrCode::with_error_correction_level(content, EcLevel::M).ok()?;
        let colors = code.to_colors();
        let dark = colors.chunks(8).map(|eight| {
            let bits = eight.iter().enumerate();
            bits.fold(0, |byte, (n, color)| byte | u8::from(*color == Color::Dark) << n)
        });
        Some(Modules {
            width: code.width(),
            dark: dark.collect(),
        })
    }

    fn is_dark(&self, place: usize) -> bool {
        self.dark
            .get(place / 8)
            .is_some_and(|byte| byte & (1 << (place % 8)) != 0)
    }

    /// One rectangle for each run of dark modules: a third of the size of one for each module.
    fn draw(&self, content: &str) -> Qr {
        let mut path = String::with_capacity(6 * 1024);
        for row in 0..self.width {
            let y = row + QUIET_ZONE;
            let mut x = 0;
            while x < self.width {
                let is_dark = |x: &usize| self.is_dark(row * self.width + x);
                let run = (x..self.width).take_while(is_dark).count();
                if run > 0 {
                    push_number(&mut path, "M", x + QUIET_ZONE);
                    push_number(&mut path, " ", y);
                    push_number(&mut path, "h", run);
                    push_number(&mut path, "v1h-", run);
                    path.push('z');
                }
                x += run.max(1);
            }
        }
        Qr {
            content: content.to_owned(),
            side: self.width + 2 * QUIET_ZONE,
            path,
        }
    }
}

/// Ten times as fast as `write!`, of which a code would need thousands.
fn push_number(path: &mut String, before: &str, number: usize) {
    path.push_str(before);
    for (unit, may_be_missing) in [(100, true), (10, true), (1, false)] {
        if number >= unit || !may_be_missing {
            let digit = u32::try_from(number / unit % 10).unwrap_or_default();
            path.push(char::from_digit(digit, 10).unwrap_or('0'));
        }
    }
}

/// Codes that pages show again and again; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct DrawnCodes(Arc<Mutex<Drawn>>);

#[derive(Debug, Default)]
struct Drawn {
    codes: HashMap<Arc<str>, Arc<Modules>>,
    /// Oldest first.
    contents: VecDeque<Arc<str>>,
}

/// About a megabyte.
const MAX_CODES: usize = 2048;

impl DrawnCodes {
    /// [`Qr::draw`], without finding the modules again for a content that was drawn before.
    pub fn draw(&self, content: &str) -> Option<Qr> {
        const UNBROKEN: &str = "nothing panics while it holds the codes";
        let known = self.0.lock().expect(UNBROKEN).codes.get(content).cloned();
        if let Some(modules) = known {
            return Some(modules.draw(content));
        }
        let modules = Arc::new(Modules::of(content)?);
        let mut drawn = self.0.lock().expect(UNBROKEN);
        let content_again: Arc<str> = content.into();
        if drawn
            .codes
            .insert(Arc::clone(&content_again), Arc::clone(&modules))
            .is_none()
        {
            drawn.contents.push_back(content_again);
        }
        if drawn.contents.len() > MAX_CODES
            && let Some(oldest) = drawn.contents.pop_front()
        {
            drawn.codes.remove(&oldest);
        }
        drop(drawn);
        Some(modules.draw(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_code_is_drawn_inside_its_quiet_zone() {
        let qr = Qr::draw("weixin://wxpay/bizpayurl?pr=abc123").unwrap();
        // Version 3 (29 modules) holds 42 bytes at level M.
        assert_eq!(qr.side, 29 + 8);
        // The finder pattern: seven dark modules in the first row, at both ends.
        assert!(qr.path.starts_with("M4 4h7v1h-7z"), "{}", qr.path);
        assert!(qr.path.contains("M26 4h7v1h-7z"));
        assert!(qr.path.len() < 8_000);
    }

    #[test]
    fn the_path_covers_exactly_the_dark_modules() {
        let content = "https://qr.alipay.com/bax03112abcdef";
        let qr = Qr::draw(content).unwrap();
        let code = QrCode::with_error_correction_level(content, EcLevel::M).unwrap();
        let n_dark: usize = code
            .to_colors()
            .iter()
            .filter(|color| **color == Color::Dark)
            .count();
        let n_drawn: usize = qr
            .path
            .split('M')
            .filter_map(|run| run.split_once('h')?.1.split_once('v')?.0.parse::<usize>().ok())
            .sum();
        assert_eq!(n_drawn, n_dark);
    }

    #[test]
    fn a_code_that_was_drawn_before_is_the_same() {
        let codes = DrawnCodes::default();
        for n in 0..MAX_CODES + 2 {
            let content = format!("weixin://wxpay/bizpayurl?pr={n}");
            assert_eq!(codes.draw(&content), codes.draw(&content));
        }
        let drawn = codes.0.lock().unwrap();
        assert_eq!((drawn.codes.len(), drawn.contents.len()), (MAX_CODES, MAX_CODES));
    }

    #[test]
    fn what_no_code_can_say_is_no_code() {
        assert_eq!(Qr::draw(&"x".repeat(5_000)), None);
    }
}
