//! A gateway calls back: verify, record once, apply, and only then acknowledge.

use domain::Channel;
use http::HeaderMap;

use crate::Services;
use crate::gateway::Reply;

/// The answer for the gateway, in its own words; an acknowledgement is only returned after the commit.
pub async fn accept_notice(services: &Services, channel: Channel, headers: &HeaderMap, body: &[u8]) -> Reply {
    todo!()
}
