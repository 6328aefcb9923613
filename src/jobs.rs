//! The table of jobs and their rhythm. A job is a verb without input that does what is due; leases in the rows make
//! several servers safe, and here one run of a job at a time is enough.

use std::sync::Arc;
use std::time::{Duration, Instant};

use payments::{Error, Services};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use crate::config::Config;
use crate::metrics::Metrics;
use crate::stop::Stop;
use crate::{Failure, telemetry};

/// Who opens an order sees what was just said to the gateway about it.
const EVERY_SECOND: &str = "* * * * * *";
/// The rows say when the last run was: only one in an hour does anything.
const EVERY_TEN_MINUTES: &str = "30 */10 * * * *";

#[derive(Debug, Clone, Copy)]
enum Task {
    Reconcile,
    Refunds,
    Expire,
    Calls,
    Erase,
}

impl Task {
    const fn name(self) -> &'static str {
        match self {
            Task::Reconcile => "reconcile_payments",
            Task::Refunds => "reconcile_refunds",
            Task::Expire => "expire",
            Task::Calls => "write_calls",
            Task::Erase => "erase_old_data",
        }
    }

    /// In a task of its own, so that a panic ends this run and not the job.
    fn run(self, services: &Services) -> JoinHandle<Result<usize, Error>> {
        let services = services.clone();
        match self {
            Task::Reconcile => tokio::spawn(async move { payments::reconcile_payments(&services).await }),
            Task::Refunds => tokio::spawn(async move { payments::reconcile_refunds(&services).await }),
            Task::Expire => tokio::spawn(async move { payments::expire(&services).await }),
            Task::Erase => tokio::spawn(async move { payments::erase_old_data(&services).await }),
            // What was said is no news: a line in the log for each would drown the others.
            Task::Calls => tokio::spawn(async move { payments::write_calls(&services).await.map(|_| 0) }),
        }
    }

    /// Returns when there is a reason not to wait for the clock.
    async fn woken(self, services: &Services) {
        match self {
            Task::Reconcile => services.wake.question_due().await,
            Task::Refunds => services.wake.refund_due().await,
            Task::Expire => services.wake.deadline_due().await,
            Task::Calls | Task::Erase => std::future::pending().await,
        }
    }
}

/// The running jobs.
pub struct Jobs {
    scheduler: JobScheduler,
    runners: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Jobs")
            .field("n_runners", &self.runners.len())
            .finish_non_exhaustive()
    }
}

pub async fn start(
    services: &Services,
    config: &Config,
    metrics: &Metrics,
    stop: Stop,
) -> Result<Jobs, Failure> {
    let table = [
        (Task::Reconcile, config.reconcile_cron.as_str()),
        (Task::Refunds, config.reconcile_cron.as_str()),
        (Task::Expire, config.expiry_cron.as_str()),
        (Task::Calls, EVERY_SECOND),
        (Task::Erase, EVERY_TEN_MINUTES),
    ];
    let scheduler = JobScheduler::new().await.map_err(broken)?;
    let mut runners = Vec::new();
    for (task, cron) in table {
        let tick = Arc::new(Notify::new());
        scheduler
            .add(metronome(cron, Arc::clone(&tick)).map_err(broken)?)
            .await
            .map_err(broken)?;
        runners.push(tokio::spawn(run_job(
            task,
            services.clone(),
            metrics.clone(),
            tick,
            stop.clone(),
        )));
    }
    scheduler.start().await.map_err(broken)?;
    Ok(Jobs { scheduler, runners })
}

/// Only rings: two ticks during a long run are one reason to run again, not two runs side by side.
fn metronome(cron: &str, tick: Arc<Notify>) -> Result<Job, JobSchedulerError> {
    Job::new(cron, move |_, _| tick.notify_one())
}

async fn run_job(task: Task, services: Services, metrics: Metrics, tick: Arc<Notify>, stop: Stop) {
    loop {
        tokio::select! {
            biased;
            () = stop.asked() => return,
            () = tick.notified() => {}
            () = task.woken(&services) => {}
        }
        let started = Instant::now();
        let outcome = task.run(&services).await;
        let ms = started.elapsed().as_millis();
        let job = task.name();
        metrics.count_job(job, matches!(outcome, Ok(Ok(_))));
        match outcome {
            Ok(Ok(0)) => tracing::debug!(job, ms, "{job}: nothing was due"),
            Ok(Ok(n_done)) => tracing::info!(job, n_done, ms, "{job}: worked on {n_done}"),
            Ok(Err(error)) => tracing::error!(job, ms, error = telemetry::chain(&error), "{job} failed"),
            Err(_) => tracing::error!(job, ms, "{job} panicked"),
        }
    }
}

impl Jobs {
    /// Lets the runs that are under way finish.
    pub async fn finish(mut self, patience: Duration) {
        if self.scheduler.shutdown().await.is_err() {
            tracing::warn!("the scheduler did not stop");
        }
        let runs = futures_util::future::join_all(&mut self.runners);
        if tokio::time::timeout(patience, runs).await.is_err() {
            tracing::warn!("a job did not finish in time; its leases end by themselves");
        }
    }
}

fn broken(error: JobSchedulerError) -> Failure {
    Failure::Refused(format!("the jobs cannot be scheduled: {error}"))
}
