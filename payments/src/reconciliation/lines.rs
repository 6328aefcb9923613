//! Lines of a kept statement for a file: read again from the statement as it came, a page at a time.

use std::sync::Arc;

use chrono::NaiveDate;
use domain::Channel;
use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::gateway::Gateway;
use crate::gateway::bill::{BillDay, BillKind, FundLine, TradeLine};
use crate::store::{StoreError, statements};
use crate::{Error, Services};

/// Lines of a page.
const LINES: usize = 500;
/// Pages that are read ahead.
const PAGES: usize = 2;
/// A statement is kept only after it was read whole, so later it can be read whole again.
const UNREADABLE: StoreError = StoreError::Corrupt("statements.file");

/// Reader of a kept statement. It ends with an error when the statement is not whole.
#[derive(Debug)]
pub struct StatementReader<T> {
    pages: mpsc::Receiver<Vec<T>>,
    reading: JoinHandle<Result<(), &'static str>>,
}

impl<T: Send + 'static> StatementReader<T> {
    /// Begins to read. Parsing computes, so it has a thread of its own, which waits until its pages are taken.
    fn begin(
        read: impl FnOnce(&mut (dyn FnMut(T) + Send)) -> Result<(), &'static str> + Send + 'static,
    ) -> StatementReader<T> {
        let (sender, pages) = mpsc::channel(PAGES);
        let reading = tokio::task::spawn_blocking(move || {
            let mut page = Vec::with_capacity(LINES);
            let send = |page: &mut Vec<T>| {
                // The receiver is gone when the download was given up.
                drop(sender.blocking_send(std::mem::replace(page, Vec::with_capacity(LINES))));
            };
            read(&mut |line| {
                page.push(line);
                if page.len() == LINES {
                    send(&mut page);
                }
            })?;
            send(&mut page);
            Ok(())
        });
        StatementReader { pages, reading }
    }

    /// Returns the next page; `None` after the last one.
    pub async fn next_page(&mut self) -> Result<Option<Vec<T>>, Error> {
        if let Some(page) = self.pages.recv().await {
            return Ok(Some(page));
        }
        match (&mut self.reading).await {
            Ok(Ok(())) => Ok(None),
            Ok(Err(problem)) => {
                tracing::error!(problem, "a kept statement cannot be read");
                Err(UNREADABLE.into())
            }
            Err(_) => Err(UNREADABLE.into()),
        }
    }
}

/// Opens the kept trade statement of a day.
pub async fn read_trade_lines(
    services: &Services,
    day: NaiveDate,
    channel: Channel,
) -> Result<StatementReader<TradeLine>, Error> {
    let kept = Kept::find(services, day, channel, BillKind::Trade).await?;
    Ok(StatementReader::begin(move |take| {
        kept.read(|gateway, file, day| gateway.read_trades(file, day, take))
    }))
}

/// Opens the kept fund-flow statement of a day.
pub async fn read_fund_lines(
    services: &Services,
    day: NaiveDate,
    channel: Channel,
) -> Result<StatementReader<FundLine>, Error> {
    let kept = Kept::find(services, day, channel, BillKind::FundFlow).await?;
    Ok(StatementReader::begin(move |take| {
        kept.read(|gateway, file, day| gateway.read_funds(file, day, take))
    }))
}

/// A kept file, and what is needed to read it.
struct Kept {
    file: Vec<u8>,
    day: BillDay,
    channel: Channel,
    gateways: Arc<crate::gateway::Gateways>,
}

impl Kept {
    async fn find(
        services: &Services,
        day: NaiveDate,
        channel: Channel,
        kind: BillKind,
    ) -> Result<Kept, Error> {
        let span = BillDay::of(day).ok_or(Error::NotFound)?;
        if services.gateways.get(channel).is_none() {
            return Err(Error::NotFound);
        }
        let file = services
            .db
            .read_one(|tx| async move { statements::find(tx, day, channel, kind.as_str()).await }.boxed())
            .await?;
        Ok(Kept {
            file: file.ok_or(Error::NotFound)?,
            day: span,
            channel,
            gateways: Arc::clone(&services.gateways),
        })
    }

    fn read(
        &self,
        read: impl FnOnce(&Gateway, &[u8], BillDay) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        let gateway = self.gateways.get(self.channel).ok_or("the gateway is gone")?;
        read(gateway, &self.file, self.day)
    }
}
