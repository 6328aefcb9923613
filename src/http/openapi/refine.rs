//! Completes the generated document with what the derive macros do not say: bounds of parameters, names for enums and
//! pages, conditions between members.

use domain::{EntryKind, EventType, Method, OrderStatus, PaymentStatus, Product};
use payments::views::RefundView;
use payments::webhook::EndpointStatus;
use serde_json::{Map, Value, json};

use super::document::Place;
use super::fields;
use crate::http::error::ErrorCode;
use crate::http::payments::ALIPAY_RETURN_URL_BYTES;
use crate::http::webhook_endpoints::DELIVERY_STATUSES;

const SCHEMAS: &str = "#/components/schemas/";
/// Beginning of the names that the derive macro gives to pages of lists.
const GENERATED_PAGE: &str = "PageBody_";
/// Answers of an operation that names no others for its refusals and failures.
const ERRORS: [(&str, &str); 2] = [
    ("4XX", "Refused; nothing was changed"),
    ("5XX", "Not done, or not known to be done"),
];

type Object = Map<String, Value>;

pub fn refine(document: &mut Value, place: &Place) {
    document["servers"] = json!([{"url": place.public_url, "description": "This server"}]);
    for operation in each_operation(document) {
        refine_operation(operation);
    }
    name_pages(document);
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    for schema in schemas.values_mut() {
        let is_request = schema["additionalProperties"] == json!(false);
        let Some(members) = schema["properties"].as_object_mut() else {
            continue;
        };
        for (name, member) in members {
            refine_member(name, member, is_request, place);
        }
    }
    schemas["StartPayment"]["if"] = json!({"properties": {"method": {"const": "wechat"}}});
    for (keyword, condition) in products_of_methods() {
        schemas["StartPayment"][keyword] = condition;
    }
    schemas["AdjustBalance"]["properties"]["amount"]["not"] = json!({"const": 0});
    name_enums(document);
}

fn each_operation(document: &mut Value) -> impl Iterator<Item = &mut Object> {
    let paths = document["paths"].as_object_mut().into_iter();
    paths
        .flat_map(|paths| paths.values_mut())
        .filter_map(Value::as_object_mut)
        .flat_map(|path| path.values_mut())
        .filter_map(Value::as_object_mut)
}

fn refine_operation(operation: &mut Object) {
    add_errors(operation);
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let name = parameter["name"].as_str().unwrap_or_default();
        if let Some((schema, description)) = fields::parameter(&id, name) {
            parameter["schema"] = schema;
            parameter["description"] = json!(description);
        }
    }
    // A body that may be left out is not a body that may be `null`.
    let body = operation
        .get_mut("requestBody")
        .and_then(|body| body.pointer_mut("/content/application~1json/schema"));
    if let Some(schema) = body
        && let Some(named) = schema["oneOf"].as_array().and_then(|choices| {
            choices
                .iter()
                .find(|choice| choice.get("$ref").is_some())
                .cloned()
        })
    {
        *schema = named;
    }
}

fn add_errors(operation: &mut Object) {
    let Some(responses) = operation["responses"].as_object_mut() else {
        return;
    };
    let schema = json!({"$ref": format!("{SCHEMAS}ErrorBody")});
    for (status, description) in ERRORS {
        responses.entry(status).or_insert_with(
            || json!({"description": description, "content": {"application/json": {"schema": schema}}}),
        );
    }
}

fn refine_member(name: &str, member: &mut Value, is_request: bool, place: &Place) {
    let is_free_object = allows_kind(member, "object") && member.get("properties").is_none();
    let Some(schema) = member.as_object_mut() else {
        return;
    };
    if is_free_object {
        schema.insert("additionalProperties".to_owned(), json!(true));
    }
    if name == "currency" {
        schema.remove("example");
        let words = if is_request {
            json!(["CNY", null])
        } else {
            json!(["CNY"])
        };
        schema.insert("enum".to_owned(), words);
    }
    if !is_request {
        return;
    }
    if let Some(keywords) = fields::keywords(name, place.hosts) {
        schema.extend(keywords);
    }
    if name == "payerIp" {
        schema.remove("type");
        let choices = json!([
            {"type": "string", "format": "ipv4"},
            {"type": "string", "format": "ipv6"},
            {"type": "null"},
        ]);
        schema.insert("anyOf".to_owned(), choices);
    }
}

/// Whether a schema allows values of a type.
fn allows_kind(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(kinds) => kinds.iter().any(|known| known == kind),
        _ => false,
    }
}

/// Calls each page of a list by the name of its objects, and refers to their schema instead of repeating it.
fn name_pages(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    let generated: Vec<String> = schemas
        .keys()
        .filter(|name| name.starts_with(GENERATED_PAGE))
        .cloned()
        .collect();
    for name in generated {
        if let (Some(mut page), Some(item)) = (schemas.remove(&name), name.strip_prefix(GENERATED_PAGE)) {
            page["properties"]["data"]["items"] = json!({"$ref": format!("{SCHEMAS}{item}")});
            schemas.insert(format!("{item}Page"), page);
        }
    }
    visit_objects(document, &mut |object| {
        let Some(Value::String(reference)) = object.get_mut("$ref") else {
            return;
        };
        if let Some(item) = reference.strip_prefix(&format!("{SCHEMAS}{GENERATED_PAGE}")) {
            *reference = format!("{SCHEMAS}{item}Page");
        }
    });
}

/// Enums that have a name, so that a generated client has one type for each.
fn named_enums() -> [(&'static str, Vec<&'static str>, &'static str); 11] {
    let types = EventType::ALL.iter().map(|kind| kind.as_str());
    let wanted: Vec<&str> = types.clone().chain(["*"]).collect();
    [
        (
            "OrderStatus",
            OrderStatus::ALL.map(OrderStatus::as_str).to_vec(),
            "`pending`: can be paid until `expiresAt`. `cancelled`: ended by a call or by time, see `cancelReason`.",
        ),
        (
            "PaymentStatus",
            PaymentStatus::ALL.map(PaymentStatus::as_str).to_vec(),
            "`pending`: recorded, the gateway is not known to have it. `processing`: payable. `success`: paid, also after \
             a partial refund. `failed`: declined. `cancelled`: closed unpaid. `refunding`, `refunded`: a refund is on its \
             way; all of it is back.",
        ),
        (
            "RefundStatus",
            RefundView::statuses().to_vec(),
            "`pending`: recorded, the gateway is not known to have it. `processing`: it has. `success`: the money is back. \
             `failed`: refused for good. `needs_attention`: nothing moves until a person acts.",
        ),
        (
            "PaymentMethod",
            Method::ALL.map(Method::as_str).to_vec(),
            "How it is paid.",
        ),
        (
            "PaymentProduct",
            Product::NAMES.to_vec(),
            "Way of paying within a method. WeChat Pay: `native`, `h5`, `jsapi`. Alipay: `qr`, `wap`, `page`. Both: `app`, `mini`.",
        ),
        ("EventType", types.collect(), "Change that an event tells of."),
        (
            "EventFilter",
            wanted,
            "Type of events that are wanted; `*` for all.",
        ),
        (
            "WebhookEndpointStatus",
            EndpointStatus::ALL.map(EndpointStatus::as_str).to_vec(),
            "A disabled endpoint gets nothing.",
        ),
        (
            "WebhookDeliveryStatus",
            DELIVERY_STATUSES.to_vec(),
            "`pending`: will be attempted, or attempted again.",
        ),
        (
            "BalanceEntryKind",
            EntryKind::ALL.map(EntryKind::as_str).to_vec(),
            "Reason of an entry.",
        ),
        (
            "ErrorCode",
            ErrorCode::ALL.map(ErrorCode::as_str).to_vec(),
            "Code of an error, for programs.",
        ),
    ]
}

/// Puts each enum under its name, and refers to it wherever its words stand.
fn name_enums(document: &mut Value) {
    let enums = named_enums();
    visit_objects(document, &mut |object| {
        let Some(words) = object.get("enum").and_then(Value::as_array) else {
            return;
        };
        let is_nullable = words.contains(&Value::Null);
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        let Some((name, ..)) = enums.iter().find(|(_, known, _)| *known == words) else {
            return;
        };
        let named = json!({"$ref": format!("{SCHEMAS}{name}")});
        let description = object.remove("description");
        object.clear();
        if is_nullable {
            object.insert("oneOf".to_owned(), json!([{"type": "null"}, named]));
            object.extend(description.map(|text| ("description".to_owned(), text)));
        } else {
            object.insert("$ref".to_owned(), named["$ref"].clone());
        }
    });
    for (name, words, description) in enums {
        document["components"]["schemas"][name] =
            json!({"type": "string", "enum": words, "description": description});
    }
}

/// Conditions of a new payment: a product belongs to its method, and some need to know the payer.
fn products_of_methods() -> [(&'static str, Value); 2] {
    let products = |method: Method| {
        let words = Product::ALL
            .into_iter()
            .filter(move |product| product.method() == method);
        let words = words.map(|product| json!(product.name())).chain([Value::Null]);
        Value::from_iter(words)
    };
    let of = |method| json!({"properties": {"product": {"enum": products(method)}}});
    let is = |method: Method| json!({"properties": {"method": {"const": method.as_str()}}});
    let mut wechat = of(Method::Wechat);
    let named = json!({"properties": {"openid": {"type": "string"}}, "required": ["openid"]});
    wechat["if"] = json!({"properties": {"product": {"enum": ["jsapi", "mini"]}}, "required": ["product"]});
    wechat["then"] = named.clone();
    let mut alipay = of(Method::Alipay);
    alipay["if"] = json!({"properties": {"product": {"enum": ["wap", "page"]}}, "required": ["product"]});
    alipay["then"] = json!({"properties": {"returnUrl": {"maxLength": ALIPAY_RETURN_URL_BYTES}}});
    let is_mini = json!({"properties": {"product": {"const": "mini"}}, "required": ["product"]});
    alipay["else"] = json!({"if": is_mini, "then": named});
    let others = json!({"if": is(Method::Alipay), "then": alipay, "else": of(Method::Balance)});
    [("then", wechat), ("else", others)]
}

/// Calls a function with each JSON object of the document, the inner ones first.
fn visit_objects(value: &mut Value, visit: &mut impl FnMut(&mut Object)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| visit_objects(item, visit)),
        Value::Object(object) => {
            object.values_mut().for_each(|item| visit_objects(item, visit));
            visit(object);
        }
        _ => {}
    }
}
