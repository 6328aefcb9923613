//! Incidents: open ones oldest first, and their resolution.

use domain::{Money, OrderId, Timestamp};
use futures_util::FutureExt;

use super::{Action, Actor, ConsoleError, Operator, Permission, list_users, perform_and_tell};
use crate::model::incident::IncidentKind;
use crate::pagination::page;
use crate::store::approvals::{self, Requests};
use crate::store::incidents::{self, IncidentRow};
use crate::{Error, Page, Services};

/// Form value of an unassigned incident.
const NOBODY: &str = "nobody";

#[derive(Debug, Clone)]
pub struct Incident {
    pub id: String,
    /// `None`: written by a later version of this program.
    pub kind: Option<IncidentKind>,
    pub subject: String,
    pub order_id: Option<OrderId>,
    pub order_no: Option<String>,
    pub user_id: Option<String>,
    /// Amount of the refund that it is about, otherwise of the payment.
    pub amount: Option<Money>,
    pub detail: String,
    pub created_at: Timestamp,
    /// Assignee, by address.
    pub assigned_to: Option<String>,
    pub resolved_at: Option<Timestamp>,
    pub resolved_by: Option<String>,
    pub resolution: Option<String>,
}

impl From<IncidentRow> for Incident {
    fn from(row: IncidentRow) -> Incident {
        Incident {
            id: row.id,
            kind: IncidentKind::parse(&row.kind),
            subject: row.subject,
            order_id: row.order_id.as_deref().and_then(OrderId::parse),
            order_no: row.order_no,
            user_id: row.user_id,
            amount: row.amount.and_then(|fen| Money::from_fen(fen).ok()),
            detail: row.detail,
            created_at: Timestamp::from_millis(row.created_at),
            assigned_to: row.assigned_to,
            resolved_at: row.resolved_at.map(Timestamp::from_millis),
            resolved_by: row.resolved_by,
            resolution: row.resolution,
        }
    }
}

/// Counts of waiting items, shown in the navigation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waiting {
    pub incidents: i64,
    pub approvals: i64,
}

pub async fn count_waiting(services: &Services) -> Result<Waiting, Error> {
    services
        .db
        .snapshot(|tx| {
            async move {
                Ok(Waiting {
                    incidents: incidents::count_open(tx).await?,
                    approvals: approvals::count_waiting(tx, Requests::Refunds).await?
                        + approvals::count_waiting(tx, Requests::Credits).await?,
                })
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Open incidents, oldest first.
pub async fn list_open_incidents(
    services: &Services,
    cursor: Option<&str>,
    limit: u32,
) -> Result<Page<Incident>, Error> {
    let above = cursor.unwrap_or("");
    let rows = services
        .db
        .read_one(|tx| async move { incidents::list_open(tx, above, i64::from(limit) + 1).await }.boxed())
        .await?;
    let incidents = rows.into_iter().map(Incident::from).collect();
    Ok(page(incidents, limit, |incident: &Incident| incident.id.clone()))
}

/// Resolved incidents, newest first.
pub async fn list_resolved_incidents(services: &Services, limit: u32) -> Result<Vec<Incident>, Error> {
    services
        .db
        .read_one(|tx| async move { incidents::list_resolved(tx, i64::from(limit)).await }.boxed())
        .await
        .map(|rows| rows.into_iter().map(Incident::from).collect())
        .map_err(Error::Internal)
}

/// Addresses of the people that an incident may be assigned to.
pub async fn list_handlers(services: &Services) -> Result<Vec<String>, Error> {
    let people = list_users(services).await?;
    Ok(people
        .into_iter()
        .filter(|person| person.disabled_at.is_none() && person.role.may(Permission::Handle))
        .map(|person| person.email)
        .collect())
}

/// Assigns an incident to a person, or unassigns it.
pub async fn assign_incident(
    services: &Services,
    actor: &Actor,
    id: &str,
    to: Option<&str>,
) -> Result<(), ConsoleError> {
    if let Some(email) = to
        && !list_handlers(services).await?.iter().any(|known| known == email)
    {
        return Err(Error::NotFound.into());
    }
    perform_and_tell(services, actor, Action::Assign, &|tx| {
        async move {
            let row = incidents::find(tx, id).await?.ok_or(Error::NotFound)?;
            if !incidents::assign(tx, id, to).await? {
                return Err(ConsoleError::DecidedAlready);
            }
            let before = row.assigned_to.as_deref().unwrap_or(NOBODY);
            Ok((id.to_owned(), format!("{before} -> {}", to.unwrap_or(NOBODY))))
        }
        .boxed()
    })
    .await
}

/// Resolves an incident with a person's remark.
pub async fn resolve_incident(
    services: &Services,
    operator: &Operator,
    actor: &Actor,
    id: &str,
    resolution: &str,
) -> Result<(), ConsoleError> {
    let now = services.clock.now();
    perform_and_tell(services, actor, Action::Resolve, &|tx| {
        async move {
            let row = incidents::find(tx, id).await?.ok_or(Error::NotFound)?;
            // An incident that informs the owners may not be resolved by another role.
            let needed = match IncidentKind::parse(&row.kind) {
                Some(IncidentKind::NewKey) => Permission::ManageUsers,
                _ => Permission::Handle,
            };
            if !operator.may(needed) {
                return Err(ConsoleError::Forbidden(needed));
            }
            if !incidents::resolve(tx, id, &actor.email, resolution, now).await? {
                return Err(ConsoleError::DecidedAlready);
            }
            Ok((
                id.to_owned(),
                format!("{} {}: {resolution}", row.kind, row.subject),
            ))
        }
        .boxed()
    })
    .await
}
