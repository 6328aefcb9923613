//! Return of a payer to the merchant's page, with a signed result: the order's number, its status, the time, the signature.
//!
//! The keys are the secrets of the webhook endpoints that are enabled, so a merchant needs no other one: its program finds among
//! the signatures the one of its own secret. Without an endpoint nothing is added, because an unsigned status would be believed.
//! The result is for the page that the payer sees; goods are delivered by the webhook or by a query.

use domain::{Order, Timestamp};
use futures_util::FutureExt;

use crate::epay::append_fields;
use crate::store::webhook_endpoints::{self, EndpointRow};
use crate::store::{StoreError, orders};
use crate::webhook::{EndpointStatus, WebhookSecret, valid_secrets};
use crate::{Error, Services};

/// Fields of the result, in the order in which they are added.
const FIELDS: [&str; 4] = ["orderNo", "status", "timestamp", "signature"];
/// Endpoints whose secrets sign, newest first: an address must not grow without bound.
const MAX_SIGNING_ENDPOINTS: usize = 10;

/// Address that the payer goes to, signed now. `None`: the order has no return address.
///
/// An address below `own_pages` is a page of ours, which needs no result.
pub async fn find_signed_return(
    services: &Services,
    token: &str,
    own_pages: &str,
) -> Result<Option<String>, Error> {
    let (order, endpoints): (Option<Order>, Vec<EndpointRow>) = services
        .db
        .snapshot(|tx| {
            async move {
                let order = orders::find_by_token(tx, token).await?;
                Ok::<_, StoreError>((order, webhook_endpoints::list(tx).await?))
            }
            .boxed()
        })
        .await?;
    let order = order.ok_or(Error::NotFound)?;
    let Some(address) = order.return_url.as_deref() else {
        return Ok(None);
    };
    if address.starts_with(own_pages) {
        return Ok(Some(address.to_owned()));
    }
    let now = services.clock.now();
    let mut secrets = Vec::new();
    let enabled = endpoints
        .iter()
        .filter(|endpoint| endpoint.status == EndpointStatus::Enabled.as_str());
    for endpoint in enabled.take(MAX_SIGNING_ENDPOINTS) {
        secrets.extend(valid_secrets(services, endpoint, now)?);
    }
    Ok(Some(add_result(address, &order, &secrets, now)))
}

fn add_result(address: &str, order: &Order, secrets: &[WebhookSecret], now: Timestamp) -> String {
    if secrets.is_empty() {
        return address.to_owned();
    }
    let (number, status, seconds) = (order.order_no.as_str(), order.status().as_str(), now.seconds());
    let signatures: Vec<String> = secrets
        .iter()
        .map(|secret| secret.sign(number, seconds, status.as_bytes()))
        .collect();
    let values = [
        number.to_owned(),
        status.to_owned(),
        seconds.to_string(),
        signatures.join(" "),
    ];
    let fields: Vec<(String, String)> = FIELDS.map(str::to_owned).into_iter().zip(values).collect();
    append_fields(&without_fields(address), &fields)
}

/// Removes fields of the same names from the query, so that each is there once.
fn without_fields(address: &str) -> String {
    let (base, fragment) = match address.split_once('#') {
        Some((base, fragment)) => (base, Some(fragment)),
        None => (address, None),
    };
    let Some((path, query)) = base.split_once('?') else {
        return address.to_owned();
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| !FIELDS.contains(&pair.split('=').next().unwrap_or_default()))
        .collect();
    let query = if kept.is_empty() {
        String::new()
    } else {
        format!("?{}", kept.join("&"))
    };
    let fragment = fragment
        .map(|fragment| format!("#{fragment}"))
        .unwrap_or_default();
    format!("{path}{query}{fragment}")
}

#[cfg(test)]
mod tests {
    use super::without_fields;

    #[test]
    fn a_field_that_the_address_has_already_is_replaced() {
        for (address, kept) in [
            ("https://shop.example/thanks", "https://shop.example/thanks"),
            (
                "https://shop.example/?a=1&status=paid&b=%20#top",
                "https://shop.example/?a=1&b=%20#top",
            ),
            (
                "https://shop.example/?orderNo=1&signature=v1,x",
                "https://shop.example/",
            ),
            (
                "https://shop.example/?statuses=1",
                "https://shop.example/?statuses=1",
            ),
        ] {
            assert_eq!(without_fields(address), kept);
        }
    }
}
