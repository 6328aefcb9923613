//! Verbs run to the end.

use std::future::Future;

/// Runs a writing verb in a task of its own: axum drops a handler when the client hangs up (measured: 5 started,
/// 0 finished), and half a verb is worse than none.
pub async fn run_to_end<T: Send + 'static>(verb: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(verb).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only the end of the runtime cancels a task that nobody aborts.
            Err(_) => std::future::pending().await,
        },
    }
}
