//! Who calls: a merchant by its key or by a signature. An unknown merchant and a wrong key are answered alike.

use payments::epay::{
    Code, Fields, Merchant, Pid, Refusal, Version, find_merchant, find_split_value, is_same, verify_md5,
    verify_rsa,
};
use secrecy::{ExposeSecret as _, SecretString};

use crate::http::web::Web;

/// Compared with where there is no merchant, so that the answer takes as long.
const NO_KEY: &str = "00000000000000000000000000000000";
/// Distance of a V2 request's time from our clock.
const MAX_SKEW_SECONDS: i64 = 300;

/// The merchant that signed these parameters.
pub async fn require_sign(web: &Web, fields: &Fields, version: Version) -> Result<Merchant, Refusal> {
    let merchant = find_claimed_merchant(web, fields).await?;
    let is_rsa = match (version, fields.get("sign_type")) {
        (Version::V1, None) => false,
        (Version::V1, Some(word)) if word.eq_ignore_ascii_case("MD5") => false,
        (Version::V2, None) => true,
        (_, Some(word)) if word.eq_ignore_ascii_case("RSA") => true,
        _ => {
            return Err(Refusal::new(
                Code::NotAuthentic,
                "sign_type 不支持 (this sign_type is not accepted here)",
            ));
        }
    };
    let Some(sign) = fields.get("sign") else {
        return Err(Refusal::new(Code::NotAuthentic, "缺少签名 (sign is missing)"));
    };
    let is_right = match (&merchant, is_rsa) {
        (Some(merchant), false) => verify_md5(fields, &merchant.key, sign),
        (Some(merchant), true) => merchant
            .verifying_key()
            .is_some_and(|key| verify_rsa(fields, &key, sign)),
        (None, _) => {
            // For the time that it takes.
            verify_md5(fields, &SecretString::from(NO_KEY), sign);
            false
        }
    };
    let merchant = merchant.filter(|_| is_right).ok_or_else(Refusal::not_authentic)?;
    if version == Version::V2 {
        check_time(web, fields)?;
    }
    refuse_split(fields)?;
    Ok(merchant)
}

/// The merchant that shows its key.
pub async fn require_key(web: &Web, fields: &Fields, key: &str) -> Result<Merchant, Refusal> {
    let merchant = find_claimed_merchant(web, fields).await?;
    let known = merchant
        .as_ref()
        .map_or(NO_KEY, |merchant| merchant.key.expose_secret());
    let is_right = is_same(known, key);
    let merchant = merchant.filter(|_| is_right).ok_or_else(Refusal::not_authentic)?;
    refuse_split(fields)?;
    Ok(merchant)
}

async fn find_claimed_merchant(web: &Web, fields: &Fields) -> Result<Option<Merchant>, Refusal> {
    let text = fields
        .get("pid")
        .ok_or_else(|| Refusal::incomplete("缺少参数 pid (pid is missing)"))?;
    match Pid::parse(text) {
        Some(pid) => Ok(find_merchant(&web.services, pid).await?),
        None => Ok(None),
    }
}

/// The text that is signed is not escaped: a value that reads like two parameters could have been two.
fn refuse_split(fields: &Fields) -> Result<(), Refusal> {
    match find_split_value(fields) {
        None => Ok(()),
        Some(_) => Err(Refusal::refused(
            "参数值不合法 (a value holds what reads like another parameter)",
        )),
    }
}

fn check_time(web: &Web, fields: &Fields) -> Result<(), Refusal> {
    let now = web.services.clock.now().seconds();
    let text = fields
        .get("timestamp")
        .ok_or_else(|| Refusal::incomplete("缺少参数 timestamp (timestamp is missing)"))?;
    if is_fresh(text, now) {
        Ok(())
    } else {
        Err(Refusal::refused(
            "timestamp 已过期或不正确 (timestamp is too far from our clock)",
        ))
    }
}

/// Returns whether a text is a time in seconds near `now`.
fn is_fresh(text: &str, now: i64) -> bool {
    let is_near = |seconds: i64| (seconds - now).abs() <= MAX_SKEW_SECONDS;
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse().is_ok_and(is_near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_fresh_for_five_minutes_to_either_side() {
        for (seconds, is_near) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
            let at = 1_795_899_640_i64 + seconds;
            assert_eq!(is_fresh(&at.to_string(), 1_795_899_640), is_near, "{seconds}");
        }
        assert!(!is_fresh("+795899640", 795_899_640));
    }
}
