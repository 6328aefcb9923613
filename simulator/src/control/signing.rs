//! Settings of Alipay's signatures for this merchant: which certificate, which notifications, in which order.

use serde_json::json;

use super::{Outcome, read_body};
use crate::dispatcher::Dispatcher;
use crate::settings::AlipaySigning;
use crate::wire::Request;

pub(super) fn show(dispatcher: &Dispatcher) -> Outcome {
    let state = dispatcher.state();
    let certificates = state.keys.alipay_certificates();
    let signing = state.alipay.signing;
    Ok(json!({
        "signing": signing,
        "appCertSn": certificates.app_sn,
        "alipayRootCertSn": certificates.root_sn,
        "alipayCertSn": certificates.own(signing.certificate).sn,
    }))
}

/// Sets the given ones; missing members return to their defaults.
pub(super) fn set(dispatcher: &Dispatcher, request: &Request) -> Outcome {
    let signing: AlipaySigning = read_body(request)?;
    dispatcher.act(|state, _| state.alipay.signing = signing);
    show(dispatcher)
}
