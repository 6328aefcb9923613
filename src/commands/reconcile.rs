//! `tongqian reconcile`: compares a day's statements with the books and prints what differs.

use std::path::Path;

use chrono::NaiveDate;
use domain::Channel;
use payments::Services;
use payments::gateway::bill::detect_bill;
use payments::reconciliation::{
    DaySums, Difference, ReconciledDay, ReconciliationStatus, StatementSource, reconcile_day,
};

use crate::config::{Config, ConfigError, GatewayMode};
use crate::{Failure, connect, gateways, merchants, say};

/// Largest statement file that is read: some hundred thousand lines, packed or not.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

pub fn parse_day(text: &str) -> Result<NaiveDate, String> {
    text.parse()
        .ok()
        .filter(|_| text.len() == 10)
        .ok_or_else(|| "must be a day in Beijing, as in 2026-11-27".to_owned())
}

pub fn parse_gateway(word: &str) -> Result<Channel, String> {
    Channel::parse(word).ok_or_else(|| "must be wechat or alipay".to_owned())
}

/// Reconciles one gateway, or all that are configured. Fails when something is left open.
pub async fn reconcile(
    config: &Config,
    day: NaiveDate,
    gateway: Option<Channel>,
    file: Option<&Path>,
) -> Result<(), Failure> {
    if matches!(config.gateways, GatewayMode::Simulator) {
        return Err(ConfigError::new(
            "GATEWAYS",
            "the built-in simulator lives in the server's process, where the console reconciles: this command needs live gateways",
        )
        .into());
    }
    let file = file.map(read_file).transpose()?;
    let of_file = file
        .as_deref()
        .map(|file| channel_of(file, gateway))
        .transpose()?;
    let services = connect(config, gateways::live(config, &config.base_url())?).await?;
    merchants::check_merchants(config, &services).await?;
    let channels = chosen_channels(&services, of_file.or(gateway))?;
    let mut n_left = 0_usize;
    let mut source = file.map_or(StatementSource::Gateway, StatementSource::File);
    for channel in channels {
        let from = std::mem::replace(&mut source, StatementSource::Gateway);
        let outcome = reconcile_day(&services, day, channel, from).await;
        let outcome = match outcome {
            Err(payments::Error::Invalid { message, .. }) => {
                return Err(ConfigError::new("--day", message).into());
            }
            outcome => outcome?,
        };
        print_day(&outcome);
        n_left += if outcome.row.note.is_some() {
            1
        } else {
            outcome.n_open()
        };
    }
    payments::try_to_write_calls(&services).await;
    services.db.close().await;
    if n_left == 0 {
        Ok(())
    } else {
        Err(Failure::Refused(format!("{n_left} left open on {day}")))
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let wrong = |problem: String| Failure::from(ConfigError::new("--file", problem));
    let cannot = |error: std::io::Error| wrong(format!("{} cannot be read: {error}", path.display()));
    let n_bytes = std::fs::metadata(path).map_err(cannot)?.len();
    if n_bytes > MAX_FILE_BYTES {
        return Err(wrong(format!(
            "{} is too large to be a statement",
            path.display()
        )));
    }
    std::fs::read(path).map_err(cannot)
}

/// Gateway of a file; a file that is none of a gateway's goes to the one that was named, whose day it leaves pending.
fn channel_of(file: &[u8], named: Option<Channel>) -> Result<Channel, Failure> {
    match (named, detect_bill(file)) {
        (Some(channel), _) | (None, Some((channel, _))) => Ok(channel),
        (None, None) => Err(ConfigError::new("--file", "is no statement of a gateway").into()),
    }
}

fn chosen_channels(services: &Services, named: Option<Channel>) -> Result<Vec<Channel>, Failure> {
    let is_configured = |channel: &Channel| services.gateways.get(*channel).is_some();
    let channels: Vec<Channel> = Channel::ALL
        .into_iter()
        .filter(|channel| named.is_none_or(|named| named == *channel))
        .filter(is_configured)
        .collect();
    if channels.is_empty() {
        return Err(ConfigError::new("--gateway", "is not configured").into());
    }
    Ok(channels)
}

fn print_day(day: &ReconciledDay) {
    let row = &day.row;
    // A day that was compared before keeps its result; this run has none.
    let status = match row.note {
        Some(_) => ReconciliationStatus::Pending,
        None => row.status,
    };
    say(&format!("{} {}: {}", row.day, row.channel, status.as_str()));
    if let Some(note) = &row.note {
        say(&format!("  {note}"));
    }
    if status == ReconciliationStatus::Pending {
        return;
    }
    let figures = &row.figures;
    say(&format!(
        "  {} payments, {} refunds, {} lines of other programs",
        figures.n_payments, figures.n_refunds, figures.n_foreign
    ));
    say(&format!("  statement: {}", format_sums(figures.statement)));
    say(&format!("  books:     {}", format_sums(figures.books)));
    let settled = day.differences.len() - day.n_open();
    say(&format!(
        "  {} differences open, {settled} repaired or explained",
        day.n_open()
    ));
    for difference in &day.differences {
        say(&difference_line(difference));
    }
}

fn format_sums(sums: DaySums) -> String {
    format!(
        "payments {} refunds {} fees {} net {}",
        sums.payments,
        sums.refunds,
        sums.fees,
        sums.net()
    )
}

fn difference_line(difference: &Difference) -> String {
    let fen = |fen: Option<i64>| fen.map_or("-".to_owned(), |fen| fen.to_string());
    format!(
        "  {} {} {}: statement {}, books {} ({})",
        difference.state.as_str(),
        difference.kind.as_str(),
        difference.subject,
        fen(difference.statement_amount),
        fen(difference.book_amount),
        difference.evidence
    )
}
