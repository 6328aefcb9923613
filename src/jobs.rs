//! The table of jobs and their schedules. A job is a verb without input that does what is due. Leases in the rows make
//! several servers safe; within one server a job never runs twice at once.

mod book;
mod schedule;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use domain::Channel;
use payments::{Error, Lane, Services};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

use self::book::JobBook;
pub use self::schedule::last_statement_day;
use self::schedule::longest_step;
use crate::backup::{BackupPlan, run_backup};
use crate::config::Config;
use crate::last_change::LastChangeFile;
use crate::metrics::Metrics;
use crate::stop::Stop;
use crate::{Failure, telemetry};

/// Writes gateway calls soon, so that the page of an order shows them.
const EVERY_SECOND: &str = "* * * * * *";
/// Runs often but acts once an hour: the rows hold the time of the last run.
const EVERY_TEN_MINUTES: &str = "30 */10 * * * *";
/// Heartbeat: other servers consider this one dead after four missing beats.
const EVERY_TWO_SECONDS: &str = "*/2 * * * * *";
/// Looks of the statements job: for statements that were not ready, and for a tick of STATEMENTS_CRON, at which it plans
/// the days up to the one before, once for each process.
const EVERY_TWENTY_SECONDS: &str = "*/20 * * * * *";
const EVERY_FIVE_SECONDS: &str = "*/5 * * * * *";
/// A job that no tick has woken for its longest interval plus this runs anyway: the wall clock, which drives the schedule,
/// may have been set back.
const TICK_SLACK: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy)]
enum Task {
    Questions(Lane),
    Refunds(Channel),
    Expire,
    Calls,
    Erase,
    Webhooks,
    Alarms,
    Beat,
    LookAfter,
    Statements,
    Shipping,
    Backup,
}

impl Task {
    const fn name(self) -> &'static str {
        match self {
            Task::Questions(lane) => match (lane.channel, lane.is_watched) {
                (Channel::Wechat, true) => "reconcile_watched_wechat_payments",
                (Channel::Wechat, false) => "reconcile_wechat_payments",
                (Channel::Alipay, true) => "reconcile_watched_alipay_payments",
                (Channel::Alipay, false) => "reconcile_alipay_payments",
            },
            Task::Refunds(Channel::Wechat) => "reconcile_wechat_refunds",
            Task::Refunds(Channel::Alipay) => "reconcile_alipay_refunds",
            Task::Expire => "expire",
            Task::Calls => "write_calls",
            Task::Erase => "erase_old_data",
            Task::Webhooks => "webhooks",
            Task::Alarms => "alarms",
            Task::Beat => "beat",
            Task::LookAfter => "look_after",
            Task::Statements => "statements",
            Task::Shipping => "upload_shipping",
            Task::Backup => "backup",
        }
    }

    /// Whether a run that did something is nothing new: open payments are queried every few seconds, and heartbeats written.
    const fn is_routine(self) -> bool {
        matches!(self, Task::Questions(_) | Task::Beat)
    }

    /// Runs in a task of its own, so that a panic ends this run and not the job.
    fn run(self, runner: &Runner) -> JoinHandle<Result<usize, Error>> {
        let services = runner.services.clone();
        match self {
            Task::Questions(lane) => {
                tokio::spawn(async move { payments::reconcile_lane(&services, lane).await })
            }
            Task::Refunds(channel) => {
                tokio::spawn(async move { payments::reconcile_refunds_of(&services, channel).await })
            }
            Task::Expire => tokio::spawn(async move { payments::expire(&services).await }),
            Task::Webhooks => tokio::spawn(async move { payments::run_webhooks(&services).await }),
            Task::Alarms => tokio::spawn(async move { payments::alarm::gather_alarms(&services).await }),
            Task::Erase => tokio::spawn(async move { payments::erase_old_data(&services).await }),
            // Reports 0: a log line for each batch of written calls would drown the others.
            Task::Calls => tokio::spawn(async move { payments::write_calls(&services).await.map(|_| 0) }),
            Task::Beat => tokio::spawn(async move { payments::beat(&services).await }),
            Task::LookAfter => {
                let late_jobs = runner.book.find_late();
                let last_change = runner.last_change.clone();
                tokio::spawn(async move {
                    if let Some(file) = last_change {
                        file.remember(&services).await;
                    }
                    let n_mended = payments::mend_times(&services).await?;
                    payments::look_after(&services, &late_jobs).await?;
                    Ok(n_mended)
                })
            }
            Task::Statements => {
                let latest = last_statement_day(&runner.statements_cron, services.clock.now());
                let planned_to = Arc::clone(&runner.planned_to);
                tokio::spawn(async move { run_statements(&services, latest, &planned_to).await })
            }
            Task::Shipping => tokio::spawn(async move { payments::upload_shipping(&services).await }),
            Task::Backup => {
                let plan = runner.plan.clone();
                tokio::spawn(async move {
                    match plan {
                        Some(plan) => run_backup(&services, &plan).await,
                        None => Ok(0),
                    }
                })
            }
        }
    }

    /// Returns when work is due before the next tick.
    async fn woken(self, services: &Services) {
        match self {
            Task::Questions(lane) => services.wake.question_due(lane).await,
            Task::Refunds(channel) => services.wake.refund_due(channel).await,
            Task::Expire => services.wake.deadline_due().await,
            Task::Webhooks => services.db.event_due().await,
            Task::Calls
            | Task::Erase
            | Task::Alarms
            | Task::Beat
            | Task::LookAfter
            | Task::Statements
            | Task::Shipping
            | Task::Backup => std::future::pending().await,
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
    last_change: Option<LastChangeFile>,
    stop: Stop,
) -> Result<Jobs, Failure> {
    let mut table = vec![
        (Task::Expire, config.expiry_cron.as_str()),
        (Task::Calls, EVERY_SECOND),
        (Task::Webhooks, EVERY_SECOND),
        (Task::Erase, EVERY_TEN_MINUTES),
        (Task::Beat, EVERY_TWO_SECONDS),
        (Task::LookAfter, EVERY_FIVE_SECONDS),
        (Task::Statements, EVERY_TWENTY_SECONDS),
        (Task::Alarms, EVERY_FIVE_SECONDS),
    ];
    if services.policy.shipping.is_some() {
        table.push((Task::Shipping, EVERY_FIVE_SECONDS));
    }
    let plan = BackupPlan::of(config);
    table.extend(plan.iter().map(|plan| (Task::Backup, plan.cron())));
    table.extend(Lane::ALL.map(|lane| (Task::Questions(lane), config.reconcile_cron.as_str())));
    table.extend(Channel::ALL.map(|channel| (Task::Refunds(channel), config.reconcile_cron.as_str())));
    let scheduler = JobScheduler::new().await.map_err(scheduler_failure)?;
    let mut runners = Vec::new();
    let book = JobBook::default();
    for (task, cron) in table {
        let tick = Arc::new(Notify::new());
        scheduler
            .add(tick_job(task, cron, Arc::clone(&tick)).map_err(scheduler_failure)?)
            .await
            .map_err(scheduler_failure)?;
        let longest_wait = longest_step(cron) + TICK_SLACK;
        book.begin(task.name(), longest_wait);
        let runner = Runner {
            task,
            book: book.clone(),
            services: services.clone(),
            metrics: metrics.clone(),
            plan: plan.clone().filter(|_| matches!(task, Task::Backup)),
            last_change: last_change.clone().filter(|_| matches!(task, Task::LookAfter)),
            statements_cron: config.statements_cron.as_str().to_owned(),
            planned_to: Arc::default(),
            tick,
            longest_wait,
        };
        runners.push(tokio::spawn(runner.run(stop.clone())));
    }
    scheduler.start().await.map_err(scheduler_failure)?;
    Ok(Jobs { scheduler, runners })
}

/// Reconciles what is due, and plans days only when the schedule has reached another one than this process has planned up to.
async fn run_statements(
    services: &Services,
    latest: Option<NaiveDate>,
    planned_to: &Mutex<Option<NaiveDate>>,
) -> Result<usize, Error> {
    let mut planned_to = planned_to.lock().await;
    let to_plan = latest.filter(|latest| *planned_to != Some(*latest));
    let n_done = payments::reconciliation::run_statements(services, to_plan).await?;
    *planned_to = latest;
    Ok(n_done)
}

/// Only notifies: two ticks during a long run cause one more run, not two at once.
fn tick_job(task: Task, cron: &str, tick: Arc<Notify>) -> Result<Job, JobSchedulerError> {
    let ring = move |_, _: JobScheduler| tick.notify_one();
    match task {
        Task::Backup => Job::new_tz(cron, payments::BEIJING, ring),
        _ => Job::new(cron, ring),
    }
}

struct Runner {
    task: Task,
    book: JobBook,
    services: Services,
    metrics: Metrics,
    plan: Option<BackupPlan>,
    last_change: Option<LastChangeFile>,
    statements_cron: String,
    /// Last day that this process has planned the statements of.
    planned_to: Arc<Mutex<Option<NaiveDate>>>,
    tick: Arc<Notify>,
    longest_wait: Duration,
}

impl Runner {
    async fn run(self, stop: Stop) {
        loop {
            tokio::select! {
                biased;
                () = stop.asked() => return,
                () = self.tick.notified() => {}
                () = self.task.woken(&self.services) => {}
                // By the monotonic clock, which cannot be set back.
                () = tokio::time::sleep(self.longest_wait) => {}
            }
            self.run_once().await;
        }
    }

    async fn run_once(&self) {
        let started = Instant::now();
        let outcome = self.task.run(self).await;
        let ms = started.elapsed().as_millis();
        let job = self.task.name();
        let is_done = matches!(outcome, Ok(Ok(_)));
        self.metrics.count_job(job, is_done);
        if is_done {
            self.book.note_success(job);
        }
        match outcome {
            Ok(Ok(0)) => tracing::debug!(job, ms, "{job}: nothing was due"),
            Ok(Ok(n_done)) if self.task.is_routine() => {
                tracing::debug!(job, n_done, ms, "{job}: worked on {n_done}");
            }
            Ok(Ok(n_done)) => tracing::info!(job, n_done, ms, "{job}: worked on {n_done}"),
            Ok(Err(error)) => tracing::error!(job, ms, error = telemetry::chain(&error), "{job} failed"),
            Err(_) => tracing::error!(job, ms, "{job} panicked"),
        }
    }
}

impl Jobs {
    /// Lets the current runs finish.
    pub async fn finish(mut self) {
        if self.scheduler.shutdown().await.is_err() {
            tracing::warn!("the scheduler did not stop");
        }
        futures_util::future::join_all(self.runners).await;
    }
}

fn scheduler_failure(error: JobSchedulerError) -> Failure {
    Failure::Refused(format!("the jobs cannot be scheduled: {error}"))
}
