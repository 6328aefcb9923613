//! Lines of a statement's text, one at a time.

use std::io::{BufRead, Read as _};

use encoding_rs::GBK;

/// Limits the unpacked size: a small file may unpack to anything.
pub const MOST_TEXT_BYTES: u64 = 1024 * 1024 * 1024;
/// Longer than any line of a statement: a title has 256 characters at most.
const MOST_LINE_BYTES: u64 = 64 * 1024;

pub fn is_gzip(file: &[u8]) -> bool {
    file.starts_with(&[0x1F, 0x8B])
}

pub fn is_zip(file: &[u8]) -> bool {
    file.starts_with(b"PK")
}

/// Reads lines with one buffer. The first line decides between UTF-8 and GBK: the headings and comments of both gateways
/// are Chinese, and Chinese of one encoding is not valid in the other.
pub struct LineReader<R> {
    source: R,
    bytes: Vec<u8>,
    text: String,
    is_gbk: Option<bool>,
}

impl<R: BufRead> LineReader<R> {
    pub fn new(source: R) -> LineReader<R> {
        LineReader {
            source,
            bytes: Vec::new(),
            text: String::new(),
            is_gbk: None,
        }
    }

    /// Returns the next line without its end; `None` after the last one.
    pub fn next_line(&mut self) -> Result<Option<&str>, &'static str> {
        self.bytes.clear();
        let n_read = (&mut self.source)
            .take(MOST_LINE_BYTES)
            .read_until(b'\n', &mut self.bytes)
            .map_err(|_| "it cannot be unpacked")?;
        if n_read == 0 {
            return Ok(None);
        }
        if self.bytes.last() != Some(&b'\n') && u64::try_from(n_read) == Ok(MOST_LINE_BYTES) {
            return Err("it has a line without an end");
        }
        // No character of GBK contains the byte of a line's end.
        let line = self.bytes.trim_ascii_end();
        let is_gbk = *self
            .is_gbk
            .get_or_insert_with(|| std::str::from_utf8(line).is_err());
        self.text.clear();
        if is_gbk {
            let text = GBK.decode_without_bom_handling_and_without_replacement(line);
            self.text.push_str(&text.ok_or("it is not GBK")?);
        } else {
            self.text
                .push_str(std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?);
        }
        Ok(Some(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_encodings_and_both_line_ends_are_read() {
        let text = "支付宝,交易\r\n月卡\n\nend";
        let gbk = GBK.encode(text).0.into_owned();
        for bytes in [text.as_bytes(), &gbk] {
            let mut lines = LineReader::new(bytes);
            let mut found = Vec::new();
            while let Some(line) = lines.next_line().unwrap() {
                found.push(line.to_owned());
            }
            assert_eq!(found, ["支付宝,交易", "月卡", "", "end"]);
        }
        let endless = vec![b'x'; 70_000];
        assert!(LineReader::new(endless.as_slice()).next_line().is_err());
    }
}
