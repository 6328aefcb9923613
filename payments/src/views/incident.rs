//! An incident as JSON, as its event carries it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::calendar::rfc3339;
use crate::model::incident::OpenedIncident;

/// A problem that a person must look at.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Incident)]
pub struct IncidentView {
    id: String,
    kind: &'static str,
    detail: String,
    #[schema(required)]
    order_id: Option<String>,
    #[schema(required)]
    payment_id: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl IncidentView {
    pub(crate) fn new(incident: &OpenedIncident<'_>) -> IncidentView {
        IncidentView {
            id: incident.id.to_owned(),
            kind: incident.kind.as_str(),
            detail: incident.detail.to_owned(),
            order_id: incident.order_id.map(str::to_owned),
            payment_id: incident.payment_id.map(str::to_owned),
            created_at: rfc3339(incident.created_at),
        }
    }
}
