//! Forms of which a field was refused: they come back as they were typed, with the field named.

use app::console::{ConsoleContext, Problem, TypedForm};
use domain::Money;
use payments::console::ConsoleError;
use secrecy::SecretString;

use super::error::PageError;
use super::fields::Fields;
use crate::config::{parse_email, parse_password};

/// Reason for which a form was not carried out.
#[derive(Debug)]
pub enum FormError {
    /// The form is shown again.
    Field(&'static str, Problem),
    /// Another page says what happened.
    Page(PageError),
}

impl From<PageError> for FormError {
    fn from(error: PageError) -> FormError {
        FormError::Page(error)
    }
}

impl From<payments::Error> for FormError {
    fn from(error: payments::Error) -> FormError {
        match error {
            payments::Error::Invalid { field, .. } => refuse_value(field),
            error => FormError::Page(error.into()),
        }
    }
}

impl From<ConsoleError> for FormError {
    fn from(error: ConsoleError) -> FormError {
        match error {
            ConsoleError::Core(error) => error.into(),
            error => FormError::Page(error.into()),
        }
    }
}

/// Translates the core's name of a refused value into the field of the form.
fn refuse_value(field: &'static str) -> FormError {
    match field {
        "amount" => FormError::Field("amount", Problem::NoAmount),
        "userId" => FormError::Field("user", Problem::Unreadable),
        "url" => FormError::Field("url", Problem::NoAddress),
        "expires" => FormError::Field("expires", Problem::NoFutureDay),
        "stock" | "minutes" => FormError::Field(field, Problem::NoNumber),
        field => FormError::Field(field, Problem::Unreadable),
    }
}

impl Fields {
    /// Reads one line of at most `most` characters.
    pub fn required(&self, name: &'static str, most: usize) -> Result<&str, FormError> {
        if self.text(name).is_empty() {
            return Err(FormError::Field(name, Problem::Missing));
        }
        let line = self.line(name, most);
        line.map_err(|_| FormError::Field(name, Problem::Unreadable))
    }

    pub fn amount(&self, name: &'static str) -> Result<Money, FormError> {
        Money::parse_yuan(self.text(name)).map_err(|_| FormError::Field(name, Problem::NoAmount))
    }

    /// Reads a field that may be empty.
    pub fn optional<T>(
        &self,
        name: &'static str,
        problem: Problem,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, FormError> {
        match self.text(name) {
            "" => Ok(None),
            text => parse(text).map(Some).ok_or(FormError::Field(name, problem)),
        }
    }

    pub fn optional_amount(&self, name: &'static str) -> Result<Option<Money>, FormError> {
        self.optional(name, Problem::NoAmount, |text| Money::parse_yuan(text).ok())
    }

    pub fn email(&self, name: &'static str) -> Result<String, FormError> {
        parse_email(self.text(name)).map_err(|_| FormError::Field(name, Problem::NoEmail))
    }

    pub fn new_password(&self, name: &'static str) -> Result<SecretString, FormError> {
        parse_password(self.raw(name)).map_err(|_| FormError::Field(name, Problem::WeakPassword))
    }
}

/// Puts a refused form into the context of the page that shows it again; an error of another kind is passed on.
pub fn show_again(
    context: ConsoleContext,
    action: &str,
    fields: &Fields,
    error: FormError,
) -> Result<ConsoleContext, PageError> {
    let (field, problem) = match error {
        FormError::Field(field, problem) => (field, problem),
        FormError::Page(error) => return Err(error),
    };
    let form = TypedForm::new(action, fields.pairs().iter().cloned()).refused(field, problem);
    Ok(ConsoleContext { form, ..context })
}
