//! Reconciliation of a Beijing day with the statements of a gateway.
//!
//! The statements are fetched, verified, kept and read whole; each line is compared with the books and the reverse; what only
//! the statement knows is asked at the gateway, whose signed answer alone changes anything; fees are posted; what remains is a
//! difference for a person. Every step may run again.

mod acts;
mod compare;
mod comparison;
mod fees;
mod lines;
mod load;
mod queries;
mod record;
mod repair;
mod run;
mod statement;

use chrono::NaiveDate;
use domain::Channel;
use futures_util::FutureExt;

pub use self::acts::{close_day, explain_difference};
use self::compare::Rates;
use self::comparison::{Comparison, Look};
pub use self::lines::{StatementReader, read_fund_lines, read_trade_lines};
use self::load::Loaded;
pub use self::queries::{DayNow, find_day, find_day_now, list_days, list_days_between};
pub(crate) use self::record::subject_of;
pub use self::run::run_statements;
use self::statement::Statement;
use crate::gateway::bill::BillDay;
use crate::gateway::{Gateway, GatewayError};
pub use crate::model::reconciliation::{
    DayClose, DayFigures, DaySums, Difference, DifferenceKind, DifferenceState, Reconciliation,
    ReconciliationStatus,
};
use crate::store::reconciliations;
use crate::{Error, Services};

/// Origin of the statement of a day.
#[derive(Debug)]
pub enum StatementSource {
    Gateway,
    /// The gateway's own file, as a person downloaded it.
    File(Vec<u8>),
}

/// A reconciliation with all its differences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReconciledDay {
    pub row: Reconciliation,
    pub differences: Vec<Difference>,
}

impl ReconciledDay {
    pub fn n_open(&self) -> usize {
        let open = |difference: &&Difference| difference.state == DifferenceState::Open;
        self.differences.iter().filter(open).count()
    }
}

/// Reconciles a day at a gateway now. Without a usable statement the day is pending, with the reason in its note.
pub async fn reconcile_day(
    services: &Services,
    date: NaiveDate,
    channel: Channel,
    source: StatementSource,
) -> Result<ReconciledDay, Error> {
    let day = BillDay::of(date).ok_or(INVALID_DAY)?;
    let now = services.clock.now();
    if day.from > now {
        return Err(INVALID_DAY);
    }
    let gateway = services.gateways.get(channel).ok_or_else(|| Error::Unreachable {
        channel,
        source: GatewayError::unknown(format!("{channel} is not configured")),
    })?;
    services
        .db
        .write_one(|tx| async move { reconciliations::plan(tx, date, channel, None, now).await }.boxed())
        .await?;
    match load::load(services, gateway, day, source).await? {
        Loaded::NotYet(note) => run::postpone(services, date, channel, &note).await,
        Loaded::Ready(statement) => reconcile_statement(services, gateway, day, statement).await,
    }
}

const INVALID_DAY: Error = Error::Invalid {
    field: "day",
    message: "must be a day that has begun in Beijing, as in 2026-11-27",
};

async fn reconcile_statement(
    services: &Services,
    gateway: &Gateway,
    day: BillDay,
    mut statement: Box<Statement>,
) -> Result<ReconciledDay, Error> {
    let channel = gateway.channel();
    let earlier = services
        .db
        .read_one(|tx| async move { reconciliations::find_rate(tx, day.date, channel).await }.boxed())
        .await?;
    let rates = Rates::learn(statement.lines.iter().filter(|line| line.is_ours), earlier);
    crash_point!("statements.before_comparison");
    let first = compare(services, gateway, day, &mut statement, &rates).await?;
    crash_point!("statements.before_questions");
    let has_changed = repair::ask_gateway(services, &first.questions).await?;
    let (found, vanished) = if has_changed {
        let second = compare(services, gateway, day, &mut statement, &rates).await?;
        (second, first.differences)
    } else {
        (first, Vec::new())
    };
    crash_point!("statements.before_record");
    record::record(services, (day.date, channel), &found, &vanished).await
}

async fn compare(
    services: &Services,
    gateway: &Gateway,
    day: BillDay,
    statement: &mut Statement,
    rates: &Rates,
) -> Result<Comparison, Error> {
    let look = Look {
        services,
        gateway,
        day,
        statement,
        rates,
    };
    look.compare().await
}
