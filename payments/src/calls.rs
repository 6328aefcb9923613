//! Writes the gateway log to the database: in batches and a moment later, so that no payment waits for it.

use domain::Channel;
use futures_util::FutureExt;

use crate::api_keys::hash_of_parts;
use crate::error::logged;
use crate::gateway::{Call, Gateway};
use crate::store::StoreError;
use crate::store::gateway_calls::{self, CallRow};
use crate::{Error, Services};

/// Small enough that no other write waits long.
const BATCH: usize = 64;

/// Writes every call that was logged in this process since the last time. Returns how many.
pub async fn write_calls(services: &Services) -> Result<usize, Error> {
    let mut n_written = 0;
    for channel in Channel::ALL {
        if let Some(gateway) = services.gateways.get(channel) {
            n_written += write_calls_of(services, gateway).await?;
        }
    }
    Ok(n_written)
}

/// Like [`write_calls`], but only logs a failure.
pub async fn try_to_write_calls(services: &Services) {
    if let Err(error) = write_calls(services).await {
        tracing::warn!(error = logged(&error), "the gateway log is not written yet");
    }
}

async fn write_calls_of(services: &Services, gateway: &Gateway) -> Result<usize, Error> {
    let _turn = gateway.calls().writer().await;
    let mut n_written = 0;
    loop {
        let calls = gateway.calls().take(BATCH);
        if calls.is_empty() {
            return Ok(n_written);
        }
        if let Err(error) = insert_calls(services, &calls).await {
            gateway.calls().give_back(calls);
            return Err(Error::Internal(error));
        }
        n_written += calls.len();
    }
}

async fn insert_calls(services: &Services, calls: &[Call]) -> Result<(), StoreError> {
    let rows = &calls.iter().map(call_row).collect::<Vec<CallRow>>();
    let long_ago = services.clock.now() - services.policy.retention.gateway_messages;
    services
        .db
        .write(|tx| {
            async move {
                for row in rows {
                    gateway_calls::add(tx, row).await?;
                }
                gateway_calls::forget(tx, long_ago).await
            }
            .boxed()
        })
        .await
}

fn call_row(call: &Call) -> CallRow {
    let nearest = call.operation.nearest_known_before();
    let took_ms = i64::try_from(call.took.as_millis()).unwrap_or(i64::MAX);
    let status = call.status.map(|status| status.to_string());
    let parts = [
        call.channel.as_str(),
        call.operation.as_str(),
        call.payment_no.as_str(),
        &call.line,
        &call.request,
        status.as_deref().unwrap_or_default(),
        &call.answer,
        call.verdict.as_str(),
        call.reason.as_deref().unwrap_or_default(),
    ];
    CallRow {
        id: hash_of_parts(&parts),
        channel: call.channel.as_str().to_owned(),
        operation: nearest.as_str().to_owned(),
        newer_operation: (nearest != call.operation).then(|| call.operation.as_str().to_owned()),
        payment_no: call.payment_no.as_str().to_owned(),
        line: call.line.clone(),
        request: call.request.clone(),
        status: call.status.map(i64::from),
        answer: call.answer.clone(),
        verdict: call.verdict.as_str().to_owned(),
        reason: call.reason.clone(),
        n: 1,
        first_at: call.begun_at.millis(),
        last_at: call.begun_at.millis(),
        shortest_ms: took_ms,
        longest_ms: took_ms,
    }
}
