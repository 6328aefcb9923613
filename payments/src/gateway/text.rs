//! Texts that are sent to a gateway. The order keeps the original.
//!
//! Every text of a merchant or an operator becomes a [`GatewayText`] before it is sent: cut to the gateway's maximum
//! length, and without separators at which a signed message could be split.

use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

/// Text that may be sent to a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct GatewayText(String);

impl GatewayText {
    /// For WeChat, which signs JSON, whose escapes prevent splitting.
    pub fn for_wechat(text: &str, most_bytes: usize) -> GatewayText {
        GatewayText(cut(text, most_bytes).to_owned())
    }

    /// For Alipay, which sends our texts back in notifications, whose signed `k=v&k=v` has no escapes (T-53).
    pub fn for_alipay(text: &str, most_bytes: usize) -> GatewayText {
        GatewayText(cut(&without_separators(text), most_bytes).to_owned())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Replaces a separator: a character that no charset, form or unescaping turns into another.
const HARMLESS: char = '-';

fn without_separators(text: &str) -> String {
    let replaced = |(place, letter): (usize, char)| {
        let is_separator = match letter {
            // Full-width and small forms become the ASCII ones when a charset is narrowed.
            '/' | '=' | '&' | '／' | '＝' | '＆' | '﹦' | '﹠' => true,
            // `%26` becomes `&` when it is decoded once more than it was encoded.
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

/// Returns the longest prefix within `most_bytes`, cut between two graphemes.
///
/// Both gateways' documents count characters, but WeChat refuses by bytes (T-55), so bytes are counted everywhere.
pub(super) fn cut(text: &str, most_bytes: usize) -> &str {
    if text.len() <= most_bytes {
        return text;
    }
    let ends = text.grapheme_indices(true).map(|(start, _)| start);
    let end = ends.take_while(|end| *end <= most_bytes).last();
    // Combining accents can make one grapheme longer than any limit.
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
