//! Shape of a request body: the allowed members, with kind and size.
//!
//! WeChat refuses members it does not know and explicit nulls, so a shape lists everything allowed.

use serde_json::{Map, Value, json};

use super::Refusal;

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) required: bool,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Shortest and longest, in bytes of UTF-8: WeChat counts so, whatever its pages say.
    Text(usize, usize),
    /// One of these.
    Word(&'static [&'static str]),
    /// Least value.
    Integer(i64),
    Flag,
    Object(&'static [Field]),
    /// Greatest length, and the shape of each item.
    List(usize, &'static [Field]),
}

pub(super) const fn must(name: &'static str, title: &'static str, kind: Kind) -> Field {
    Field {
        name,
        title,
        required: true,
        kind,
    }
}

pub(super) const fn may(name: &'static str, title: &'static str, kind: Kind) -> Field {
    Field {
        name,
        title,
        required: false,
        kind,
    }
}

/// The body as an object of exactly this shape.
pub(super) fn parse(body: &[u8], fields: &[Field]) -> Result<Map<String, Value>, Refusal> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        wrong(
            "",
            &Value::Null,
            format!("请求体不是合法的 JSON：{error}"),
            268_435_461,
        )
    })?;
    let Value::Object(members) = value else {
        return Err(wrong(
            "",
            &value,
            "请求体必须是 JSON 对象".to_owned(),
            268_435_461,
        ));
    };
    check_object(&members, fields, "")?;
    Ok(members)
}

pub(super) fn wrong(path: &str, value: &Value, message: String, internal_code: u32) -> Refusal {
    let mut detail = json!({"location": "body", "field": path, "issue": message});
    if !value.is_null() {
        detail["value"] = value.clone();
    }
    Refusal::new(400, "PARAM_ERROR", message, internal_code).with_detail(detail)
}

fn check_object(members: &Map<String, Value>, fields: &[Field], path: &str) -> Result<(), Refusal> {
    for (name, value) in members {
        let here = format!("{path}/{name}");
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            return Err(wrong(
                &here,
                value,
                "参数中含有非法的额外参数".to_owned(),
                270_924_358,
            ));
        };
        check_field(value, field, &here)?;
    }
    match fields
        .iter()
        .find(|field| field.required && !members.contains_key(field.name))
    {
        None => Ok(()),
        Some(field) => {
            let here = format!("{path}/{}", field.name);
            let message = format!(
                "输入源“/body{here}”映射到字段“{}”必填性规则校验失败，此字段为必填项",
                field.title
            );
            Err(wrong(&here, &Value::Null, message, 268_435_461))
        }
    }
}

fn check_field(value: &Value, field: &Field, here: &str) -> Result<(), Refusal> {
    let cannot_map = |needed: &str| {
        let title = field.title;
        let message = format!("无法将 JSON 输入源“/body{here}”映射到目标字段“{title}”中，此字段需要{needed}");
        wrong(here, value, message, 268_435_461)
    };
    match &field.kind {
        Kind::Text(least, most) => {
            let text = value.as_str().ok_or_else(|| cannot_map("一个合法的字符串"))?;
            check_length(text, *least, *most, field, here)
        }
        Kind::Word(words) => {
            let text = value.as_str().ok_or_else(|| cannot_map("一个合法的字符串"))?;
            if words.contains(&text) {
                return Ok(());
            }
            let title = field.title;
            let message = format!(
                "输入源“/body{here}”映射到字段“{title}”枚举值规则校验失败，可选取值：{}",
                words.join("、")
            );
            Err(wrong(here, value, message, 268_435_461))
        }
        Kind::Integer(least) => {
            let number = value
                .as_i64()
                .ok_or_else(|| cannot_map("一个合法的 64 位有符号整数"))?;
            if number >= *least {
                return Ok(());
            }
            let title = field.title;
            let message = format!(
                "输入源“/body{here}”映射到数值字段“{title}”规则校验失败，值 {number}，小于最小值 {least}"
            );
            Err(wrong(here, value, message, 268_435_464))
        }
        Kind::Flag => value
            .as_bool()
            .map(drop)
            .ok_or_else(|| cannot_map("一个合法的布尔值")),
        Kind::Object(fields) => {
            let members = value.as_object().ok_or_else(|| cannot_map("一个合法的对象"))?;
            check_object(members, fields, here)
        }
        Kind::List(most, fields) => {
            let items = value.as_array().ok_or_else(|| cannot_map("一个合法的数组"))?;
            if items.is_empty() || items.len() > *most {
                return Err(cannot_map(&format!("1 到 {most} 个元素")));
            }
            for (place, item) in items.iter().enumerate() {
                let members = item.as_object().ok_or_else(|| cannot_map("由对象组成的数组"))?;
                check_object(members, fields, &format!("{here}/{place}"))?;
            }
            Ok(())
        }
    }
}

fn check_length(text: &str, least: usize, most: usize, field: &Field, here: &str) -> Result<(), Refusal> {
    let n_bytes = text.len();
    let bound = if n_bytes < least {
        format!("小于最小值 {least}")
    } else if n_bytes > most {
        format!("大于最大值 {most}")
    } else {
        return Ok(());
    };
    let title = field.title;
    let message =
        format!("输入源“/body{here}”映射到值字段“{title}”字符串规则校验失败，字节数 {n_bytes}，{bound}");
    Err(wrong(here, &Value::from(text), message, 268_435_464))
}
