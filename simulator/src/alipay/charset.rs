//! The charset of a call, named in the call itself: utf-8, or GBK as the older half of Alipay's merchants.

use encoding_rs::GBK;

use crate::wire::parse_form;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Gbk,
}

impl Charset {
    pub(super) fn parse(name: &str) -> Option<Charset> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Some(Charset::Utf8),
            "gbk" | "gb2312" | "gb18030" => Some(Charset::Gbk),
            _ => None,
        }
    }

    /// Found before anything is decoded: the name of the charset is ASCII.
    pub(super) fn of_forms(parts: &[&str]) -> Charset {
        let pairs = parts.iter().flat_map(|part| part.split('&'));
        let named = pairs.filter_map(|pair| pair.strip_prefix("charset=")).next();
        named.and_then(Charset::parse).unwrap_or(Charset::Utf8)
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Charset::Utf8 => "text/html;charset=utf-8",
            Charset::Gbk => "text/html;charset=GBK",
        }
    }

    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Charset::Utf8 => text.as_bytes().to_vec(),
            Charset::Gbk => GBK.encode(text).0.into_owned(),
        }
    }

    /// None where the bytes are invalid in this charset.
    pub(super) fn parse_form(self, text: &str) -> Option<Vec<(String, String)>> {
        if self == Charset::Utf8 {
            return parse_form(text);
        }
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            let bytes: Vec<u8> = percent_encoding::percent_decode_str(&spaced).collect();
            let (text, _, had_errors) = GBK.decode(&bytes);
            (!had_errors).then(|| text.into_owned())
        };
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(name)?, decode(value)?))
            })
            .collect()
    }
}
