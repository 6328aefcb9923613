//! Parses `.env`. Values are literal: no escapes and no `$` substitution, so that a password or a key means the same in the
//! file and in the environment.

const BYTE_ORDER_MARK: char = '\u{feff}';
const PEM_BEGIN: &str = "-----BEGIN ";
const PEM_END: &str = "-----END ";
const QUOTES: [char; 2] = ['"', '\''];

/// An unreadable line, named by its number only, because its text may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {problem}")]
pub struct BadLine {
    line: usize,
    problem: &'static str,
}

/// Returns names and values in the order of the file. Of duplicates the later one counts, as in a shell.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, BadLine> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut lines = text.lines().enumerate();
    let mut pairs = Vec::new();
    while let Some((index, line)) = lines.next() {
        let bad = |problem| BadLine {
            line: index + 1,
            problem,
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let assignment = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = assignment
            .split_once('=')
            .ok_or_else(|| bad("is neither NAME=value nor a comment"))?;
        let name = name.trim();
        if !is_name(name) {
            return Err(bad("does not begin with the name of a setting"));
        }
        let mut value = value.to_owned();
        if let Some(end) = unfinished_pem(&value) {
            loop {
                let (_, next) = lines.next().ok_or_else(|| bad("begins a PEM that never ends"))?;
                value.push('\n');
                value.push_str(next.trim_end());
                if end.is_reached(next) {
                    break;
                }
            }
        }
        pairs.push((name.to_owned(), strip_value(&value).to_owned()));
    }
    Ok(pairs)
}

fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    text.bytes().next().is_some_and(is_letter)
        && text
            .bytes()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit() || matches!(byte, b'.' | b'-'))
}

/// End marker of a PEM of several lines.
enum PemEnd {
    Quote(char),
    Line,
}

impl PemEnd {
    fn is_reached(&self, line: &str) -> bool {
        match self {
            PemEnd::Quote(quote) => line.trim_end().ends_with(*quote),
            PemEnd::Line => line.contains(PEM_END),
        }
    }
}

/// Returns the end to look for when the value is the first line of a PEM that was pasted with its line breaks.
fn unfinished_pem(value: &str) -> Option<PemEnd> {
    let value = value.trim();
    let quote = value.chars().next().filter(|first| QUOTES.contains(first));
    let content = value.trim_start_matches(QUOTES);
    if !content.starts_with(PEM_BEGIN) || content.contains(PEM_END) {
        return None;
    }
    Some(quote.map_or(PemEnd::Line, PemEnd::Quote))
}

/// Strips a comment, or the pair of quotes around the whole value.
fn strip_value(text: &str) -> &str {
    let trimmed = text.trim();
    for quote in QUOTES {
        if let Some(inner) = trimmed
            .strip_prefix(quote)
            .and_then(|rest| quoted_part(rest, quote))
        {
            return inner;
        }
    }
    // `#0958d9` is a value: a comment follows white space.
    let mut previous = None;
    let comment = text.char_indices().find(|(_, c)| {
        let before = previous.replace(*c);
        *c == '#' && before.is_some_and(char::is_whitespace)
    });
    text[..comment.map_or(text.len(), |(at, _)| at)].trim()
}

/// Returns the text up to the closing quote: the first one with nothing but a comment behind it.
fn quoted_part(rest: &str, quote: char) -> Option<&str> {
    let closing = rest.match_indices(quote).find(|(at, _)| {
        let after = &rest[at + quote.len_utf8()..];
        let tail = after.trim_start();
        tail.is_empty() || (tail.starts_with('#') && tail.len() < after.len())
    });
    closing.map(|(at, _)| &rest[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> String {
        let pairs = parse(line).unwrap();
        assert_eq!(pairs.len(), 1, "{line}");
        pairs.into_iter().next().unwrap().1
    }

    #[test]
    fn values_of_env_files_are_literal() {
        for (line, expected) in [
            ("X=ab$cdef", "ab$cdef"),
            ("X=ab${HOME}c", "ab${HOME}c"),
            ("X=$(date)`date`", "$(date)`date`"),
            ("X=#0958d9", "#0958d9"),
            ("X=a#b", "a#b"),
            ("X=a # b", "a"),
            ("X=a\t#b", "a"),
            ("X= # nothing", ""),
            ("X=", ""),
            ("X=two words", "two words"),
            ("X=*/15 * * * * *", "*/15 * * * * *"),
            ("X = spaced ", "spaced"),
            ("export X=1", "1"),
            ("X=a\\nb\\\\c", "a\\nb\\\\c"),
            ("X=a=b==", "a=b=="),
            ("X=\"two words\"", "two words"),
            ("X='#1 # not a comment'", "#1 # not a comment"),
            ("X=\"a\" # b", "a"),
            ("X=\"a\"b\"", "a\"b"),
            ("X=\"\"", ""),
            // No pair of quotes around the whole: they are part of the value.
            ("X=\"a", "\"a"),
            ("X=it's", "it's"),
            ("X='a\"", "'a\""),
            ("X=\"a\\n$b\"", "a\\n$b"),
        ] {
            assert_eq!(value(line), expected, "{line}");
            assert_eq!(value(&format!("\u{feff}{line}\r\n")), expected, "{line}");
        }
    }

    #[test]
    fn a_pem_may_span_several_lines() {
        let pem = "-----BEGIN PRIVATE KEY-----\nAB==\n-----END PRIVATE KEY-----";
        let two = format!("{pem}\n{pem}");
        for (text, expected) in [
            (format!("X={pem}\nY=1\n"), pem.to_owned()),
            (format!("X=\"{pem}\"\r\nY=1\n"), pem.to_owned()),
            (format!("X='{two}'\nY=1\n"), two.clone()),
            (
                format!("X=\"{}\"\nY=1\n", pem.replace('\n', "\\n")),
                pem.replace('\n', "\\n"),
            ),
        ] {
            let pairs = parse(&text).unwrap();
            assert_eq!(
                pairs,
                [("X".to_owned(), expected), ("Y".to_owned(), "1".to_owned())]
            );
            assert_eq!(parse(&text.replace('\n', "\r\n")).unwrap(), pairs);
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_by_its_number() {
        for (text, line) in [
            ("A=1\nhush hush\n", 2),
            ("# c\n\n=hush\n", 3),
            ("two words=hush", 1),
            ("A=1\nB=-----BEGIN PRIVATE KEY-----\nhush", 2),
        ] {
            let bad = parse(text).unwrap_err();
            assert_eq!(bad.line, line, "{text}");
            assert!(!bad.to_string().contains("hush"), "{bad}");
        }
    }
}
