//! The signed text of the epay protocol, and the parameters that it is made from.
//!
//! The text is not escaped, so one value can look like two parameters ([`find_split_value`]).

use std::fmt;

/// Names that a client or we may send. A value that holds one of them behind `&` could be read as another parameter.
const PROTOCOL_NAMES: [&str; 19] = [
    "act",
    "pid",
    "type",
    "out_trade_no",
    "notify_url",
    "return_url",
    "name",
    "money",
    "param",
    "sitename",
    "clientip",
    "device",
    "method",
    "sign",
    "sign_type",
    "timestamp",
    "trade_no",
    "trade_status",
    "key",
];
/// An address may have a query of its own, in which only these names are refused.
const NAMES_IN_ADDRESSES: [&str; 5] = ["notify_url", "money", "pid", "trade_status", "sign"];
const ADDRESSES: [&str; 2] = ["notify_url", "return_url"];

/// Parameters of one request, decoded, each name once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(String, String)>);

/// Values that are left out of the text: the clients of the protocol differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empties {
    LeftOut,
    /// White space alone counts as empty.
    BlankLeftOut,
    Kept,
}

impl Empties {
    pub const ALL: [Empties; 3] = [Empties::LeftOut, Empties::BlankLeftOut, Empties::Kept];

    fn keeps(self, value: &str) -> bool {
        match self {
            Empties::LeftOut => !value.is_empty(),
            Empties::BlankLeftOut => !value.trim().is_empty(),
            Empties::Kept => true,
        }
    }
}

/// Only names: a value may be a key or a signature.
impl fmt::Debug for Fields {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Fields {
    /// Array parameters (`x[]`, `param[a]`) are neither used nor signed. `None`: a name is there twice.
    pub fn collect(pairs: impl IntoIterator<Item = (String, String)>) -> Option<Fields> {
        let mut fields = Fields::default();
        for (name, value) in pairs {
            if name.contains('[') {
                continue;
            }
            if fields.0.iter().any(|(known, _)| *known == name) {
                return None;
            }
            fields.0.push((name, value));
        }
        Some(fields)
    }

    /// The parameters of both; `None`: one name has two values.
    pub fn merge(&self, other: &Fields) -> Option<Fields> {
        let mut merged = self.clone();
        for (name, value) in &other.0 {
            match self.find(name) {
                Some(known) if known != value => return None,
                Some(_) => {}
                None => merged.0.push((name.clone(), value.clone())),
            }
        }
        Some(merged)
    }

    fn find(&self, name: &str) -> Option<&str> {
        let pair = self.0.iter().find(|(known, _)| known == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// A value that was sent and is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).filter(|value| !value.is_empty())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The text that a request or an answer is signed by: sorted by name, joined, nothing escaped.
pub fn signed_text(fields: &Fields, empties: Empties) -> String {
    let is_signed = |name: &str| name != "sign" && name != "sign_type";
    let mut pairs: Vec<&(String, String)> = fields
        .0
        .iter()
        .filter(|(name, value)| is_signed(name) && empties.keeps(value))
        .collect();
    pairs.sort_by(|left, right| left.0.as_bytes().cmp(right.0.as_bytes()));
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// The name of a parameter whose value reads like two parameters of the protocol.
pub fn find_split_value(fields: &Fields) -> Option<&str> {
    let reads_as_two = |(name, value): &&(String, String)| {
        let refused: &[&str] = if ADDRESSES.contains(&name.as_str()) {
            &NAMES_IN_ADDRESSES
        } else {
            &PROTOCOL_NAMES
        };
        let mut rests = value.split('&').skip(1);
        rests.any(|rest| {
            rest.split_once('=')
                .is_some_and(|(name, _)| refused.contains(&name))
        })
    };
    fields.0.iter().find(reads_as_two).map(|(name, _)| name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Fields::collect(owned).unwrap()
    }

    #[test]
    fn names_are_sorted_by_their_bytes_and_nothing_is_escaped() {
        let sent = fields(&[
            ("b", "2"),
            ("a_b", "x&y=z"),
            ("aB", "%20"),
            ("a", "1"),
            ("sign", "s"),
            ("sign_type", "MD5"),
            ("empty", ""),
            ("blank", " "),
        ]);
        assert_eq!(
            signed_text(&sent, Empties::BlankLeftOut),
            "a=1&aB=%20&a_b=x&y=z&b=2"
        );
        assert_eq!(
            signed_text(&sent, Empties::LeftOut),
            "a=1&aB=%20&a_b=x&y=z&b=2&blank= "
        );
        assert!(signed_text(&sent, Empties::Kept).ends_with("&b=2&blank= &empty="));
    }

    #[test]
    fn a_name_is_there_once_and_arrays_are_not_read() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(Fields::collect([pair("a", "1"), pair("a", "1")]), None);
        let sent = Fields::collect([pair("x[]", "1"), pair("x[]", "2"), pair("param[a]", "3")]);
        assert!(sent.unwrap().is_empty());
        let (query, body) = (fields(&[("a", "1")]), fields(&[("a", "1"), ("b", "2")]));
        assert_eq!(query.merge(&body), Some(fields(&[("a", "1"), ("b", "2")])));
        assert_eq!(query.merge(&fields(&[("a", "2")])), None);
    }

    #[test]
    fn a_value_that_reads_like_two_parameters_is_found() {
        for (name, value) in [
            ("name", "VIP&money=0.01"),
            ("clientip", "1.2.3.4&money=0.01"),
            ("anything", "x&trade_status=TRADE_SUCCESS"),
            ("notify_url", "https://shop.example/n?a=1&money=0.01"),
            ("return_url", "https://shop.example/r&sign=x"),
        ] {
            assert_eq!(find_split_value(&fields(&[(name, value)])), Some(name), "{value}");
        }
        for (name, value) in [
            ("name", "a+b 100% \"引号\" = 好 & more"),
            ("name", "money=1"),
            ("param", "a=1&b=2"),
            ("notify_url", "https://shop.example/n?shop=1&from=pay&type=a"),
        ] {
            assert_eq!(find_split_value(&fields(&[(name, value)])), None, "{value}");
        }
    }

    #[test]
    fn values_are_not_in_the_debug_text() {
        let text = format!("{:?}", fields(&[("key", "hush"), ("sign", "abc")]));
        assert!(text.contains("key") && !text.contains("hush") && !text.contains("abc"));
    }
}
