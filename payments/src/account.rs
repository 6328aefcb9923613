//! Merchant accounts: which ones this database has served, and obstacles to serving another one now.
//!
//! A payment belongs to the account at which it was opened. Another account's answer about its number does not count: a
//! true "no such trade" there would close a payment that can still be paid at its own.

use std::fmt;

use domain::{Channel, Timestamp};
use futures_util::FutureExt;

use crate::incident::{Incident, Recurrence, raise};
use crate::model::incident::IncidentKind;
use crate::model::sentence::Sentence;
use crate::notification::kept::bytes_of;
use crate::store::incidents;
use crate::store::served_accounts::{self, ServedRow, UnfinishedRow};
use crate::store::{StoreError, Tx};
use crate::{Error, Services};

/// Rows that one transaction fills in: a statement on PostgreSQL has a timeout of five seconds.
const FILL_BATCH: i64 = 10_000;
/// Replaces an account that an older database does not tell.
const UNKNOWN: &str = "unknown";

/// Accounts that a server is about to serve.
#[derive(Debug, Clone)]
pub struct Serving {
    pub is_live: bool,
    /// WeChat's merchant number, Alipay's app id.
    pub accounts: Vec<(Channel, String)>,
    /// Accounts of the simulator, which tell a test database of an older version from a live one.
    pub simulated: Vec<(Channel, String)>,
}

/// A reason not to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// The simulator would settle live orders with test money.
    LiveDatabase { account: String },
    /// Payments or refunds are unfinished at an account that is not served.
    Unfinished {
        channel: Channel,
        account: String,
        n: i64,
        first_no: String,
    },
    /// Users would spend test money on live orders.
    PlayMoney { n_users: i64 },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&match self {
            Obstacle::LiveDatabase { account } => Sentence::LiveDatabase.with(&[account]),
            Obstacle::Unfinished {
                channel,
                account,
                n,
                first_no,
            } => Sentence::UnfinishedElsewhere.with(&[n, channel, account, first_no]),
            Obstacle::PlayMoney { n_users } => Sentence::PlayMoney.with(&[n_users]),
        })
    }
}

impl Obstacle {
    /// Subject of its incident.
    fn subject(&self) -> String {
        match self {
            Obstacle::LiveDatabase { account } => format!("simulator on {account}"),
            Obstacle::Unfinished { channel, account, .. } => format!("{channel} {account}"),
            Obstacle::PlayMoney { .. } => "play money".to_owned(),
        }
    }
}

impl Serving {
    fn has(&self, channel: &str, account: &str) -> bool {
        contains_account(&self.accounts, channel, account)
    }
}

fn contains_account(accounts: &[(Channel, String)], channel: &str, account: &str) -> bool {
    accounts
        .iter()
        .any(|(known, name)| known.as_str() == channel && name == account)
}

/// Finds obstacles to serving these accounts on this database; read-only.
pub async fn find_obstacles(services: &Services, serving: &Serving) -> Result<Vec<Obstacle>, Error> {
    services
        .db
        .snapshot(|tx| async move { obstacles_in(tx, serving).await }.boxed())
        .await
        .map_err(Error::Internal)
}

async fn obstacles_in(tx: &mut Tx<'_>, serving: &Serving) -> Result<Vec<Obstacle>, StoreError> {
    let served = served_so_far(tx, serving).await?;
    let mut obstacles = Vec::new();
    let live = served.iter().find(|row| row.is_live);
    if let Some(row) = live.filter(|_| !serving.is_live) {
        obstacles.push(Obstacle::LiveDatabase {
            account: format!("{} {}", row.channel, row.account),
        });
    }
    if served.iter().any(|row| !serving.has(&row.channel, &row.account)) {
        for row in served_accounts::count_unfinished(tx).await? {
            obstacles.extend(unfinished_elsewhere(row, &served, serving));
        }
    }
    if serving.is_live && live.is_none() && !served.is_empty() {
        let n_users = served_accounts::count_balances(tx).await?;
        if n_users > 0 {
            obstacles.push(Obstacle::PlayMoney { n_users });
        }
    }
    Ok(obstacles)
}

fn unfinished_elsewhere(row: UnfinishedRow, served: &[ServedRow], serving: &Serving) -> Option<Obstacle> {
    let latest = || served.iter().find(|served| served.channel == row.method);
    let account = row
        .account
        .or_else(|| latest().map(|served| served.account.clone()))?;
    if serving.has(&row.method, &account) {
        return None;
    }
    Some(Obstacle::Unfinished {
        channel: Channel::ALL
            .into_iter()
            .find(|channel| channel.as_str() == row.method)?,
        account,
        n: row.n,
        first_no: row.first_no,
    })
}

/// Records that these accounts are served from now on. Obstacles that the operator accepted become incidents; those of
/// earlier starts whose cause is gone are settled.
pub async fn stamp_accounts(
    services: &Services,
    serving: &Serving,
    accepted: &[Obstacle],
) -> Result<(), Error> {
    let served: Vec<ServedRow> = services
        .db
        .snapshot(|tx| async move { served_so_far(tx, serving).await }.boxed())
        .await?;
    for channel in Channel::ALL {
        let latest = served.iter().find(|row| row.channel == channel.as_str());
        if let Some(latest) = latest.filter(|row| !serving.has(&row.channel, &row.account)) {
            fill_in_account(services, channel, &latest.account).await?;
        }
    }
    let served = &served;
    services
        .db
        .write(|tx| async move { write_stamps(services, tx, serving, served, accepted).await }.boxed())
        .await
        .map_err(Error::Internal)
}

/// Assigns payments from before accounts were recorded to the account that was served until now.
async fn fill_in_account(services: &Services, channel: Channel, account: &str) -> Result<(), Error> {
    loop {
        let n_filled = services
            .db
            .write(|tx| {
                async move { served_accounts::fill_in_account(tx, channel, account, FILL_BATCH).await }
                    .boxed()
            })
            .await?;
        if n_filled == 0 {
            return Ok(());
        }
    }
}

async fn write_stamps(
    services: &Services,
    tx: &mut Tx<'_>,
    serving: &Serving,
    served: &[ServedRow],
    accepted: &[Obstacle],
) -> Result<(), StoreError> {
    let now = services.clock.now();
    if served_accounts::list(tx).await?.is_empty() {
        // Guessed from the rows of an older version: stored, or the next start could not tell any more.
        for row in served {
            if let Some(channel) = Channel::ALL
                .into_iter()
                .find(|channel| channel.as_str() == row.channel)
            {
                let before = Timestamp::from_millis(row.last_at);
                served_accounts::stamp(tx, channel, &row.account, row.is_live, before).await?;
            }
        }
    }
    for (channel, account) in &serving.accounts {
        served_accounts::stamp(tx, *channel, account, serving.is_live, now).await?;
    }
    let kind = IncidentKind::OtherAccount;
    for raised in incidents::subjects_of(tx, [kind; 4]).await? {
        if raised.resolved_at.is_none()
            && !accepted
                .iter()
                .any(|obstacle| obstacle.subject() == raised.subject)
        {
            incidents::settle(tx, kind, &raised.subject, now).await?;
        }
    }
    for obstacle in accepted {
        let incident = Incident {
            kind,
            subject: &obstacle.subject(),
            payment_id: None,
            detail: &obstacle.to_string(),
            recurrence: Recurrence::Opens,
        };
        raise(services, tx, incident).await?;
    }
    Ok(())
}

/// Recorded accounts, latest first; in a database of an older version, which has none, those that its rows tell.
async fn served_so_far(tx: &mut Tx<'_>, serving: &Serving) -> Result<Vec<ServedRow>, StoreError> {
    let served = served_accounts::list(tx).await?;
    if !served.is_empty() {
        return Ok(served);
    }
    let mut told = Vec::new();
    for channel in Channel::ALL {
        let Some(request) = served_accounts::newest_request(tx, channel).await? else {
            continue;
        };
        let account = match channel {
            Channel::Wechat => merchant_of_request(&request),
            Channel::Alipay => served_accounts::any_notification(tx, channel)
                .await?
                .and_then(|body| app_of_notification(&bytes_of(&body))),
        };
        told.push((channel, account));
    }
    let is_play = told
        .iter()
        .filter_map(|(channel, account)| Some((channel, account.as_deref()?)))
        .any(|(channel, account)| contains_account(&serving.simulated, channel.as_str(), account));
    let row = |(channel, account): (Channel, Option<String>)| {
        // Without evidence in the rows: the simulator's account if its other gateway is the simulator's, else the
        // configured one.
        let configured = serving.accounts.iter().find(|(known, _)| *known == channel);
        let guessed = if is_play {
            serving.simulated.iter().find(|(known, _)| *known == channel)
        } else {
            configured.filter(|_| serving.is_live)
        };
        let account = account
            .or_else(|| guessed.map(|(_, account)| account.clone()))
            .unwrap_or_else(|| UNKNOWN.to_owned());
        ServedRow {
            is_live: !contains_account(&serving.simulated, channel.as_str(), &account),
            channel: channel.as_str().to_owned(),
            account,
            last_at: 0,
        }
    };
    Ok(told.into_iter().map(row).collect())
}

/// Reads the merchant from WeChat's create call.
fn merchant_of_request(request: &str) -> Option<String> {
    let request: serde_json::Value = serde_json::from_str(request).ok()?;
    Some(request.get("mchid")?.as_str()?.to_owned())
}

/// Reads the app from Alipay's notifications.
fn app_of_notification(body: &[u8]) -> Option<String> {
    url::form_urlencoded::parse(body)
        .find(|(name, _)| name == "app_id")
        .map(|(_, app)| app.into_owned())
}

#[cfg(test)]
mod tests;
