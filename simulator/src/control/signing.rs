//! How Alipay signs to this merchant: which certificate, which notifications, in which order.

use serde_json::json;

use super::{Outcome, read};
use crate::courier::Courier;
use crate::settings::AlipaySigning;
use crate::wire::Request;

pub(super) fn show(courier: &Courier) -> Outcome {
    let world = courier.world();
    let certificates = world.keys.alipay_certificates();
    let signing = world.alipay.signing;
    Ok(json!({
        "signing": signing,
        "appCertSn": certificates.app_sn,
        "alipayRootCertSn": certificates.root_sn,
        "alipayCertSn": certificates.own(signing.certificate).sn,
    }))
}

/// What is not named goes back to how it was at the start.
pub(super) fn set(courier: &Courier, request: &Request) -> Outcome {
    let signing: AlipaySigning = read(request)?;
    courier.act(|world, _| world.alipay.signing = signing);
    show(courier)
}
