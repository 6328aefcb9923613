//! `tongqian doctor`: names the cause of a broken set-up before the first payer meets it. It changes nothing.
//!
//! One line a check. What `tongqian serve` refuses is a `fail` line here, under the name of its setting.

mod addresses;
mod database;
mod files;
mod keys;
mod listeners;
mod robots;
mod settings;
mod traces;

pub(crate) use self::listeners::{local_client, reachable};
use payments::gateway::{Level, Note};

use crate::config::{Config, PublicUrl, Source};
use crate::{Failure, gateways, say};

/// Lines of the checks that were made.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

#[derive(Debug, PartialEq, Eq)]
struct Line {
    level: Level,
    name: String,
    text: String,
}

impl Report {
    fn ok(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.add(Level::Ok, name, text);
    }

    fn warn(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.add(Level::Warn, name, text);
    }

    fn fail(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.add(Level::Fail, name, text);
    }

    fn add(&mut self, level: Level, name: impl Into<String>, text: impl Into<String>) {
        let line = Line {
            level,
            name: name.into(),
            text: text.into(),
        };
        // A setting that is wrong is found by more than one check.
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }

    fn add_notes(&mut self, notes: Vec<Note>) {
        for Note { level, setting, text } in notes {
            self.add(level, setting, text);
        }
    }

    fn n_failed(&self) -> usize {
        self.lines.iter().filter(|line| line.level == Level::Fail).count()
    }

    /// The failure of a start, under the name of the setting that it names.
    fn add_failure(&mut self, failure: &Failure, name: &str) {
        match failure {
            Failure::Config(error) => self.fail(error.name.as_str(), error.problem.as_str()),
            other => self.fail(name, crate::telemetry::chain(other)),
        }
    }
}

const fn level_word(level: Level) -> &'static str {
    match level {
        Level::Ok => "ok",
        Level::Warn => "warn",
        Level::Fail => "fail",
    }
}

/// Runs every check and prints its line; an error says how many failed.
pub async fn run(is_offline: bool) -> Result<(), Failure> {
    let mut report = Report::default();
    examine_setup(&mut report, is_offline).await;
    for Line { level, name, text } in &report.lines {
        say(&format!("{:<4}  {name}: {text}", level_word(*level)));
    }
    match report.n_failed() {
        0 => Ok(()),
        n => Err(Failure::Refused(format!(
            "{n} of {} checks failed",
            report.lines.len()
        ))),
    }
}

async fn examine_setup(report: &mut Report, is_offline: bool) {
    let mut source = match Source::read() {
        Ok(source) => source,
        Err(error) => return report.fail(error.name, error.problem),
    };
    let config = settings::read(&mut source, report);
    files::check_permissions(&source, report);
    let Some(config) = config else { return };
    let public_url = config
        .public_url
        .clone()
        .unwrap_or_else(|| PublicUrl::of(config.listen));
    check_offline(&config, &source, &public_url, report);
    database::check(&config, report).await;
    listeners::check(&config, report).await;
    files::check_backups(&config, report);
    if is_offline {
        return;
    }
    traces::check_collector(&config, report).await;
    addresses::check_reach(&config, &public_url, report).await;
    Box::pin(robots::check_mail_server(&config, &public_url, report)).await;
    ask_gateways(&config, &public_url, report).await;
}

/// Checks that need nothing but the settings.
fn check_offline(config: &Config, source: &Source, public_url: &PublicUrl, report: &mut Report) {
    keys::check(config, source, public_url, report);
    addresses::check(config, public_url, report);
    robots::check(config, report);
}

/// Tells in the log what would be a `warn` or a `fail`, at a start that the settings do not stop, and returns the lines for the
/// console.
pub(crate) fn log_findings(config: &Config, public_url: &PublicUrl) -> Vec<String> {
    let mut report = Report::default();
    report.add_notes(keys::notes(config, public_url));
    addresses::check(config, public_url, &mut report);
    robots::check(config, &mut report);
    let wrong = report.lines.iter().filter(|line| line.level != Level::Ok);
    let findings: Vec<String> = wrong
        .map(|Line { level, name, text }| format!("{} {name}: {text}", level_word(*level)))
        .collect();
    for finding in &findings {
        tracing::warn!("doctor: {finding}");
    }
    findings
}

/// One signed question to each gateway. Only where the settings make a gateway at all.
async fn ask_gateways(config: &Config, public_url: &PublicUrl, report: &mut Report) {
    let gateways = match gateways::live(config, public_url) {
        Ok(gateways) => gateways,
        Err(failure) => return report.add_failure(&failure, "GATEWAYS"),
    };
    for gateway in [&gateways.wechat, &gateways.alipay].into_iter().flatten() {
        report.add_notes(gateway.probe().await);
    }
}
