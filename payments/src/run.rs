//! Runs verbs to their end, whether or not the caller still waits.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::traces::spawn_in_trace;

/// Verbs of this process that are under way, whether or not a caller waits for them.
static VERBS: LazyLock<TaskTracker> = LazyLock::new(TaskTracker::new);

/// Returns once no verb is under way, at the end of a process: their callers may have left.
pub async fn finish_verbs() {
    VERBS.close();
    VERBS.wait().await;
}

/// Starts a verb in the background, outside of its caller's trace. The stop of the server waits for it.
pub fn spawn_verb<T: Send + 'static>(verb: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    VERBS.spawn(verb)
}

/// Runs a writing verb in a task of its own: axum drops a handler when the client hangs up (measured: 5 started, 0
/// finished), and a half-executed verb is worse than none.
pub async fn run_to_end<T: Send + 'static>(verb: impl Future<Output = T> + Send + 'static) -> T {
    match spawn_in_trace(&VERBS, verb).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The task is never aborted; only the end of the runtime cancels it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Waits for a verb for a limited time. `None`: it goes on to its end, but its answer is dropped.
///
/// A bare timeout drops the verb in the middle; a rule of `end2end/tidy.rs` refuses it where a verb may be inside.
pub async fn wait_for<T: Send + 'static>(
    patience: Duration,
    verb: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    tokio::time::timeout(patience, run_to_end(verb)).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_verb_runs_to_its_end_without_its_caller() {
        let (go, goes) = tokio::sync::oneshot::channel::<()>();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let verb = async move {
            goes.await.unwrap();
            end.send(()).unwrap();
        };
        assert_eq!(wait_for(Duration::from_millis(1), verb).await, None);
        go.send(()).unwrap();
        ended.await.unwrap();
    }
}
