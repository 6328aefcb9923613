//! QR codes as one SVG path, drawn on the server: sharp at any size, and visible without JavaScript.

use std::fmt::Write as _;

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
        let code = QrCode::with_error_correction_level(content, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (row, modules) in code.to_colors().chunks(width).enumerate() {
            draw_row(&mut path, row + QUIET_ZONE, modules);
        }
        Some(Qr {
            content: content.to_owned(),
            side: width + 2 * QUIET_ZONE,
            path,
        })
    }
}

/// Draws one rectangle for each run of dark modules: a third of the size of one for each module.
fn draw_row(path: &mut String, y: usize, modules: &[Color]) {
    let mut x = QUIET_ZONE;
    for run in modules.chunk_by(|left, right| left == right) {
        let width = run.len();
        if run[0] == Color::Dark {
            write!(path, "M{x} {y}h{width}v1h-{width}z").expect("a string takes any text");
        }
        x += width;
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
    fn content_too_long_for_a_code_has_none() {
        assert_eq!(Qr::draw(&"x".repeat(5_000)), None);
    }
}
