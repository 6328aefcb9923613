//! Validation of texts that come from outside.

use crate::Error;

pub(crate) fn invalid(field: &'static str, message: &'static str) -> Error {
    Error::Invalid { field, message }
}

/// Whether a text is one line that reads the way it is stored: no control characters, no line or paragraph separator
/// (U+2028/9), no invisible tag characters, and no bidirectional controls, which would make a payer read another text than
/// the one that was sent.
pub fn is_line(text: &str, max_chars: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= max_chars && !text.chars().any(is_misleading)
}

/// Whether a character cannot be seen, ends a line, or changes the direction of writing.
pub(crate) fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
        || matches!(c, '\u{E0000}'..='\u{E007F}')
}
