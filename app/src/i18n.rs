//! Language of a page, and the catalogue of its texts.
//!
//! A typed table instead of an i18n library: a missing key does not compile, nothing is loaded at run time, and because
//! islands get their few words as props, not one sentence travels in the wasm bundle. (`leptos_i18n` was the candidate; it
//! puts its lookup and the chosen locale's table on the client and keeps the choice in a cookie set by script.)

mod actions;
mod advice;
mod alarms;
mod catalogue;
mod console;
mod files;
mod forms;
mod lists;
mod payment_links;
mod reconciliation;

pub use actions::Words as ActionWords;
pub use advice::Words as AdviceWords;
pub use alarms::Words as AlarmWords;
pub use catalogue::Words;
pub use console::Words as ConsoleWords;
pub use files::Words as FileWords;
pub use forms::Words as FormWords;
pub use lists::Words as ListWords;
pub use payment_links::Words as LinkWords;
pub use reconciliation::Words as ReconciliationWords;

use crate::cookies::find_cookie;

domain::words! {
    /// Value of `?lang=`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Language {
        Chinese => "zh",
        English => "en",
    }
}

/// Cookie of the language that a payer chose.
const KEPT: &str = "payer_language";

impl Language {
    /// Value of `<html lang>`.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::Chinese => "zh-CN",
            Language::English => "en",
        }
    }

    /// The language's own name.
    pub const fn name(self) -> &'static str {
        match self {
            Language::Chinese => "中文",
            Language::English => "English",
        }
    }

    /// Parses `zh`, `zh-CN`, `zh-Hant-TW`, `en-GB` …: only the first part counts.
    pub fn parse_tag(tag: &str) -> Option<Language> {
        let primary = tag.trim().split('-').next()?;
        Language::ALL
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.as_str()))
    }

    /// Negotiates `Accept-Language`; scripts and in-app browsers in China send an empty one.
    pub fn negotiate(accept_language: &str) -> Language {
        let wishes = accept_language.split(',').filter_map(parse_preference);
        // `max_by_key` keeps the last of equals; the header lists the preferred one first.
        let best = wishes.rev().max_by_key(|(_, weight)| *weight);
        match best {
            Some((language, _)) => language,
            None if accept_language.trim().is_empty() => Language::Chinese,
            None => Language::English,
        }
    }

    /// Finds the language that a payer chose on an earlier page, in a `Cookie` header.
    pub fn find_kept(cookies: &str) -> Option<Language> {
        Language::parse(find_cookie(cookies, KEPT)?)
    }

    /// Value of `Set-Cookie` that keeps a chosen language for a year.
    pub fn cookie(self) -> String {
        format!(
            "{KEPT}={}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax",
            self.as_str()
        )
    }

    pub fn words(self) -> &'static Words {
        match self {
            Language::Chinese => &catalogue::CHINESE,
            Language::English => &catalogue::ENGLISH,
        }
    }

    /// Advice on incidents.
    pub fn advice_words(self) -> &'static AdviceWords {
        match self {
            Language::Chinese => &advice::CHINESE,
            Language::English => &advice::ENGLISH,
        }
    }

    /// Names of acts in the audit log.
    pub fn action_words(self) -> &'static ActionWords {
        match self {
            Language::Chinese => &actions::CHINESE,
            Language::English => &actions::ENGLISH,
        }
    }

    /// Texts of the messages to operators.
    pub fn alarm_words(self) -> &'static AlarmWords {
        match self {
            Language::Chinese => &alarms::CHINESE,
            Language::English => &alarms::ENGLISH,
        }
    }

    /// Texts of lists, of the timeline and of the overview.
    pub fn list_words(self) -> &'static ListWords {
        match self {
            Language::Chinese => &lists::CHINESE,
            Language::English => &lists::ENGLISH,
        }
    }

    /// Texts of payment links and of orders by hand.
    pub fn link_words(self) -> &'static LinkWords {
        match self {
            Language::Chinese => &payment_links::CHINESE,
            Language::English => &payment_links::ENGLISH,
        }
    }

    /// Texts of the console.
    pub fn console_words(self) -> &'static ConsoleWords {
        match self {
            Language::Chinese => &console::CHINESE,
            Language::English => &console::ENGLISH,
        }
    }

    pub fn reconciliation_words(self) -> &'static ReconciliationWords {
        match self {
            Language::Chinese => &reconciliation::CHINESE,
            Language::English => &reconciliation::ENGLISH,
        }
    }

    /// Texts of the console's forms and questions.
    pub fn form_words(self) -> &'static FormWords {
        match self {
            Language::Chinese => &forms::CHINESE,
            Language::English => &forms::ENGLISH,
        }
    }

    /// Texts of files for accountants.
    pub fn file_words(self) -> &'static FileWords {
        match self {
            Language::Chinese => &files::CHINESE,
            Language::English => &files::ENGLISH,
        }
    }
}

/// Parses one entry of the header with its weight in thousandths; `q=0` means *never*.
fn parse_preference(entry: &str) -> Option<(Language, u16)> {
    let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
    let weight = match parameters.trim().strip_prefix("q=") {
        None => 1000,
        Some(quality) => parse_quality(quality.trim())?,
    };
    (weight > 0).then_some((Language::parse_tag(tag)?, weight))
}

fn parse_quality(quality: &str) -> Option<u16> {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    if fraction.len() > 3 {
        return None;
    }
    let whole: u16 = whole.parse().ok().filter(|whole| *whole <= 1)?;
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    Some((whole * 1000 + fraction).min(1000))
}

/// Fills a text of the catalogue: `{amount}` becomes the value named `amount`.
pub fn fill(sentence: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(sentence.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_language_is_ranked_by_weight_then_order() {
        for (header, language) in [
            ("", Language::Chinese),
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::Chinese),
            ("en-GB,en;q=0.9,zh;q=0.8", Language::English),
            ("en;q=0.2, zh;q=0.7", Language::Chinese),
            ("en,zh", Language::English),
            ("zh;q=0,en;q=0.1", Language::English),
            ("fr-FR,fr;q=0.9", Language::English),
            ("zh;q=nonsense", Language::English),
            ("de, ZH-hant-tw;q=0.5", Language::Chinese),
        ] {
            assert_eq!(Language::negotiate(header), language, "{header:?}");
        }
    }

    #[test]
    fn placeholders_are_filled_by_name() {
        assert_eq!(fill("Pay {amount} now", &[("amount", "¥1.00")]), "Pay ¥1.00 now");
    }

    #[test]
    fn both_languages_have_every_text_with_the_same_placeholders() {
        let placeholders = |sentence: &str| {
            let mut names: Vec<String> = sentence
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split_once('}').map(|(name, _)| name.to_owned()))
                .collect();
            names.sort();
            names
        };
        let texts = catalogue::ALL.iter().chain(console::ALL);
        let texts = texts
            .chain(actions::ALL)
            .chain(advice::ALL)
            .chain(alarms::ALL)
            .chain(files::ALL)
            .chain(forms::ALL)
            .chain(lists::ALL)
            .chain(payment_links::ALL)
            .chain(reconciliation::ALL);
        for (key, chinese, english) in texts {
            assert!(!chinese.trim().is_empty(), "{key} has no Chinese");
            assert!(!english.trim().is_empty(), "{key} has no English");
            assert_eq!(placeholders(chinese), placeholders(english), "{key}");
            assert!(!chinese.contains('!') && !english.contains('!'), "{key} shouts");
        }
    }
}
