//! The examples of PAYMENT_INTEGRATION.md, run in the order in which they stand there.
//!
//! An example is a block ```` ```http ```` with a request, followed by a block ```` ```json STATUS ```` with its answer.
//! In answers `…` stands for any text and `{name}` for a value that later examples use; ```` ```json STATUS soon ```` is asked
//! for again until it is so. The Chinese guide holds the same examples byte for byte (`end2end/tidy/translations.rs`).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use super::api::{Answer, Api, send};
use super::server::Server;

const GUIDE: &str = include_str!("../../PAYMENT_INTEGRATION.md");
const PATIENCE: Duration = Duration::from_mins(1);

struct Example<'a> {
    line: usize,
    method: Method,
    target: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
    status: u16,
    is_soon: bool,
    wanted: Value,
}

struct Block<'a> {
    line: usize,
    info: &'a str,
    text: &'a str,
}

/// Every fenced block.
fn blocks(guide: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let (mut at, mut line) = (0, 1);
    let mut open: Option<(usize, &str, usize)> = None;
    for text in guide.split_inclusive('\n') {
        if let Some(info) = text.strip_prefix("```") {
            open = match open.take() {
                None => Some((line, info.trim(), at + text.len())),
                Some((line, info, from)) => {
                    blocks.push(Block {
                        line,
                        info,
                        text: &guide[from..at],
                    });
                    None
                }
            };
        }
        at += text.len();
        line += 1;
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn examples(guide: &str) -> Vec<Example<'_>> {
    let blocks = blocks(guide);
    let requests = blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| block.info == "http");
    requests
        .map(|(index, request)| example(request, &blocks[index + 1]))
        .collect()
}

fn example<'a>(request: &Block<'a>, answer: &Block<'a>) -> Example<'a> {
    let (head, body) = request.text.split_once("\n\n").unwrap_or((request.text, ""));
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let mut words = answer.info.split(' ');
    assert_eq!(
        words.next(),
        Some("json"),
        "line {}: its answer is missing",
        request.line
    );
    let status = words.next().and_then(|status| status.parse().ok());
    Example {
        line: request.line,
        method: method.parse().unwrap(),
        target,
        headers: lines.map(|line| line.split_once(": ").unwrap()).collect(),
        body,
        status: status.unwrap_or_else(|| panic!("line {}: no status", answer.line)),
        is_soon: words.next() == Some("soon"),
        wanted: serde_json::from_str(answer.text)
            .unwrap_or_else(|error| panic!("line {}: {error}", answer.line)),
    }
}

/// Values of `{name}` so far.
struct Names(HashMap<String, String>);

impl Names {
    fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
    }

    /// Returns the difference with its path; a new name takes the value found.
    fn compare(&mut self, path: &str, wanted: &Value, found: &Value) -> Result<(), String> {
        match (wanted, found) {
            (Value::Object(wanted), Value::Object(found)) => {
                let names =
                    |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
                let (mut ours, mut theirs) = (names(wanted), names(found));
                ours.sort();
                theirs.sort();
                if ours != theirs {
                    return Err(format!("{path}: {theirs:?} instead of {ours:?}"));
                }
                wanted.iter().try_for_each(|(name, wanted)| {
                    self.compare(&format!("{path}.{name}"), wanted, &found[name])
                })
            }
            (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => wanted
                .iter()
                .zip(found)
                .enumerate()
                .try_for_each(|(index, (wanted, found))| {
                    self.compare(&format!("{path}[{index}]"), wanted, found)
                }),
            (Value::String(wanted), Value::String(found)) if self.is_text(wanted, found) => Ok(()),
            _ if wanted == found => Ok(()),
            _ => Err(format!("{path}: {found} instead of {wanted}")),
        }
    }

    fn is_text(&mut self, wanted: &str, found: &str) -> bool {
        if let Some(name) = wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            return self.0.entry(name.to_owned()).or_insert_with(|| found.to_owned()) == found;
        }
        let mut rest = found;
        let pieces: Vec<&str> = wanted.split('…').collect();
        let (last, others) = pieces.split_last().unwrap();
        for (index, piece) in others.iter().enumerate() {
            let at = if index == 0 {
                rest.starts_with(piece).then_some(0)
            } else {
                rest.find(piece)
            };
            match at {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        if others.is_empty() {
            rest == *last
        } else {
            rest.ends_with(last)
        }
    }
}

async fn ask(api: &Api, names: &Names, example: &Example<'_>) -> Answer {
    let target = names.fill(example.target);
    let is_ours = target.starts_with("/api/billing");
    let mut request = if is_ours {
        api.request(
            example.method.clone(),
            target.strip_prefix("/api/billing").unwrap(),
        )
    } else {
        api.client.request(example.method.clone(), &target)
    };
    for (name, value) in &example.headers {
        request = request.header(*name, *value);
    }
    if !example.body.is_empty() {
        request = request
            .header("Content-Type", "application/json")
            .body(names.fill(example.body));
    }
    send(request).await
}

#[tokio::test]
async fn every_example_of_the_guide_works_as_printed() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    let simulator = server.control().replace("/_control", "");
    let mut names = Names(HashMap::from([("simulator".to_owned(), simulator)]));
    let examples = examples(GUIDE);
    assert!(examples.len() > 15, "the guide has lost its examples");
    for example in examples {
        let started = Instant::now();
        loop {
            let answer = ask(&api, &names, &example).await;
            let outcome = if answer.status == example.status {
                names.compare("", &example.wanted, &answer.json())
            } else {
                Err(format!("status {}", answer.status))
            };
            match outcome {
                Ok(()) => break,
                Err(_) if example.is_soon && started.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(what) => panic!("line {}: {what}\n{}", example.line, answer.text),
            }
        }
    }
}
