//! Audit log of the console: person, act, subject and address. Each entry carries the hash of the one before, so changing
//! or removing an entry later breaks every hash after it.

mod queries;

use std::net::IpAddr;

use domain::Timestamp;
use futures_util::FutureExt;

pub(crate) use self::queries::count_broken_entries;
pub use self::queries::{
    AuditEntry, AuditQuery, ChainCheck, EntryRange, check_audit_chain, list_audit_entries, walk_audit_entries,
};
use crate::api_keys::hash_of_parts;
use crate::store::audit_log::{self, AuditRow};
use crate::store::{FromStore, StoreError, Tx, Work};
use crate::{Error, Services};

/// Person or program that acts, for the audit log.
#[derive(Debug, Clone)]
pub struct Actor {
    pub email: String,
    pub ip: Option<IpAddr>,
    pub request_id: String,
}

impl Actor {
    /// A command of the program, run by this user of the operating system.
    pub fn of_command(os_user: &str) -> Actor {
        Actor {
            email: format!("os:{os_user}"),
            ip: None,
            request_id: String::new(),
        }
    }
}

domain::words! {
    /// Kind of act in the console.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Action {
        LogIn => "log_in",
        FailToLogIn => "fail_to_log_in",
        LogOut => "log_out",
        EndSessions => "end_sessions",
        Confirm => "confirm",
        ChangePassword => "change_password",
        EnableTotp => "enable_totp",
        DisableTotp => "disable_totp",
        RenewRecoveryCodes => "renew_recovery_codes",
        UseRecoveryCode => "use_recovery_code",
        CreateUser => "create_user",
        ChangeRole => "change_role",
        DisableUser => "disable_user",
        EnableUser => "enable_user",
        ResetLogin => "reset_login",
        AskGateway => "ask_gateway",
        WriteNote => "write_note",
        Assign => "assign",
        Resolve => "resolve",
        RequestRefund => "request_refund",
        RetryRefund => "retry_refund",
        ApproveRefund => "approve_refund",
        RejectRefund => "reject_refund",
        TestGateway => "test_gateway",
        CreateKey => "create_key",
        RevokeKey => "revoke_key",
        Export => "export",
        AdjustBalance => "adjust_balance",
        RequestCredit => "request_credit",
        ApproveCredit => "approve_credit",
        RejectCredit => "reject_credit",
        ReplayNotification => "replay_notice",
        ExportUser => "export_user",
        ForgetUser => "forget_user",
        CreateEpayMerchant => "create_epay_merchant",
        RotateEpayKey => "rotate_epay_key",
        DisableEpayMerchant => "disable_epay_merchant",
        EnableEpayMerchant => "enable_epay_merchant",
        CreateEndpoint => "create_endpoint",
        UpdateEndpoint => "update_endpoint",
        DeleteEndpoint => "delete_endpoint",
        RotateSecret => "rotate_secret",
        TestEndpoint => "test_endpoint",
        RedeliverEvent => "redeliver_event",
        ReplayEvents => "replay_events",
        SendEpayNotification => "send_epay_notification",
        ReconcileDay => "reconcile_day",
        ExplainDifference => "explain_difference",
        CloseDay => "close_day",
        TestAlarms => "test_alarms",
        /// An order by hand.
        CreateOrder => "create_order",
        CloseOrder => "close_order",
        CreateLink => "create_payment_link",
        CloseLink => "close_payment_link",
    }
}

/// One act. `detail` gives the values before and after, without secrets.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    pub action: Action,
    pub subject: &'a str,
    pub detail: &'a str,
}

/// Records an entry in the transaction of the act itself, so that neither exists without the other. It comes last there,
/// because it holds the log's lock until the commit.
pub(crate) async fn record(
    tx: &mut Tx<'_>,
    actor: &Actor,
    act: Act<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    audit_log::take_turn(tx).await?;
    let (last_seq, previous_hash) = audit_log::last(tx).await?.unwrap_or_default();
    let mut line = AuditRow {
        seq: last_seq + 1,
        at: now.millis(),
        actor: actor.email.clone(),
        action: act.action.as_str().to_owned(),
        subject: act.subject.to_owned(),
        detail: act.detail.to_owned(),
        ip: actor.ip.map_or_else(String::new, |ip| ip.to_string()),
        request_id: actor.request_id.clone(),
        previous_hash,
        hash: String::new(),
    };
    line.hash = seal_line(&line);
    audit_log::insert(tx, &line).await
}

/// Performs an act and records its entry in one transaction.
pub(crate) async fn perform<'a, T, E, F>(
    services: &Services,
    actor: &'a Actor,
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
                record(tx, actor, act, now).await?;
                Ok(done)
            }
            .boxed()
        })
        .await
}

/// Like [`perform`], for work that determines subject and detail of its entry itself.
pub(crate) async fn perform_and_tell<'a, E, F>(
    services: &Services,
    actor: &'a Actor,
    action: Action,
    work: &'a F,
) -> Result<(), E>
where
    E: FromStore,
    F: Work<'a, (String, String), E>,
{
    let now = services.clock.now();
    services
        .db
        .write(|tx| {
            async move {
                let (subject, detail) = work(tx).await?;
                let act = Act {
                    action,
                    subject: &subject,
                    detail: &detail,
                };
                record(tx, actor, act, now).await?;
                Ok(())
            }
            .boxed()
        })
        .await
}

/// Records an entry without a transaction of the act: it changes nothing here, or calls a gateway first.
pub async fn note_act(services: &Services, actor: &Actor, act: Act<'_>) -> Result<(), Error> {
    perform(services, actor, act, &|_| async { Ok(()) }.boxed()).await
}

/// Hashes an entry, every part with its length before it, so that no two entries have the same text.
fn seal_line(line: &AuditRow) -> String {
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
    hash_of_parts(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> AuditRow {
        AuditRow {
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
    fn every_action_has_a_word_of_its_own() {
        for action in Action::ALL {
            assert_eq!(Action::parse(action.as_str()), Some(action));
        }
        assert_eq!(Action::parse("Log_in"), None);
    }

    #[test]
    fn every_part_of_an_entry_is_covered_by_its_hash() {
        let original = seal_line(&line());
        let changed = [
            AuditRow { seq: 2, ..line() },
            AuditRow { at: 3, ..line() },
            AuditRow {
                actor: "b@example.com".to_owned(),
                ..line()
            },
            AuditRow {
                action: "log_out".to_owned(),
                ..line()
            },
            AuditRow {
                subject: "usr_2".to_owned(),
                ..line()
            },
            AuditRow {
                detail: "x".to_owned(),
                ..line()
            },
            AuditRow {
                ip: "192.0.2.2".to_owned(),
                ..line()
            },
            AuditRow {
                request_id: "s".to_owned(),
                ..line()
            },
            AuditRow {
                previous_hash: "0".to_owned(),
                ..line()
            },
            // The same letters, divided otherwise.
            AuditRow {
                subject: "usr_".to_owned(),
                detail: "1".to_owned(),
                ..line()
            },
        ];
        for line in changed {
            assert_ne!(seal_line(&line), original, "{line:?}");
        }
    }
}
