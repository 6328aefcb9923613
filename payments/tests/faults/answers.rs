//! Answers of verbs as texts, so that a replayed answer can be compared with the first one.

use std::sync::Arc;

use payments::{Idempotency, KeptAnswer, Outcome};

/// Idempotency key whose stored answer equals a new answer.
pub fn kept<T: 'static>(route: &str, key: &str, write: fn(&T) -> String) -> Idempotency<T> {
    Idempotency {
        route: route.to_owned(),
        key: key.to_owned(),
        fingerprint: "same".to_owned(),
        answer: Arc::new(move |value, is_new| KeptAnswer {
            status: if is_new { 201 } else { 200 },
            body: write(value),
        }),
    }
}

pub fn told<T>(made: Outcome<T>, write: fn(&T) -> String) -> String {
    match made {
        Outcome::New(value) | Outcome::Existing(value) => write(&value),
        Outcome::Replayed(answer) => answer.body,
    }
}

pub fn written(payment: &domain::Payment) -> String {
    format!(
        "{}|{}|{}|{}",
        payment.payment_no,
        payment.id,
        payment.expires_at.millis(),
        payment.prompt.as_deref().unwrap_or_default()
    )
}
