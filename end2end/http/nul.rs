//! Texts with a NUL, which PostgreSQL cannot hold, in every place of every request: never an internal error.

use reqwest::Method;
use serde_json::{Map, Value, json};
use tongqian::console_table;

use super::api::{Answer, Api, client, send};
use super::console::visitor::{OWNER, Visitor};
use super::database::new_database;
use super::server::Server;

const NUL: &str = "a\0b";
/// Names of query parameters and form fields of the console and of payers' pages.
const FIELDS: [&str; 28] = [
    "q", "status", "method", "user", "userId", "cursor", "from", "to", "by", "action", "subject", "email",
    "password", "code", "current", "new", "role", "name", "reason", "amount", "note", "text", "id", "number",
    "url", "events", "token", "lang",
];

#[track_caller]
fn check(what: &str, answer: &Answer) {
    assert!(answer.status < 500, "{what}: {} {}", answer.status, answer.text);
}

/// The path with a NUL in place of each parameter.
fn with_nul(path: &str) -> String {
    let mut filled = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        filled.push_str("a%00b");
        rest = after.split_once('}').unwrap().1;
    }
    filled + rest
}

/// A body of the schema with a NUL in each text; members of other types are left out.
fn body_of(document: &Value, schema: &Value) -> Value {
    let name = [schema, &schema["oneOf"][0]]
        .into_iter()
        .find_map(|schema| schema["$ref"].as_str());
    let Some(name) = name.and_then(|name| name.rsplit('/').next()) else {
        return json!({});
    };
    let members = document["components"]["schemas"][name]["properties"]
        .as_object()
        .cloned();
    let texts = members
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(member, schema)| {
            let kind = &schema["type"];
            let is_text = kind == "string"
                || kind
                    .as_array()
                    .is_some_and(|kinds| kinds.contains(&json!("string")));
            let value = if is_text {
                json!(NUL)
            } else if kind == "integer" {
                json!(100)
            } else {
                return None;
            };
            Some((member, value))
        });
    Value::Object(texts.collect::<Map<String, Value>>())
}

async fn try_the_api(server: &Server) {
    let api = Api::of(server);
    let document = api.get("/openapi.json").await.ok(200);
    for (path, verbs) in document["paths"].as_object().unwrap() {
        let path = with_nul(path.strip_prefix("/api/billing").unwrap());
        for (verb, operation) in verbs.as_object().unwrap() {
            let method: Method = verb.to_uppercase().parse().unwrap();
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = body_of(&document, schema);
            let request = api.request(method.clone(), &path);
            let request = if method == Method::GET {
                request
            } else {
                request.json(&body)
            };
            check(&format!("{method} {path} {body}"), &send(request).await);
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "query" {
                    let name = parameter["name"].as_str().unwrap();
                    let answer = send(api.request(method.clone(), &format!("{path}?{name}=a%00b"))).await;
                    check(&format!("{method} {path}?{name}"), &answer);
                }
            }
        }
    }
    // Real objects, so that only the one text is wrong.
    let order = api.order().await;
    for (member, path) in [
        ("userId", "/orders"),
        ("subject", "/orders"),
        ("orderNo", "/orders"),
        ("note", "/balance/u1/adjust"),
    ] {
        let mut body = if path == "/orders" {
            json!({"userId": "u1", "subject": "Team plan", "amount": 9990})
        } else {
            json!({"amount": 1, "adjustmentNo": "n", "note": "n"})
        };
        body[member] = json!(NUL);
        let refused = api.post(path, &body).await.refused(422, "invalid");
        assert_eq!(refused.as_deref(), Some(member));
    }
    let metadata = json!({"userId": "u1", "subject": "Team plan", "amount": 9990, "metadata": {"a": NUL}});
    check("metadata", &api.post("/orders", &metadata).await);
    let reason = json!({"reason": NUL});
    let cancel = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
    check("reason", &api.post(&cancel, &reason).await);
}

async fn try_the_console(server: &Server) {
    let visitor = Visitor::owner(server).await;
    let fields: Vec<(&str, &str)> = FIELDS.iter().map(|field| (*field, NUL)).collect();
    for (verb, path, _) in console_table().filter(|(_, path, _)| *path != "/admin/logout") {
        let path = with_nul(path);
        if verb == "POST" {
            check(&format!("{verb} {path}"), &visitor.post(&path, &fields).await);
            continue;
        }
        check(&path, &visitor.get(&path).await);
        for field in FIELDS {
            let path = format!("{path}?{field}=a%00b");
            check(&path, &visitor.get(&path).await);
        }
    }
    check("login", &visitor.log_in(NUL, NUL).await);
}

async fn try_the_pages(server: &Server) {
    let api = Api::of(server);
    let order = api.order().await;
    let token = order["checkoutUrl"].as_str().unwrap().rsplit('/').next().unwrap();
    for page in [
        "",
        "/receipt",
        "/status",
        "/events",
        "/pay",
        "/invocation",
        "/return",
    ] {
        for token in ["a%00b", token] {
            for query in [
                "",
                "?method=a%00b&device=a%00b&lang=a%00b&paper=a%00b&number=a%00b&after=a%00b",
            ] {
                let path = format!("/checkout/{token}{page}{query}");
                let response = client()
                    .get(format!("{}{path}", server.url))
                    .send()
                    .await
                    .unwrap();
                assert!(response.status().as_u16() < 500, "{path}: {}", response.status());
            }
        }
    }
    for path in ["/a%00b", "/?plan=a%00b", "/pkg/a%00b"] {
        let answer = send(client().get(format!("{}{path}", server.url))).await;
        check(path, &answer);
    }
}

async fn try_every_address(settings: &[(&str, &str)]) {
    let mut all = vec![("ADMIN_EMAIL", OWNER.0), ("ADMIN_PASSWORD", OWNER.1)];
    all.extend(settings);
    let server = Server::simulated(&all);
    try_the_api(&server).await;
    try_the_console(&server).await;
    try_the_pages(&server).await;
    let ready = send(client().get(format!("{}/health/ready", server.url))).await;
    assert_eq!(ready.status, 200, "{}", ready.text);
}

#[tokio::test]
async fn no_text_with_nul_reaches_a_database() {
    try_every_address(&[]).await;
}

#[tokio::test]
async fn no_text_with_nul_reaches_a_database_on_postgres() {
    let Some(url) = new_database("http_nul").await else {
        return;
    };
    try_every_address(&[("DATABASE_URL", &url)]).await;
}
