//! Accent colour of the operator, made legible in both themes whatever it is.

/// An opaque colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Color([u8; 3]);

/// Text needs 4.5 : 1 (WCAG 1.4.3); a little more, because [`Color::luminance`] is an approximation.
const LEGIBLE_PERCENT: u64 = 460;
const WHITE: Color = Color([255, 255, 255]);
const BLACK: Color = Color([0, 0, 0]);
/// The lighter of the dark theme's two backgrounds (`--card`).
const DARK_GROUND: Color = Color([0x1b, 0x20, 0x27]);
const STEPS: u8 = 100;

impl Color {
    /// Parses `#0958d9`.
    pub fn parse(text: &str) -> Option<Color> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        let part = |at: usize| {
            digits
                .get(at..at + 2)
                .and_then(|part| u8::from_str_radix(part, 16).ok())
        };
        Some(Color([part(0)?, part(2)?, part(4)?]))
    }

    /// Nearest shade that is legible under white text, and as text on white.
    pub fn on_light(self) -> Color {
        self.toward(BLACK, |shade| contrast_percent(shade, WHITE) >= LEGIBLE_PERCENT)
    }

    /// Nearest shade that is legible as text on the dark background, and under near-black text.
    pub fn on_dark(self) -> Color {
        self.toward(WHITE, |shade| {
            contrast_percent(shade, DARK_GROUND) >= LEGIBLE_PERCENT
        })
    }

    /// One step further, for hovered elements.
    pub fn stronger(self, goal: Color) -> Color {
        self.mixed(goal, 18)
    }

    fn toward(self, goal: Color, is_good: impl Fn(Color) -> bool) -> Color {
        (0..=STEPS)
            .map(|step| self.mixed(goal, step))
            .find(|shade| is_good(*shade))
            .unwrap_or(goal)
    }

    fn mixed(self, goal: Color, percent: u8) -> Color {
        let part = |own: u8, goal: u8| {
            let (own, goal, percent) = (u32::from(own), u32::from(goal), u32::from(percent));
            let mixed = (own * (100 - percent) + goal * percent + 50) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        let ([r, g, b], [to_r, to_g, to_b]) = (self.0, goal.0);
        Color([part(r, to_r), part(g, to_g), part(b, to_b)])
    }

    /// Relative luminance in hundred-thousandths. The sRGB curve as `0.73 x² + 0.27 x³`, which is at most a hundredth off.
    fn luminance(self) -> u64 {
        let linear = |part: u8| {
            let x = u64::from(part);
            (73 * x * x * 255 + 27 * x * x * x) * 1000 / (255 * 255 * 255)
        };
        let [r, g, b] = self.0;
        (2126 * linear(r) + 7152 * linear(g) + 722 * linear(b)) / 10_000
    }
}

impl std::fmt::Display for Color {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [r, g, b] = self.0;
        write!(formatter, "#{r:02x}{g:02x}{b:02x}")
    }
}

fn contrast_percent(one: Color, other: Color) -> u64 {
    let (one, other) = (one.luminance() + 5_000, other.luminance() + 5_000);
    100 * one.max(other) / one.min(other)
}

/// CSS rules that replace the default accent, for both themes.
pub fn rules(accent: Color) -> String {
    let (light, dark) = (accent.on_light(), accent.on_dark());
    format!(
        "\n@layer tokens{{:root{{--accent:{light};--accent-strong:{};--focus:{light}}}\
         @media (prefers-color-scheme:dark){{:root{{--accent:{dark};--accent-strong:{};--focus:{dark}}}}}}}\n",
        light.stronger(BLACK),
        dark.stronger(WHITE),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contrast_is_the_known_one() {
        // From the visual guide: WeChat's green 2.38, Alipay's blue 4.10, our two derivatives 5.45 and 6.16.
        for (color, percent) in [
            ("#07c160", 238),
            ("#1677ff", 410),
            ("#047a3a", 545),
            ("#0958d9", 616),
        ] {
            let found = contrast_percent(Color::parse(color).unwrap(), WHITE);
            assert!(found.abs_diff(percent) <= 8, "{color}: {found}");
        }
    }

    #[test]
    fn every_accent_is_made_legible() {
        for text in [
            "#07c160", "#ffff00", "#ffffff", "#000000", "#0958d9", "#ff0066", "#123456",
        ] {
            let color = Color::parse(text).unwrap();
            assert!(contrast_percent(color.on_light(), WHITE) >= 450, "{text}");
            assert!(contrast_percent(color.on_dark(), DARK_GROUND) >= 450, "{text}");
        }
        // A legible colour is not changed.
        assert_eq!(Color::parse("#0958d9").unwrap().on_light().to_string(), "#0958d9");
    }

    #[test]
    fn a_colour_has_six_hex_digits() {
        for text in ["0958d9", "#09d", "#0958d9ff", "#0958dg", "red", "#", "#ääää"] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
        assert!(rules(Color::parse("#0958d9").unwrap()).contains("--accent:#0958d9;"));
    }
}
