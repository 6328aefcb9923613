//! The trail of acts: who did what to which thing, from where. Each line is sealed with the hash of the one before, so a
//! line that is changed or taken out later breaks every seal behind it.

use std::fmt::Write as _;
use std::net::IpAddr;

use domain::Timestamp;
use futures_util::FutureExt;

use crate::admin::hash_of;
use crate::store::audit_log::{self, LineRow};
use crate::store::{FromStore, StoreError, Tx, Work};
use crate::{Error, Page, Services};

/// Where a person stands who does something.
#[derive(Debug, Clone)]
pub struct Visit {
    pub email: String,
    pub ip: Option<IpAddr>,
    pub request_id: String,
}

/// What can be done in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    LogIn,
    FailToLogIn,
    LogOut,
    EndSessions,
    Confirm,
    ChangePassword,
    EnableTotp,
    DisableTotp,
    RenewRecoveryCodes,
    UseRecoveryCode,
    CreateUser,
    ChangeRole,
    DisableUser,
    AskGateway,
    WriteNote,
    Resolve,
    RequestRefund,
    RetryRefund,
    ApproveRefund,
    RejectRefund,
    TestGateway,
    CreateKey,
    RevokeKey,
    Export,
    AdjustBalance,
    ReplayNotice,
}

impl Action {
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::LogIn => "log_in",
            Action::FailToLogIn => "fail_to_log_in",
            Action::LogOut => "log_out",
            Action::EndSessions => "end_sessions",
            Action::Confirm => "confirm",
            Action::ChangePassword => "change_password",
            Action::EnableTotp => "enable_totp",
            Action::DisableTotp => "disable_totp",
            Action::RenewRecoveryCodes => "renew_recovery_codes",
            Action::UseRecoveryCode => "use_recovery_code",
            Action::CreateUser => "create_user",
            Action::ChangeRole => "change_role",
            Action::DisableUser => "disable_user",
            Action::AskGateway => "ask_gateway",
            Action::WriteNote => "write_note",
            Action::Resolve => "resolve",
            Action::RequestRefund => "request_refund",
            Action::RetryRefund => "retry_refund",
            Action::ApproveRefund => "approve_refund",
            Action::RejectRefund => "reject_refund",
            Action::TestGateway => "test_gateway",
            Action::CreateKey => "create_key",
            Action::RevokeKey => "revoke_key",
            Action::Export => "export",
            Action::AdjustBalance => "adjust_balance",
            Action::ReplayNotice => "replay_notice",
        }
    }
}

/// One thing that was done. `detail` says what was before and what is after, without secrets.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    pub action: Action,
    pub subject: &'a str,
    pub detail: &'a str,
}

/// A line of the trail as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub subject: String,
    pub detail: String,
    pub ip: String,
    pub request_id: String,
    pub hash: String,
}

impl From<LineRow> for Line {
    fn from(row: LineRow) -> Line {
        Line {
            seq: row.seq,
            at: Timestamp::from_millis(row.at),
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            detail: row.detail,
            ip: row.ip,
            request_id: row.request_id,
            hash: row.hash,
        }
    }
}

/// Writes a line in the transaction of the act itself: there is no act without its line.
pub(crate) async fn record(
    tx: &mut Tx<'_>,
    visit: &Visit,
    act: Act<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    audit_log::take_turn(tx).await?;
    let (last_seq, previous_hash) = audit_log::last(tx).await?.unwrap_or_default();
    let mut line = LineRow {
        seq: last_seq + 1,
        at: now.millis(),
        actor: visit.email.clone(),
        action: act.action.as_str().to_owned(),
        subject: act.subject.to_owned(),
        detail: act.detail.to_owned(),
        ip: visit.ip.map_or_else(String::new, |ip| ip.to_string()),
        request_id: visit.request_id.clone(),
        previous_hash,
        hash: String::new(),
    };
    line.hash = seal(&line);
    audit_log::insert(tx, &line).await
}

/// Does something and writes the line about it in one transaction.
pub(super) async fn perform<'a, T, E, F>(
    services: &Services,
    visit: &'a Visit,
    act: Act<'a>,
    work: &'a F,
) -> Result<T, E>
where
    T: Send,
    E: FromStore,
    F: Work<'a, T, E>,
{
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let done = work(tx).await?;
                record(tx, visit, act, now).await?;
                Ok(done)
            }
            .boxed()
        })
        .await
}

/// A line about something that has no transaction of its own: it changes nothing here, or asks somebody else first.
pub async fn note_act(services: &Services, visit: &Visit, act: Act<'_>) -> Result<(), Error> {
    perform(services, visit, act, &|_| async { Ok(()) }.boxed()).await
}

/// Every part with its length before it, so that no two lines have the same text.
fn seal(line: &LineRow) -> String {
    let (seq, at) = (line.seq.to_string(), line.at.to_string());
    let parts = [
        line.previous_hash.as_str(),
        &seq,
        &at,
        &line.actor,
        &line.action,
        &line.subject,
        &line.detail,
        &line.ip,
        &line.request_id,
    ];
    let mut text = String::new();
    for part in parts {
        write!(text, "{}:{part}", part.len()).expect("a string takes any text");
    }
    hash_of(&text)
}

/// Lines in one read of the walk.
const STRIDE: i64 = 1000;

/// How many lines do not follow from the one before.
pub(crate) async fn count_broken_seals(tx: &mut Tx<'_>) -> Result<usize, StoreError> {
    let (mut seq, mut hash, mut n_broken) = (0, String::new(), 0);
    loop {
        let lines = audit_log::walk(tx, seq, STRIDE).await?;
        if lines.is_empty() {
            return Ok(n_broken);
        }
        for line in lines {
            let follows = line.seq == seq + 1 && line.previous_hash == hash && line.hash == seal(&line);
            n_broken += usize::from(!follows);
            (seq, hash) = (line.seq, line.hash);
        }
    }
}

/// Newest first; the cursor is the number after which to go on.
pub async fn list_trail(services: &Services, cursor: Option<i64>, limit: u32) -> Result<Page<Line>, Error> {
    let below = cursor.unwrap_or(i64::MAX);
    let mut rows = services
        .db
        .snapshot(|tx| async move { audit_log::list(tx, below, i64::from(limit) + 1).await }.boxed())
        .await
        .map_err(Error::Internal)?;
    let has_more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next_cursor = rows.last().filter(|_| has_more).map(|line| line.seq.to_string());
    Ok(Page {
        data: rows.into_iter().map(Line::from).collect(),
        next_cursor,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> LineRow {
        LineRow {
            seq: 1,
            at: 2,
            actor: "a@example.com".to_owned(),
            action: "log_in".to_owned(),
            subject: "usr_1".to_owned(),
            detail: String::new(),
            ip: "192.0.2.1".to_owned(),
            request_id: "r".to_owned(),
            previous_hash: String::new(),
            hash: String::new(),
        }
    }

    #[test]
    fn every_part_of_a_line_is_under_its_seal() {
        let original = seal(&line());
        let changed = [
            LineRow { seq: 2, ..line() },
            LineRow { at: 3, ..line() },
            LineRow {
                actor: "b@example.com".to_owned(),
                ..line()
            },
            LineRow {
                action: "log_out".to_owned(),
                ..line()
            },
            LineRow {
                subject: "usr_2".to_owned(),
                ..line()
            },
            LineRow {
                detail: "x".to_owned(),
                ..line()
            },
            LineRow {
                ip: "192.0.2.2".to_owned(),
                ..line()
            },
            LineRow {
                request_id: "s".to_owned(),
                ..line()
            },
            LineRow {
                previous_hash: "0".to_owned(),
                ..line()
            },
            // The same letters, divided otherwise.
            LineRow {
                subject: "usr_".to_owned(),
                detail: "1".to_owned(),
                ..line()
            },
        ];
        for line in changed {
            assert_ne!(seal(&line), original, "{line:?}");
        }
    }
}
