//! `GET /v3/certificates`: the platform certificates, encrypted under the APIv3 key.

use serde_json::{Value, json};

use super::{Answer, Refusal};
use crate::settings::WechatKeys;
use crate::signed_notification::encrypt;
use crate::state::State;
use crate::wire::Request;

pub(super) fn list(state: &mut State, request: &Request) -> Result<Answer, Refusal> {
    if !["", "algorithm_type=RSA", "algorithm_type=ALL"].contains(&request.query()) {
        return Err(Refusal::new(400, "PARAM_ERROR", "参数非法", 268_435_461));
    }
    // A new merchant has a public key and no certificates at all.
    if state.keys.mode() == WechatKeys::PublicKey {
        let message = "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。可查看指引https://pay.weixin.qq.com/doc/v3/merchant/4012153196";
        return Err(Refusal::new(404, "RESOURCE_NOT_EXISTS", message, 268_435_463));
    }
    let n_shown = if state.wechat.rotated { 2 } else { 1 };
    let key = state.keys.credentials().wechat_api_v3_key.as_bytes();
    let rng = &mut state.rng;
    let data: Vec<Value> = state.keys.certificates()[..n_shown]
        .iter()
        .map(|certificate| {
            let nonce = rng.hex(12);
            json!({
                "serial_no": certificate.serial,
                "effective_time": certificate.effective_time,
                "expire_time": certificate.expire_time,
                "encrypt_certificate": {
                    "algorithm": "AEAD_AES_256_GCM",
                    "nonce": nonce,
                    "associated_data": "certificate",
                    "ciphertext": encrypt(key, &nonce, "certificate", certificate.pem.as_bytes()),
                },
            })
        })
        .collect();
    Ok(Answer::Json(json!({"data": data})))
}
