//! Receipt of a notification: the answers that count as one. A false yes loses it for ever; a false no only repeats it.

use serde_json::Value;

/// Members of a JSON answer in which frameworks of shops write `success`.
const MEMBERS: [&str; 7] = ["state", "status", "code", "msg", "message", "result", "data"];

/// Whether a body says `success`, alone, at its beginning, or as a member of a JSON object.
pub(super) fn is_received(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let text = text.trim_start_matches('\u{feff}').trim();
    begins_with_success(text) || says_success(text)
}

fn begins_with_success(text: &str) -> bool {
    const WORD: &str = "success";
    let Some((beginning, rest)) = text.split_at_checked(WORD.len()) else {
        return false;
    };
    let goes_on = |c: char| c.is_alphanumeric() || c == '_';
    beginning.eq_ignore_ascii_case(WORD) && !rest.chars().next().is_some_and(goes_on)
}

fn says_success(text: &str) -> bool {
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return false;
    };
    let denies = members.get("success").is_some_and(|value| {
        matches!(value, Value::Bool(false))
            || value.as_i64() == Some(0)
            || value
                .as_str()
                .is_some_and(|text| text.eq_ignore_ascii_case("false"))
    });
    let is_success = |name: &&str| {
        let text = members.get(*name).and_then(Value::as_str);
        text.is_some_and(|text| text.eq_ignore_ascii_case("success"))
    };
    !denies && MEMBERS.iter().any(is_success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_32_only_a_plain_yes_is_a_yes() {
        for body in [
            "success",
            "SUCCESS",
            "Success\r\n",
            "\u{feff}success ",
            "success<br>",
            "success\n<!-- 12 ms -->",
            r#"{"state":"success","msg":"支付成功"}"#,
            r#"{"code":"SUCCESS"}"#,
            r#" {"success":true,"status":"success"} "#,
        ] {
            assert!(is_received(body.as_bytes()), "{body}");
        }
        for body in [
            "",
            "ok",
            "fail",
            "error",
            "unsuccessful",
            "successful",
            "success_not",
            "no success",
            "<html>success</html>",
            r#"{"success":false,"msg":"success"}"#,
            r#"{"success":0,"state":"success"}"#,
            r#"{"success":"false","state":"success"}"#,
            r#"{"state":"successful"}"#,
            r#"{"data":{"state":"success"}}"#,
            r#"["success"]"#,
            r#"{"state":"success""#,
            "成功",
        ] {
            assert!(!is_received(body.as_bytes()), "{body}");
        }
        assert!(!is_received(b"success\xff"), "not UTF-8");
    }
}
