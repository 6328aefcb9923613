//! Retention: the claim of its job, and one statement per kind of data that is erased in batches.

use std::time::Duration;

use domain::{AlarmId, EventId, Timestamp};

use super::{StoreError, Tx, execute};

/// Kind of data with a retention period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Notifications,
    GatewayMessages,
    IdempotencyKeys,
    Sessions,
    LoginAttempts,
    LoginDevices,
    PayerIds,
    Statements,
    Events,
    Deliveries,
    WechatAuthorizations,
    WechatOpenids,
    AlarmDeliveries,
    Alarms,
}

impl Kind {
    pub const ALL: [Kind; 14] = [
        Kind::Notifications,
        Kind::GatewayMessages,
        Kind::IdempotencyKeys,
        Kind::Sessions,
        Kind::LoginAttempts,
        Kind::LoginDevices,
        Kind::PayerIds,
        Kind::Statements,
        Kind::Events,
        Kind::Deliveries,
        Kind::WechatAuthorizations,
        Kind::WechatOpenids,
        Kind::AlarmDeliveries,
        Kind::Alarms,
    ];
}

/// Largest ordinary clock difference between two servers.
const MAX_SKEW: Duration = Duration::from_mins(10);

/// Claims the run. `false`: another server has it, or the last run was recent. A run far in the future was made with a
/// wrong clock.
pub async fn claim_run(
    tx: &mut Tx<'_>,
    now: Timestamp,
    lease: Timestamp,
    last_run: Timestamp,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        update retention_turn
        set leased_until = $2
        where (leased_until <= $1 or leased_until > $4) and (done_at <= $3 or done_at > $4)";
    let n_changed = execute!(tx, SQL, |query| query
        .bind(now.millis())
        .bind(lease.millis())
        .bind(last_run.millis())
        .bind((now + MAX_SKEW).millis()))?;
    Ok(n_changed == 1)
}

pub async fn renew_run(tx: &mut Tx<'_>, lease: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "update retention_turn set leased_until = $1";
    execute!(tx, SQL, |query| query.bind(lease.millis())).map(drop)
}

pub async fn finish_run(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
    const SQL: &str = "update retention_turn set leased_until = 0, done_at = $1";
    execute!(tx, SQL, |query| query.bind(now.millis())).map(drop)
}

/// Erases up to `limit` rows older than `before`; returns how many.
pub async fn erase_batch(
    tx: &mut Tx<'_>,
    kind: Kind,
    before: Timestamp,
    limit: i64,
) -> Result<u64, StoreError> {
    let sql = match kind {
        Kind::Notifications => {
            "
            update notices set headers = '', body = ''
            where (channel, notice_id) in (
                select channel, notice_id from notices
                where received_at < $1 and body <> ''
                order by received_at
                limit $2)"
        }
        Kind::GatewayMessages => {
            "
            delete from gateway_calls
            where id in (select id from gateway_calls where last_at < $1 order by last_at limit $2)"
        }
        Kind::IdempotencyKeys => {
            "
            delete from idempotency_keys
            where (route, key) in (
                select route, key from idempotency_keys where created_at < $1 order by created_at limit $2)"
        }
        Kind::Sessions => {
            "
            delete from sessions
            where id in (select id from sessions where created_at < $1 order by created_at limit $2)"
        }
        Kind::LoginAttempts => {
            "
            delete from login_attempts
            where (key, ends_at) in (
                select key, ends_at from login_attempts where ends_at < $1 order by ends_at limit $2)"
        }
        Kind::LoginDevices => {
            "
            delete from login_devices
            where (user_id, hash) in (
                select user_id, hash from login_devices where seen_at < $1 order by seen_at limit $2)"
        }
        Kind::PayerIds => {
            "
            update payments set request = ''
            where id in (
                select id from payments
                where created_at < $1 and request <> '' and state in ('paid', 'closed', 'declined')
                order by created_at
                limit $2)"
        }
        Kind::WechatAuthorizations => {
            "
            delete from wechat_authorizations
            where state_hash in (
                select state_hash from wechat_authorizations where expires_at < $1 order by expires_at limit $2)"
        }
        Kind::WechatOpenids => {
            "
            delete from wechat_openids
            where (visitor_hash, app_id) in (
                select visitor_hash, app_id from wechat_openids where created_at < $1 order by created_at limit $2)"
        }
        Kind::Statements => {
            "
            delete from statements
            where (day, channel, kind) in (
                select day, channel, kind from statements where received_at < $1 order by received_at limit $2)"
        }
        Kind::Alarms => {
            "
            delete from alarms
            where id in (select id from alarms where created_at < $1 order by created_at limit $2)"
        }
        Kind::Events => return erase_events(tx, before, limit).await,
        Kind::Deliveries => return erase_deliveries(tx, "webhook", EventId::floor(before), limit).await,
        Kind::AlarmDeliveries => return erase_deliveries(tx, "alarm", AlarmId::floor(before), limit).await,
    };
    execute!(tx, sql, |query| query.bind(before.millis()).bind(limit))
}

/// Ids of events carry their time.
async fn erase_events(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    const SQL: &str = "
        delete from events
        where id in (select id from events where id < $1 order by id limit $2)";
    execute!(tx, SQL, |query| query.bind(EventId::floor(before)).bind(limit))
}

/// A delivery goes with its event or alarm, whose id carries its time: those below `floor` are erased.
async fn erase_deliveries(tx: &mut Tx<'_>, kind: &str, floor: String, limit: i64) -> Result<u64, StoreError> {
    const SQL: &str = "
        delete from deliveries
        where (target, subject) in (
            select target, subject from deliveries
            where subject < $1 and kind = $2
            order by subject
            limit $3)";
    execute!(tx, SQL, |query| query.bind(floor).bind(kind).bind(limit))
}
