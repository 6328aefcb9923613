//! Events as rows: written with their change, numbered for the feed afterwards.

use domain::{EventId, EventType, Timestamp};

use super::batch::write::Write;
use super::{StoreError, Tx, execute, on};
use crate::model::event::{KeptEvent, NewEvent};

#[derive(sqlx::FromRow)]
struct EventRow {
    id: String,
    #[sqlx(rename = "type")]
    kind: String,
    order_id: Option<String>,
    payment_id: Option<String>,
    refund_id: Option<String>,
    data: String,
    created_at: i64,
}

impl From<EventRow> for KeptEvent {
    fn from(row: EventRow) -> KeptEvent {
        KeptEvent {
            id: row.id,
            kind: row.kind,
            order_id: row.order_id,
            payment_id: row.payment_id,
            refund_id: row.refund_id,
            data: row.data,
            created_at: Timestamp::from_millis(row.created_at),
        }
    }
}

/// Events of one statement at most: more take several.
pub(super) const MAX_EVENTS: usize = 4;

/// The `values` of one event; `$number` keeps those of one statement in their order.
macro_rules! event_values {
    ($id:literal, $kind:literal, $subject:literal, $order:literal, $payment:literal, $refund:literal, $data:literal,
        $endpoint:literal, $at:literal, $number:literal) => {
        concat!(
            "(",
            $id,
            ", ",
            $kind,
            ", ",
            $subject,
            ", ",
            $order,
            ", ",
            $payment,
            ", ",
            $refund,
            ", ",
            $data,
            ", ",
            $endpoint,
            ", ",
            $at,
            ", (select coalesce(max(seq), 0) + ",
            $number,
            " from events))"
        )
    };
}

macro_rules! insert_events {
    ($($values:expr),+) => {
        concat!(
            "insert into events (id, type, subject, order_id, payment_id, refund_id, data, endpoint_id, created_at, seq) values ",
            $($values),+,
            // Its id is a hash of the change: the same change is one event.
            " on conflict (id) do nothing"
        )
    };
}

macro_rules! first {
    () => {
        event_values!("$1", "$2", "$3", "$4", "$5", "$6", "$7", "$8", "$9", "1")
    };
}
macro_rules! second {
    () => {
        event_values!("$10", "$11", "$12", "$13", "$14", "$15", "$16", "$17", "$18", "2")
    };
}
macro_rules! third {
    () => {
        event_values!("$19", "$20", "$21", "$22", "$23", "$24", "$25", "$26", "$27", "3")
    };
}
macro_rules! fourth {
    () => {
        event_values!("$28", "$29", "$30", "$31", "$32", "$33", "$34", "$35", "$36", "4")
    };
}

const INSERT: [&str; MAX_EVENTS] = [
    insert_events!(first!()),
    insert_events!(first!(), ", ", second!()),
    insert_events!(first!(), ", ", second!(), ", ", third!()),
    insert_events!(first!(), ", ", second!(), ", ", third!(), ", ", fourth!()),
];

/// Writes what a transaction has recorded, [`MAX_EVENTS`] at most. The same change again is the same row.
pub(super) fn insert(events: &[NewEvent]) -> Write {
    let mut write = Write::at_most(INSERT[events.len() - 1]);
    for event in events {
        write = write
            .bind(event.id.as_str())
            .bind(event.kind.as_str())
            .bind(event.subject.as_str())
            .bind(event.order_id.as_deref())
            .bind(event.payment_id.as_deref())
            .bind(event.refund_id.as_deref())
            .bind(event.data.as_str())
            .bind(event.endpoint_id.as_deref())
            .bind(event.created_at.millis());
    }
    write
}

/// Whether an event has no place in the feed yet.
pub async fn has_unnumbered(tx: &mut Tx<'_>) -> Result<bool, StoreError> {
    const SQL: &str = "
        select count(*) from (
            select 1 as found from events where position is null and endpoint_id is null limit 1) as waiting";
    let (n,): (i64,) = on!(tx, SQL, fetch_one, |query| query)?;
    Ok(n > 0)
}

/// Positions that were given by one run: those after the first, up to and including the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbered {
    pub after: i64,
    pub last: i64,
}

/// Gives the next places in the feed to events that are committed and have none. The turn is held until the commit, so
/// that one writer at a time gives places and a reader that sees a place sees every smaller one.
pub async fn number_waiting(tx: &mut Tx<'_>, limit: i64) -> Result<Numbered, StoreError> {
    const HOLD: &str = "update event_turn set position = position where one = 1 returning position";
    const NUMBER: &str = "
        update events
        set position = numbered.place
        from (
            select id, cast($1 as bigint) + row_number() over (order by seq, id) as place
            from (
                select id, seq from events
                where position is null and endpoint_id is null
                order by seq, id
                limit $2) as waiting) as numbered
        where events.id = numbered.id";
    const RELEASE: &str = "update event_turn set position = $1 where one = 1";
    let (after,): (i64,) = on!(tx, HOLD, fetch_one, |query| query)?;
    let n_rows = execute!(tx, NUMBER, |query| query.bind(after).bind(limit))?;
    let last = after + i64::try_from(n_rows).unwrap_or(0);
    if last > after {
        execute!(tx, RELEASE, |query| query.bind(last)).map(drop)?;
    }
    Ok(Numbered { after, last })
}

macro_rules! select_event {
    ($tail:literal) => {
        concat!(
            "select id, type, order_id, payment_id, refund_id, data, created_at from events ",
            $tail
        )
    };
}

/// Place of a reader in the feed, and whether there is more than the feed has.
#[derive(Debug)]
pub struct FeedPlace {
    /// Position of the event that the reader has read last; `None`: there is no such event in the feed.
    pub position: Option<i64>,
    /// The last event of the feed.
    pub last_id: Option<String>,
    /// Whether an event has no place in the feed yet.
    pub has_unnumbered: bool,
}

/// Finds the place of a reader behind an event.
pub async fn find_place(tx: &mut Tx<'_>, after: Option<&EventId>) -> Result<FeedPlace, StoreError> {
    const SQL: &str = "
        select
            (select position from events where id = $1) as position,
            (select id from events where position is not null order by position desc limit 1) as last_id,
            (select count(*) from (
                select 1 as found from events where position is null and endpoint_id is null limit 1) as waiting)
                as n_waiting";
    let (position, last_id, n_waiting): (Option<i64>, Option<String>, i64) =
        on!(tx, SQL, fetch_one, |query| query.bind(after.map(EventId::as_str)))?;
    Ok(FeedPlace {
        position,
        last_id,
        has_unnumbered: n_waiting > 0,
    })
}

/// Events after a place, in the order of the feed.
pub async fn list_after(
    tx: &mut Tx<'_>,
    after: i64,
    kind: Option<EventType>,
    limit: i64,
) -> Result<Vec<KeptEvent>, StoreError> {
    const ALL: &str = select_event!("where position > $1 order by position limit $2");
    const OF_TYPE: &str = select_event!("where type = $3 and position > $1 order by position limit $2");
    let rows: Vec<EventRow> = match kind {
        None => on!(tx, ALL, fetch_all, |query| query.bind(after).bind(limit))?,
        Some(kind) => on!(tx, OF_TYPE, fetch_all, |query| query
            .bind(after)
            .bind(limit)
            .bind(kind.as_str()))?,
    };
    Ok(rows.into_iter().map(KeptEvent::from).collect())
}

/// An event of the feed.
pub async fn find_listed(tx: &mut Tx<'_>, id: &EventId) -> Result<Option<KeptEvent>, StoreError> {
    const SQL: &str = select_event!("where id = $1 and position is not null");
    let row: Option<EventRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id.as_str()))?;
    Ok(row.map(KeptEvent::from))
}

/// An event of the feed, or a ping.
pub async fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<KeptEvent>, StoreError> {
    const SQL: &str = select_event!("where id = $1");
    let row: Option<EventRow> = on!(tx, SQL, fetch_optional, |query| query.bind(id))?;
    Ok(row.map(KeptEvent::from))
}

/// Events of the orders of a user, as id and data.
pub async fn list_of_user(tx: &mut Tx<'_>, user_id: &str) -> Result<Vec<(String, String)>, StoreError> {
    const SQL: &str = "
        select e.id, e.data
        from events e join orders o on o.id = e.order_id
        where o.user_id = $1";
    on!(tx, SQL, fetch_all, |query| query.bind(user_id))
}

/// Takes personal data out of an event.
pub async fn replace_data(tx: &mut Tx<'_>, id: &str, data: &str) -> Result<(), StoreError> {
    const SQL: &str = "update events set data = $2 where id = $1";
    execute!(tx, SQL, |query| query.bind(id).bind(data)).map(drop)
}
