//! Statements of a day: downloaded or brought as a file, read whole, and kept. A statement that is not usable is never taken
//! for an empty day: the reason is told, and it is asked for again.

use std::io::Write as _;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use chrono::NaiveDate;
use domain::{Channel, hex_digits};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::FutureExt;

use super::StatementSource;
use super::statement::Statement;
use crate::gateway::bill::{BillDay, BillError, BillKind, detect_bill, is_gzip, is_zip};
use crate::gateway::{Gateway, GatewayError, Gateways};
use crate::model::sentence::Sentence;
use crate::store::Tx;
use crate::store::payments::days::{DayCursor, list_paid};
use crate::store::statements::{self, NewStatement};
use crate::{Error, Services};

pub(super) enum Loaded {
    Ready(Box<Statement>),
    /// No usable statement, and why.
    NotYet(String),
}

/// Both files of a day, as far as there are any.
#[derive(Default)]
struct Files {
    trade: Option<Vec<u8>>,
    funds: Option<Vec<u8>>,
    /// The merchant has no right to the fund-flow statement: it is not compared.
    is_without_funds: bool,
    /// The one that a person brought; the other one, if there is any, is kept already.
    brought: Option<BillKind>,
}

/// A file that came now, as it is kept.
struct NewFile {
    kind: BillKind,
    source: &'static str,
    sum: String,
    packed: Vec<u8>,
}

impl Files {
    /// Hashes and packs the files that came now. They are taken: a copy of each would double their memory.
    fn pack(self) -> Vec<NewFile> {
        let source = match self.brought {
            Some(_) => "file",
            None => "gateway",
        };
        let files = [(BillKind::Trade, self.trade), (BillKind::FundFlow, self.funds)];
        files
            .into_iter()
            .filter(|(kind, _)| self.brought.is_none_or(|brought| brought == *kind))
            .filter_map(|(kind, file)| {
                let file = file?;
                Some(NewFile {
                    kind,
                    source,
                    sum: hex_digits(digest(&SHA256, &file).as_ref()),
                    packed: pack_file(file),
                })
            })
            .collect()
    }
}

pub(super) async fn load(
    services: &Services,
    gateway: &Gateway,
    day: BillDay,
    source: StatementSource,
) -> Result<Loaded, Error> {
    let files = match source {
        StatementSource::Gateway => download_files(gateway, day.date).await,
        StatementSource::File(file) => bring_file(services, gateway.channel(), day.date, file).await?,
    };
    let files = match files {
        Ok(files) => files,
        Err(note) => return Ok(Loaded::NotYet(note)),
    };
    let has_booked = has_booked(services, gateway, day).await?;
    let channel = gateway.channel();
    let gateways = Arc::clone(&services.gateways);
    // Hundreds of thousands of lines take a second or two of computing.
    let read = tokio::task::spawn_blocking(move || {
        let statement = read_statement(&gateways, channel, day, &files)?;
        let loaded = judge_emptiness(statement, &files, has_booked);
        Ok::<_, &'static str>((loaded, files.pack()))
    });
    let Ok(read) = read.await else {
        return Ok(Loaded::NotYet(Sentence::StatementUnread.as_str().to_owned()));
    };
    let (loaded, new) = match read {
        Ok(read) => read,
        Err(problem) => return Ok(Loaded::NotYet(Sentence::StatementUnusable.with(&[&problem]))),
    };
    crash_point!("statements.before_keep");
    for file in &new {
        keep_file(services, channel, day.date, file).await?;
    }
    Ok(loaded)
}

async fn download_files(gateway: &Gateway, date: NaiveDate) -> Result<Files, String> {
    let mut files = Files::default();
    match gateway.download_bill(date, BillKind::Trade).await {
        Ok(file) => files.trade = Some(file),
        Err(BillError::Empty) => {}
        Err(error) => return Err(error.to_string()),
    }
    match gateway.download_bill(date, BillKind::FundFlow).await {
        Ok(file) => files.funds = Some(file),
        Err(BillError::Empty) => {}
        Err(BillError::Gateway(GatewayError::Declined {
            is_authentic: true,
            code,
            message,
        })) => {
            tracing::warn!(
                code,
                message,
                "the fund-flow statement is refused and not compared"
            );
            files.is_without_funds = true;
        }
        Err(error) => return Err(format!("fund-flow statement: {error}")),
    }
    Ok(files)
}

/// Takes a file that a person brings, beside the other one of the day if that is kept.
async fn bring_file(
    services: &Services,
    channel: Channel,
    date: NaiveDate,
    file: Vec<u8>,
) -> Result<Result<Files, String>, Error> {
    let kind = match detect_bill(&file) {
        Some((of, kind)) if of == channel => kind,
        Some((of, _)) => return Ok(Err(format!("the file is a statement of {of}"))),
        None => return Ok(Err("the file is no statement of a gateway".to_owned())),
    };
    let other = match kind {
        BillKind::Trade => BillKind::FundFlow,
        BillKind::FundFlow => BillKind::Trade,
    };
    let kept = services
        .db
        .read_one(|tx| async move { statements::find(tx, date, channel, other.as_str()).await }.boxed())
        .await?;
    let (trade, funds) = match kind {
        BillKind::Trade => (Some(file), kept),
        BillKind::FundFlow => (kept, Some(file)),
    };
    if trade.is_none() {
        return Ok(Err("the trade statement of the day is needed first".to_owned()));
    }
    Ok(Ok(Files {
        is_without_funds: funds.is_none(),
        trade,
        funds,
        brought: Some(kind),
    }))
}

fn read_statement(
    gateways: &Gateways,
    channel: Channel,
    day: BillDay,
    files: &Files,
) -> Result<Statement, &'static str> {
    let gateway = gateways.get(channel).ok_or("the gateway is not configured")?;
    let mut statement = Statement::default();
    if let Some(file) = &files.trade {
        gateway.read_trades(file, day, &mut |line| statement.push(line))?;
    }
    statement.sort();
    if !files.is_without_funds {
        statement.fund_net = Some(0);
    }
    if let Some(file) = &files.funds {
        gateway.read_funds(file, day, &mut |line| statement.add_fund(&line))?;
    }
    Ok(statement)
}

/// Tells an empty day from a day whose statement is missing.
fn judge_emptiness(statement: Statement, files: &Files, has_booked: bool) -> Loaded {
    let not_yet = |note: Sentence| Loaded::NotYet(note.as_str().to_owned());
    match (&files.trade, &files.funds) {
        (None, _) if has_booked => not_yet(Sentence::TradesMissing),
        (None, Some(_)) if !statement.strays.is_empty() => not_yet(Sentence::TradesMissingBesideFunds),
        (Some(_), None) if !files.is_without_funds => not_yet(Sentence::FundsMissing),
        _ => Loaded::Ready(Box::new(statement)),
    }
}

/// Whether the books have a payment on this day.
async fn has_booked(services: &Services, gateway: &Gateway, day: BillDay) -> Result<bool, Error> {
    let (channel, account) = (gateway.channel(), gateway.account());
    let begin = &DayCursor {
        at: day.from.millis(),
        id: String::new(),
    };
    let rows = services
        .db
        .read_one(|tx| async move { list_paid(tx, (channel, account), begin, day.to, 1).await }.boxed())
        .await?;
    Ok(!rows.is_empty())
}

async fn keep_file(
    services: &Services,
    channel: Channel,
    day: NaiveDate,
    file: &NewFile,
) -> Result<(), Error> {
    let now = services.clock.now();
    services
        .db
        .write(|tx: &mut Tx<'_>| {
            async move {
                let new = NewStatement {
                    day,
                    channel,
                    kind: file.kind.as_str(),
                    source: file.source,
                    sum: &file.sum,
                    file: &file.packed,
                };
                statements::keep(tx, new, now).await
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Compresses plain text; archives and GZIP are kept as they came.
fn pack_file(file: Vec<u8>) -> Vec<u8> {
    if is_zip(&file) || is_gzip(&file) {
        return file;
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    let packed = packer.write_all(&file).and_then(|()| packer.finish());
    packed.expect("memory takes every byte")
}
