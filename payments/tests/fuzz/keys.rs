//! Key texts as pasted by people.

use std::panic::AssertUnwindSafe;

use payments::gateway::{KeyError, SigningKey, VerifyingKey};

use crate::harness::{read, text};
use crate::mutation::{Damage, damaged};

#[test]
fn a_key_text_never_panics_and_never_shows_itself() {
    let file = read("c_alipay_request");
    let keys = &file["private_keys_test_only"];
    let own = SigningKey::read("ALIPAY_PRIVATE_KEY", &text(keys, "app").into()).unwrap();
    let own = AssertUnwindSafe(own);
    let texts = [
        text(keys, "app").to_owned(),
        text(keys, "app_pkcs1").to_owned(),
        text(&file, "app_public_key_pem").to_owned(),
        text(&file, "alipay_public_key_pem").to_owned(),
        text(&read("b_wechat_callback"), "merchant_certificate_pem").to_owned(),
    ];
    bolero::check!()
        .with_type::<(u8, Vec<Damage>)>()
        .for_each(|(which, damages)| {
            let pasted = damaged(texts[usize::from(*which) % texts.len()].as_bytes(), damages);
            let pasted = String::from_utf8_lossy(&pasted).into_owned();
            if let Err(error) = SigningKey::read("ALIPAY_PRIVATE_KEY", &pasted.as_str().into()) {
                shows_no_part_of(&pasted, &error);
            }
            if let Err(error) = VerifyingKey::read("ALIPAY_PUBLIC_KEY", &pasted, &own) {
                shows_no_part_of(&pasted, &error);
            }
        });
}

/// Sixteen characters of base64 in a message would be twelve bytes of a key.
fn shows_no_part_of(pasted: &str, error: &KeyError) {
    let message = &error.message;
    assert!(message.len() < 300, "{message}");
    for line in pasted
        .lines()
        .filter(|line| line.is_ascii() && !line.contains("-----"))
    {
        for part in line.as_bytes().windows(16).step_by(8) {
            let part = std::str::from_utf8(part).unwrap();
            assert!(part.trim().len() < 16 || !message.contains(part), "{message}");
        }
    }
}
