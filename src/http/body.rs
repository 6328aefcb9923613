//! Request bodies: bounded in size and in time, and taken as the bytes they are.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;

use super::error::{ErrorCode, Problem};

/// The largest limit of a body; bytes beyond it are only drained.
pub const API_BYTES: usize = 256 * 1024;
pub const NOTIFICATION_BYTES: usize = 64 * 1024;
const TIMEOUT: Duration = Duration::from_secs(20);
/// Bytes drained beyond the limit of a body that is too large: a client that is still sending does not read the answer.
const DRAINED_BYTES: usize = 4 * 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    TooLarge,
    TooSlow,
    /// The connection or its framing broke.
    Broken,
    /// Nothing is decompressed here, so there is no decompression bomb.
    Encoded,
}

/// Reads at most `limit` bytes.
pub async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let encoding = headers
        .get(header::CONTENT_ENCODING)
        .map(|value| value.as_bytes());
    if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err(BodyError::Encoded);
    }
    let announced: Option<u64> = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let exceeds =
        |bound: usize| announced.is_some_and(|length| length > u64::try_from(bound).unwrap_or(u64::MAX));
    // `Expect: 100-continue` gets its refusal before the body is sent; an endless body is not drained.
    if exceeds(limit)
        && (headers.contains_key(header::EXPECT) || exceeds(limit.saturating_add(DRAINED_BYTES)))
    {
        return Err(BodyError::TooLarge);
    }
    match tokio::time::timeout(TIMEOUT, collect_bytes(body, limit)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(BodyError::TooSlow),
    }
}

async fn collect_bytes(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut bytes = BytesMut::new();
    let mut n_received = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BodyError::Broken)?;
        let Some(data) = frame.data_ref() else { continue };
        n_received += data.len();
        if n_received > limit.saturating_add(DRAINED_BYTES) {
            return Err(BodyError::TooLarge);
        }
        if n_received <= limit {
            bytes.extend_from_slice(data);
        } else {
            bytes = BytesMut::new();
        }
    }
    if n_received > limit {
        Err(BodyError::TooLarge)
    } else {
        Ok(bytes.freeze())
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Problem {
        match error {
            BodyError::TooLarge => Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                ErrorCode::TooLarge,
                "the body is too large",
            ),
            BodyError::TooSlow => Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                ErrorCode::Malformed,
                "the body did not arrive in time",
            ),
            BodyError::Broken => Problem::malformed("the body did not arrive whole"),
            BodyError::Encoded => Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ErrorCode::UnsupportedMediaType,
                "send the body without Content-Encoding",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_byte_more_than_the_limit_is_too_large() {
        let headers = HeaderMap::new();
        let body = |n: usize| Body::from(vec![b'x'; n]);
        assert_eq!(read(&headers, body(100), 100).await.unwrap().len(), 100);
        assert_eq!(read(&headers, body(101), 100).await, Err(BodyError::TooLarge));
        assert_eq!(
            read(&headers, body(DRAINED_BYTES + 1), 100).await,
            Err(BodyError::TooLarge)
        );
    }

    #[tokio::test]
    async fn a_compressed_body_is_not_opened() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        assert_eq!(
            read(&headers, Body::from("x"), 100).await,
            Err(BodyError::Encoded)
        );
    }
}
