//! Pages that were drawn before: the document of a shape, into which each page writes its own texts.
//!
//! Leptos draws a shape once ([`Hollow`]); what differs from page to page is written in between its parts. A document is
//! kept only when it gave back, letter by letter, the page that Leptos drew for the same view.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use crate::view::hollow::{Hollow, MILLIS_SLOT, VERSION_SLOT, slot};

/// Shapes that are kept: states, languages, devices and what a method needs make some dozens.
const MAX_SHAPES: usize = 256;

/// The document of one shape.
#[derive(Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Nonce,
    Version,
    MillisLeft,
    /// The text of a slot, as an element's content or as an attribute's value.
    Content(usize),
    Attribute(usize),
}

impl Template {
    /// Takes apart the document of a hollow view.
    pub fn parse(document: &str, nonce: &str, n_texts: usize) -> Template {
        let mut marks = vec![
            (nonce.to_owned(), Part::Nonce),
            (VERSION_SLOT.to_string(), Part::Version),
            (MILLIS_SLOT.to_string(), Part::MillisLeft),
        ];
        marks.extend((0..n_texts).map(|n| (slot(n), Part::Content(n))));
        let mut found: Vec<(usize, usize, &Part)> = marks
            .iter()
            .flat_map(|(mark, part)| {
                document
                    .match_indices(mark.as_str())
                    .map(move |(at, text)| (at, text.len(), part))
            })
            .collect();
        found.sort_by_key(|(at, ..)| *at);
        let mut parts = Vec::with_capacity(2 * found.len() + 1);
        let mut end = 0;
        for (at, length, part) in found {
            let before = document.get(end..at).unwrap_or_default();
            parts.push(Part::Literal(before.to_owned()));
            let is_in_tag = document
                .get(..at)
                .and_then(|before| before.rfind(['<', '>']))
                .is_some_and(|tag| document[tag..].starts_with('<'));
            parts.push(match part {
                Part::Content(n) if is_in_tag => Part::Attribute(*n),
                Part::Content(n) => Part::Content(*n),
                Part::Version => Part::Version,
                Part::MillisLeft => Part::MillisLeft,
                Part::Nonce | Part::Literal(_) | Part::Attribute(_) => Part::Nonce,
            });
            end = at + length;
        }
        parts.push(Part::Literal(document.get(end..).unwrap_or_default().to_owned()));
        Template { parts }
    }

    /// The page of a view of this shape.
    pub fn fill(&self, page: &Hollow, nonce: &str) -> String {
        let mut document = String::with_capacity(16 * 1024);
        for part in &self.parts {
            match part {
                Part::Literal(text) => document.push_str(text),
                Part::Nonce => document.push_str(nonce),
                Part::Version => write!(document, "{}", page.version).expect("a string takes any text"),
                Part::MillisLeft => {
                    write!(document, "{}", page.millis_left).expect("a string takes any text")
                }
                Part::Content(n) => push_escaped(&mut document, text_of(page, *n), false),
                Part::Attribute(n) => push_escaped(&mut document, text_of(page, *n), true),
            }
        }
        document
    }
}

fn text_of(page: &Hollow, n: usize) -> &str {
    page.texts.get(n).map_or("", String::as_str)
}

/// Escapes as Leptos does.
fn push_escaped(document: &mut String, text: &str, is_attribute: bool) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"']) {
        let (plain, special) = rest.split_at(at);
        document.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('&') => document.push_str("&amp;"),
            Some('<') => document.push_str("&lt;"),
            Some('>') => document.push_str("&gt;"),
            Some('"') if is_attribute => document.push_str("&quot;"),
            Some(other) => document.push(other),
            None => {}
        }
        rest = characters.as_str();
    }
    document.push_str(rest);
}

/// The documents of a server; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Templates(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// `None`: its document does not give back what Leptos draws.
    templates: HashMap<String, Option<Arc<Template>>>,
    /// Oldest first.
    shapes: VecDeque<String>,
}

const UNBROKEN: &str = "nothing panics while it holds the templates";

impl Templates {
    /// The document of a shape. `None`: this shape has not been drawn yet. `Some(None)`: it cannot be kept.
    pub fn find(&self, shape: &str) -> Option<Option<Arc<Template>>> {
        self.0.lock().expect(UNBROKEN).templates.get(shape).cloned()
    }

    pub fn keep(&self, shape: String, template: Option<Template>) {
        let mut kept = self.0.lock().expect(UNBROKEN);
        if kept
            .templates
            .insert(shape.clone(), template.map(Arc::new))
            .is_none()
        {
            kept.shapes.push_back(shape);
        }
        if kept.shapes.len() > MAX_SHAPES
            && let Some(oldest) = kept.shapes.pop_front()
        {
            kept.templates.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_where_they_stand() {
        let mut document = String::new();
        push_escaped(&mut document, "a<b>&\"c\" 铜钱", false);
        document.push('|');
        push_escaped(&mut document, "a<b>&\"c\"", true);
        assert_eq!(document, "a&lt;b&gt;&amp;\"c\" 铜钱|a&lt;b&gt;&amp;&quot;c&quot;");
    }

    #[test]
    fn shapes_beyond_the_limit_make_the_oldest_go() {
        let templates = Templates::default();
        for n in 0..=MAX_SHAPES {
            templates.keep(n.to_string(), None);
        }
        assert!(templates.find("0").is_none() && templates.find("1").is_some());
    }
}
