//! Gateway log of an order, for display.

use std::time::Duration;

use domain::{Channel, Method, Timestamp};

use crate::gateway::{Operation, Verdict};
use crate::store::StoreError;
use crate::store::gateway_calls::CallRow;

/// One distinct call and answer, however often it was repeated. Request and answer are masked.
#[derive(Debug, Clone)]
pub struct GatewayCall {
    pub channel: Channel,
    pub operation: Operation,
    pub payment_no: String,
    pub line: String,
    pub request: String,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    pub answer: String,
    pub verdict: Verdict,
    /// Reason why the answer was not trusted, or why there is none.
    pub reason: Option<String>,
    pub n: i64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// Shortest and longest duration.
    pub took: (Duration, Duration),
}

impl GatewayCall {
    /// Returns whether the answer is as authentic as one to this operation can be: none about shipping is signed.
    pub fn is_usual(&self) -> bool {
        match self.operation {
            Operation::UploadShipping => self.verdict == Verdict::Unsigned,
            _ => self.verdict == Verdict::Signed,
        }
    }
}

impl TryFrom<CallRow> for GatewayCall {
    type Error = StoreError;

    fn try_from(row: CallRow) -> Result<GatewayCall, StoreError> {
        let millis = |millis: i64| Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        Ok(GatewayCall {
            channel: Method::parse(&row.channel)
                .and_then(Method::channel)
                .ok_or(StoreError::Corrupt("gateway_calls.channel"))?,
            operation: Operation::parse(row.newer_operation.as_ref().unwrap_or(&row.operation))
                .ok_or(StoreError::Corrupt("gateway_calls.operation"))?,
            payment_no: row.payment_no,
            line: row.line,
            request: row.request,
            status: row.status.and_then(|status| u16::try_from(status).ok()),
            answer: row.answer,
            verdict: Verdict::parse(&row.verdict).ok_or(StoreError::Corrupt("gateway_calls.verdict"))?,
            reason: row.reason,
            n: row.n,
            first_at: Timestamp::from_millis(row.first_at),
            last_at: Timestamp::from_millis(row.last_at),
            took: (millis(row.shortest_ms), millis(row.longest_ms)),
        })
    }
}
