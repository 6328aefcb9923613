//! `alipay.open.app.alipaycert.download`: the certificate of a serial number, with the one above it.

use serde_json::{Map, Value};

use super::fields::{required, text};
use super::node::{Node, Refusal};
use crate::keys::in_base64;
use crate::state::State;

pub(super) fn download(state: &State, biz: &Map<String, Value>) -> Result<Node, Refusal> {
    let sn = text(biz, "alipay_cert_sn", 128)?.ok_or_else(|| required("alipay_cert_sn"))?;
    let own = state.keys.alipay_certificates().by_sn(&sn);
    let own = own.ok_or_else(|| Refusal::invalid("isv.alipay-cert-not-exist", "支付宝公钥证书不存在"))?;
    Ok(Node::success().with("alipay_cert_content", in_base64(own)))
}
