//! Reads the OpenAPI document into the API reference of `/docs`.

use app::reference::{Answer, Call, Group, Kind, Member, Object, Reference};
use serde_json::{Map, Value};

const SCHEMAS: &str = "#/components/schemas/";

pub fn read_reference(document: &Value) -> Reference {
    let groups = array_items(&document["tags"]).iter().map(|tag| {
        let name = string_of(&tag["name"]);
        Group {
            calls: read_calls(document, &name),
            description: string_of(&tag["description"]),
            name,
        }
    });
    let objects =
        members_of(&document["components"]["schemas"]).map(|(name, schema)| read_object(name, schema));
    Reference {
        description: string_of(&document["info"]["description"]),
        server: string_of(&document["servers"][0]["url"]),
        groups: groups.collect(),
        objects: objects.collect(),
    }
}

fn read_calls(document: &Value, tag: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    for (path, methods) in members_of(&document["paths"]) {
        for (method, call) in members_of(methods) {
            if array_items(&call["tags"]).iter().any(|known| known == tag) {
                calls.push(read_call(path, method, call));
            }
        }
    }
    calls
}

fn read_call(path: &str, method: &str, call: &Value) -> Call {
    let parameters = array_items(&call["parameters"]).iter().map(|parameter| Member {
        name: string_of(&parameter["name"]),
        is_required: parameter["required"] == true,
        kind: read_kind(&parameter["schema"]),
        bounds: read_bounds(&parameter["schema"]),
        description: string_of(&parameter["description"]),
    });
    let answers = members_of(&call["responses"]).map(|(status, answer)| Answer {
        status: status.clone(),
        description: string_of(&answer["description"]),
        kind: read_content(&answer["content"]),
    });
    Call {
        id: string_of(&call["operationId"]),
        method: method.to_ascii_uppercase(),
        path: path.to_owned(),
        summary: string_of(&call["summary"]),
        description: string_of(&call["description"]),
        parameters: parameters.collect(),
        body: read_content(&call["requestBody"]["content"]),
        answers: answers.collect(),
    }
}

/// Type of a body, of whichever media type.
fn read_content(content: &Value) -> Option<Kind> {
    let (_, media) = members_of(content).next()?;
    Some(read_kind(&media["schema"]))
}

fn read_object(name: &str, schema: &Value) -> Object {
    let required = array_items(&schema["required"]);
    let members = members_of(&schema["properties"]).map(|(name, member)| Member {
        is_required: required.iter().any(|known| known == name),
        kind: read_kind(member),
        bounds: read_bounds(member),
        description: string_of(&member["description"]),
        name: name.clone(),
    });
    Object {
        name: name.to_owned(),
        description: string_of(&schema["description"]),
        words: array_items(&schema["enum"]).iter().map(string_of).collect(),
        members: members.collect(),
    }
}

fn read_kind(schema: &Value) -> Kind {
    if let Some(reference) = schema["$ref"].as_str() {
        return Kind {
            object: reference.strip_prefix(SCHEMAS).map(str::to_owned),
            ..Kind::default()
        };
    }
    let choices = [&schema["oneOf"], &schema["anyOf"]]
        .into_iter()
        .flat_map(array_items);
    if let Some(first) = choices.clone().find(|choice| choice["type"] != "null") {
        let mut kind = read_kind(first);
        if choices.clone().any(|choice| choice["type"] == "null") {
            kind.after.push_str(" or null");
        }
        return kind;
    }
    if schema.get("items").is_some() {
        return Kind {
            before: "list of ",
            ..read_kind(&schema["items"])
        };
    }
    let names = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(string_of).collect::<Vec<_>>().join(" or "),
        kind => string_of(kind),
    };
    Kind {
        after: names,
        ..Kind::default()
    }
}

/// Bounds of a value in words; patterns are for programs.
fn read_bounds(schema: &Value) -> String {
    let span = |least: &str, most: &str, unit: &str| match (schema.get(least), schema.get(most)) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}{unit}")),
        (Some(least), None) => Some(format!("{least} or more{unit}")),
        (None, Some(most)) => Some(format!("at most {most}{unit}")),
        (None, None) => None,
    };
    let words: Vec<String> = array_items(&schema["enum"])
        .iter()
        .filter(|word| !word.is_null())
        .map(string_of)
        .collect();
    let parts = [
        schema["format"]
            .as_str()
            .filter(|format| format.starts_with("date"))
            .map(str::to_owned),
        (!words.is_empty()).then(|| words.join(", ")),
        span("minLength", "maxLength", " characters"),
        span("minimum", "maximum", ""),
        schema.get("default").map(|value| format!("{value} by default")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn string_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn array_items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn members_of(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
