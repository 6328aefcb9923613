//! Typed values of a form that is shown again: after a refusal with the refused field named, and after
//! the password was asked for. Passwords and codes are never shown again.

use crate::i18n::FormWords;

/// Fields that are not shown again.
const SECRET: [&str; 6] = ["password", "again", "old", "code", "secret", "once"];

domain::words! {
    /// Problem of a field that was refused.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Problem {
        Missing => "missing",
        Unreadable => "unreadable",
        NoAmount => "no_amount",
        TooMuch => "too_much",
        WeakPassword => "weak_password",
        SamePassword => "same_password",
        Different => "different",
        WrongPassword => "wrong_password",
        TooManyAttempts => "too_many_attempts",
        NoEmail => "no_email",
        KnownEmail => "known_email",
        NoScope => "no_scope",
        NoAddress => "no_address",
        NoNumber => "no_number",
        NoFutureDay => "no_future_day",
        NoPublicKey => "no_public_key",
    }
}

impl Problem {
    pub const fn text(self, words: &FormWords) -> &'static str {
        match self {
            Problem::Missing => words.problem_missing,
            Problem::Unreadable => words.problem_unreadable,
            Problem::NoAmount => words.problem_no_amount,
            Problem::TooMuch => words.problem_too_much,
            Problem::WeakPassword => words.problem_weak_password,
            Problem::SamePassword => words.problem_same_password,
            Problem::Different => words.problem_different,
            Problem::WrongPassword => words.problem_wrong_password,
            Problem::TooManyAttempts => words.problem_too_many_attempts,
            Problem::NoEmail => words.problem_no_email,
            Problem::KnownEmail => words.problem_known_email,
            Problem::NoScope => words.problem_no_scope,
            Problem::NoAddress => words.problem_no_address,
            Problem::NoNumber => words.problem_no_number,
            Problem::NoFutureDay => words.problem_no_future_day,
            Problem::NoPublicKey => words.problem_no_public_key,
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedForm {
    /// Address that the form is sent to; empty when no form is shown again.
    action: String,
    values: Vec<(String, String)>,
    refused: Option<(&'static str, Problem)>,
}

/// A form that nothing was typed into.
pub(super) static EMPTY: TypedForm = TypedForm {
    action: String::new(),
    values: Vec::new(),
    refused: None,
};

impl TypedForm {
    pub fn new(action: &str, values: impl IntoIterator<Item = (String, String)>) -> TypedForm {
        let is_shown = |name: &str| !SECRET.contains(&name);
        TypedForm {
            action: action.to_owned(),
            values: values.into_iter().filter(|(name, _)| is_shown(name)).collect(),
            refused: None,
        }
    }

    /// Names the field that was refused.
    #[must_use]
    pub fn refused(self, field: &'static str, problem: Problem) -> TypedForm {
        TypedForm {
            refused: Some((field, problem)),
            ..self
        }
    }

    pub fn action(&self) -> &str {
        &self.action
    }

    pub fn values(&self) -> &[(String, String)] {
        &self.values
    }

    /// Returns what was typed; empty when nothing was.
    pub fn value(&self, name: &str) -> &str {
        self.values
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    /// Returns whether a box was ticked; `first` when the form is shown for the first time.
    pub fn is_ticked(&self, name: &str, first: bool) -> bool {
        if self.action.is_empty() {
            first
        } else {
            self.value(name) == "on"
        }
    }

    pub fn problem(&self) -> Option<(&'static str, Problem)> {
        self.refused
    }

    pub fn problem_of(&self, name: &str) -> Option<Problem> {
        self.refused
            .filter(|(field, _)| *field == name)
            .map(|(_, problem)| problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn passwords_and_codes_are_not_shown_again() {
        let typed = TypedForm::new(
            "/admin/people",
            [pair("email", "a@example.com"), pair("password", "secret")],
        );
        assert_eq!(
            (typed.value("email"), typed.value("password")),
            ("a@example.com", "")
        );
    }

    #[test]
    fn a_box_keeps_its_first_state_until_a_form_was_sent() {
        assert!(EMPTY.is_ticked("read", true));
        let typed = TypedForm::new("/admin/keys", [pair("pay", "on")]).refused("name", Problem::Missing);
        assert!(!typed.is_ticked("read", true) && typed.is_ticked("pay", false));
        assert_eq!(typed.problem_of("name"), Some(Problem::Missing));
        assert_eq!(typed.problem_of("pay"), None);
    }
}
