//! Text of ours on its way into a message to a gateway. The order keeps its own text.
//!
//! Whatever a merchant or an operator wrote becomes a [`GatewayText`] before it is sent: cut to the length that the gateway
//! takes, and without what its signed messages could be split at.

use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

/// Text that may be sent to a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct GatewayText(String);

impl GatewayText {
    /// WeChat signs JSON, whose escapes keep every text in its place.
    pub fn for_wechat(text: &str, most_bytes: usize) -> GatewayText {
        GatewayText(cut(text, most_bytes).to_owned())
    }

    /// Alipay sends our texts back in notifications, whose signed `k=v&k=v` has no escapes (T-53).
    pub fn for_alipay(text: &str, most_bytes: usize) -> GatewayText {
        GatewayText(cut(&without_separators(text), most_bytes).to_owned())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Put in the place of a separator: a character that no charset, form or unescaping claims into another.
const HARMLESS: char = '-';

fn without_separators(text: &str) -> String {
    let replaced = |(place, letter): (usize, char)| {
        let is_separator = match letter {
            // The wide and the small forms become the plain ones where a charset is narrowed.
            '/' | '=' | '&' | '／' | '＝' | '＆' | '﹦' | '﹠' => true,
            // `%26` is an `&` to whoever decodes once more than it was encoded.
            '%' => is_escape(&text.as_bytes()[place + 1..]),
            letter => letter.is_control(),
        };
        if is_separator { HARMLESS } else { letter }
    };
    text.char_indices().map(replaced).collect()
}

fn is_escape(after: &[u8]) -> bool {
    matches!(after, [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
}

/// The beginning of a text that has at most so many bytes, cut between two characters as people see them.
///
/// Both gateways' pages count characters, but WeChat refuses by bytes (T-55), so bytes are what is counted everywhere.
pub(super) fn cut(text: &str, most_bytes: usize) -> &str {
    if text.len() <= most_bytes {
        return text;
    }
    let ends = text.grapheme_indices(true).map(|(start, _)| start);
    let end = ends.take_while(|end| *end <= most_bytes).last();
    // Accents without end make one character longer than any limit.
    let end = end
        .filter(|end| *end > 0)
        .unwrap_or_else(|| text.floor_char_boundary(most_bytes));
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_55_texts_are_cut_by_bytes_between_characters() {
        let title = "长".repeat(60);
        assert_eq!(cut(&title, 127), "长".repeat(42));
        assert_eq!(cut(&title, 180), title);
        assert_eq!(cut("abc", 2), "ab");
        let family = "👨\u{200D}👩\u{200D}👧";
        for most in 1..family.len() {
            assert_eq!(cut(&format!("a{family}"), most), "a", "{most}");
        }
        let accents = format!("e{}", "\u{301}".repeat(100));
        assert_eq!(cut(&accents, 4), "e\u{301}");
    }

    #[test]
    fn t_53_no_text_to_alipay_holds_a_separator() {
        for (text, sent) in [
            ("Gift&total_amount=990.00", "Gift-total_amount-990.00"),
            ("a/b ／＝＆﹦﹠", "a-b -----"),
            ("100% %26trade_no%3d1 %2", "100% -26trade_no-3d1 %2"),
            ("a\r\nb\u{85}", "a--b-"),
            ("会员 + 月卡 100%", "会员 + 月卡 100%"),
        ] {
            assert_eq!(GatewayText::for_alipay(text, 256).0, sent);
            assert_eq!(GatewayText::for_wechat(text, 256).0, text);
        }
        let long = "&".repeat(300);
        assert_eq!(GatewayText::for_alipay(&long, 256).0, "-".repeat(256));
    }
}
