//! Gateway log in memory: calls and their answers, written to the database later, so that no call waits for a write.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use domain::{Channel, PaymentNo, Timestamp};

use super::GatewayError;
use super::masked::masked_json;
use super::transport::Answer;

/// Limits memory: more calls than a server makes during a short database outage; beyond it the oldest are dropped.
const MOST_CALLS: usize = 4096;
/// Longer answers are cut: the longest that either gateway sends about one payment is a tenth of it.
const MOST_CHARACTERS: usize = 16_000;

domain::words! {
    /// Gateway operation about a payment.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Operation {
        Create => "create",
        Query => "query",
        Close => "close",
        Cancel => "cancel",
        Refund => "refund",
        QueryRefund => "query_refund",
        /// Shipping information of what was sold, over a host that signs no answer.
        UploadShipping => "upload_shipping",
    }
}

/// Payment, and refund if any, that a call is about.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub operation: Operation,
    pub payment_no: &'a PaymentNo,
}

domain::words! {
    /// Verdict on the answer to a call.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Verdict {
        /// The answer has a valid signature of the gateway, whatever it says.
        Signed => "signed",
        /// An answer without a signature: a refusal, which is only a hint, or one about shipping, which TLS alone proves.
        Unsigned => "unsigned",
        NotBelieved => "not_believed",
        NoAnswer => "no_answer",
    }
}

/// One logged call, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub channel: Channel,
    pub operation: Operation,
    pub payment_no: PaymentNo,
    /// Method and path, or the method's name where all calls go to one path.
    pub line: String,
    pub request: String,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    pub answer: String,
    pub verdict: Verdict,
    /// Reason why the answer is not trusted, or why there is none.
    pub reason: Option<String>,
    pub begun_at: Timestamp,
    pub took: Duration,
}

#[derive(Debug, Default)]
pub struct CallLog {
    calls: Mutex<VecDeque<Call>>,
    writer: tokio::sync::Mutex<()>,
}

impl Operation {
    /// Operation that stands for this one in `gateway_calls.operation`, whose check lists no other.
    pub(crate) const fn nearest_known_before(self) -> Operation {
        match self {
            Operation::UploadShipping => Operation::Query,
            known => known,
        }
    }

    pub(super) const fn about(self, payment_no: &PaymentNo) -> About<'_> {
        About {
            operation: self,
            payment_no,
        }
    }
}

impl Call {
    /// Begins the log entry of a call that is about to be sent.
    pub(super) fn begin(
        channel: Channel,
        about: About<'_>,
        line: String,
        request: &str,
        now: Timestamp,
    ) -> Call {
        Call {
            channel,
            operation: about.operation,
            payment_no: about.payment_no.clone(),
            line,
            request: printable_body(request.as_bytes()),
            status: None,
            answer: String::new(),
            verdict: Verdict::NoAnswer,
            reason: None,
            begun_at: now,
            took: Duration::ZERO,
        }
    }

    /// Records the answer, or its absence.
    pub(super) fn returned(&mut self, sent: &Result<Answer, GatewayError>, now: Timestamp) {
        self.took = now.duration_since(self.begun_at);
        match sent {
            Ok(answer) => {
                self.status = Some(answer.status.as_u16());
                self.answer = printable_body(&answer.body);
            }
            Err(error) => self.reason = Some(error.to_string()),
        }
    }

    /// Records the verdict: whether the answer was signed, or why it is not trusted.
    pub(super) fn judged(&mut self, judgement: Result<bool, &GatewayError>) {
        self.verdict = match judgement {
            Ok(true) => Verdict::Signed,
            Ok(false) => Verdict::Unsigned,
            Err(error) => {
                self.reason = Some(error.to_string());
                Verdict::NotBelieved
            }
        };
    }
}

fn printable_body(body: &[u8]) -> String {
    if body.is_empty() {
        return String::new();
    }
    masked_json(body).chars().take(MOST_CHARACTERS).collect()
}

const UNBROKEN: &str = "nothing panics while it holds the log";

impl CallLog {
    pub(super) fn note(&self, call: Call) {
        let mut calls = self.calls.lock().expect(UNBROKEN);
        if calls.len() == MOST_CALLS {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    /// Takes the lock for writing the log to the database; a caller that waited finds it written.
    pub(crate) async fn writer(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.writer.lock().await
    }

    /// Takes up to `most` of the oldest calls.
    pub(crate) fn take(&self, most: usize) -> Vec<Call> {
        let mut calls = self.calls.lock().expect(UNBROKEN);
        let n_taken = calls.len().min(most);
        calls.drain(..n_taken).collect()
    }

    /// Returns the latest call about a payment that is not written to the database yet.
    pub(crate) fn last_about(&self, payment_no: &PaymentNo) -> Option<Call> {
        let calls = self.calls.lock().expect(UNBROKEN);
        calls.iter().rfind(|call| call.payment_no == *payment_no).cloned()
    }

    /// Puts calls back that were taken and could not be written.
    pub(crate) fn give_back(&self, taken: Vec<Call>) {
        let mut calls = self.calls.lock().expect(UNBROKEN);
        for call in taken.into_iter().rev().take(MOST_CALLS - calls.len()) {
            calls.push_front(call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(n: usize) -> Call {
        let number = PaymentNo::parse(&format!("P{n}")).unwrap();
        let about = Operation::Query.about(&number);
        Call::begin(
            Channel::Wechat,
            about,
            String::new(),
            "",
            Timestamp::from_millis(0),
        )
    }

    fn numbers(calls: &[Call]) -> Vec<&str> {
        calls.iter().map(|call| call.payment_no.as_str()).collect()
    }

    #[test]
    fn a_full_log_forgets_its_oldest_calls() {
        let log = CallLog::default();
        for n in 0..=MOST_CALLS {
            log.note(call(n));
        }
        let first = log.take(2);
        assert_eq!(numbers(&first), ["P1", "P2"]);
        log.note(call(9000));
        log.give_back(first);
        assert_eq!(numbers(&log.take(1)), ["P2"], "the oldest had no place any more");
        assert_eq!(log.take(usize::MAX).len(), MOST_CALLS - 1);
    }
}
