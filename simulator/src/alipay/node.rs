//! The response node: ordered members, every value text, slashes escaped as Alipay writes them.

use serde_json::Value;

#[derive(Debug)]
pub(super) struct Node {
    members: Vec<(&'static str, Value)>,
}

impl Node {
    pub(super) fn success() -> Node {
        Node {
            members: vec![("code", "10000".into()), ("msg", "Success".into())],
        }
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Node {
        self.members.push((name, value.into()));
        self
    }

    /// Returns the exact text that is signed.
    pub(super) fn text(&self) -> String {
        let members: Vec<String> = self
            .members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        // A slash is only ever inside a string here, and PHP's json_encode escapes it.
        format!("{{{}}}", members.join(",")).replace('/', "\\/")
    }
}

#[derive(Debug)]
pub(super) struct Refusal {
    code: &'static str,
    sub_code: &'static str,
    sub_msg: String,
    /// Members that a business failure still has.
    extra: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(code: &'static str, sub_code: &'static str, sub_msg: impl Into<String>) -> Refusal {
        Refusal {
            code,
            sub_code,
            sub_msg: sub_msg.into(),
            extra: Vec::new(),
        }
    }

    pub(super) fn missing(sub_code: &'static str, sub_msg: &str) -> Refusal {
        Refusal::new("40001", sub_code, sub_msg)
    }

    pub(super) fn invalid(sub_code: &'static str, sub_msg: impl Into<String>) -> Refusal {
        Refusal::new("40002", sub_code, sub_msg)
    }

    pub(super) fn business(sub_code: &'static str, sub_msg: &str) -> Refusal {
        Refusal::new("40004", sub_code, sub_msg)
    }

    pub(super) fn parameter(sub_msg: &str) -> Refusal {
        Refusal::business("ACQ.INVALID_PARAMETER", sub_msg)
    }

    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Refusal {
        self.extra.push((name, value.into()));
        self
    }

    /// Returns the sub_code and its text.
    pub(super) fn said(&self) -> (&str, &str) {
        (self.sub_code, &self.sub_msg)
    }

    pub(super) fn into_node(self) -> Node {
        let msg = match self.code {
            "20000" => "Service Currently Unavailable",
            "40001" => "Missing Required Arguments",
            "40002" => "Invalid Arguments",
            "20001" => "Insufficient Token Permissions",
            "40005" => "Call Limited",
            _ => "Business Failed",
        };
        let mut members: Vec<(&'static str, Value)> = vec![
            ("code", self.code.into()),
            ("msg", msg.into()),
            ("sub_code", self.sub_code.into()),
            ("sub_msg", self.sub_msg.into()),
        ];
        members.extend(self.extra.into_iter().map(|(name, value)| (name, value.into())));
        Node { members }
    }
}
