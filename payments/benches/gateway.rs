//! Signatures made and notifications read per second on one core, beside what `aws-lc-rs` alone does with the same bytes:
//! `cargo bench -p payments --bench gateway`.
//!
//! Ours is everything between the wire and a value: headers, clock, key lookup, base64, decryption, JSON or form, and
//! the checks. Theirs is the bare cryptography with a parsed key, measured in turn with ours so that both meet the same
//! noise.

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{PaymentNo, Product};
use http::HeaderMap;
use payments::gateway::Creation;
use payments::gateway::alipay::sign::request_text;
use payments::gateway::wechat::sign::{authorization, request_message};
use serde_json::Value;

#[path = "../tests/vectors/harness.rs"]
#[expect(dead_code, reason = "the vectors use more of it")]
#[expect(clippy::unwrap_used, reason = "a helper of tests fails with them")]
mod harness;

use harness::{
    NOWHERE, alipay_at, alipay_settings, cases, headers, now, read, text, wechat_at, wechat_settings,
};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(400);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut out = std::io::stdout();
    writeln!(
        out,
        "per second and core, median of {ROUNDS} rounds of {ROUND:?} in turn"
    )?;
    for (name, ours, theirs) in [sign_wechat()?, sign_alipay()?, read_wechat()?, read_alipay()?] {
        let (ours, theirs) = (ours, theirs);
        writeln!(
            out,
            "{name:<34} {ours:>8}   aws-lc-rs alone {theirs:>8}   ratio {}.{:02}",
            ours / theirs,
            ours * 100 / theirs % 100
        )?;
    }
    Ok(())
}

type Row = (&'static str, u64, u64);

/// Measures both in turn, so that other load on the machine slows both.
fn compare(name: &'static str, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> Row {
    let (mut our_rates, mut their_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_rates.push(rate(&mut ours));
        their_rates.push(rate(&mut theirs));
    }
    our_rates.sort_unstable();
    their_rates.sort_unstable();
    (name, our_rates[ROUNDS / 2], their_rates[ROUNDS / 2])
}

fn rate(work: &mut impl FnMut()) -> u64 {
    let began = Instant::now();
    let mut n_done: u128 = 0;
    while began.elapsed() < ROUND {
        for _ in 0..16 {
            work();
        }
        n_done += 16;
    }
    u64::try_from(n_done * 1_000_000 / began.elapsed().as_micros()).unwrap_or(u64::MAX)
}

fn private_key(pem: &str) -> Result<KeyPair> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    KeyPair::from_pkcs8(&STANDARD.decode(body)?).map_err(|_| "not a key".into())
}

fn parsed(pair: &KeyPair) -> Result<ParsedPublicKey> {
    let der = pair.public_key().as_der()?;
    Ok(ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der.as_ref())?)
}

fn bare_signature(pair: &KeyPair, message: &[u8], signature: &mut [u8]) {
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, signature)
        .expect("a good key signs");
}

/// Authorization header of a create call.
fn sign_wechat() -> Result<Row> {
    let file = read("a_wechat_request");
    let case = &cases(&file)[0];
    let pem = text(&file["private_keys_test_only"], "merchant");
    let key = payments::gateway::SigningKey::read("WECHAT_PRIVATE_KEY", &pem.into())?;
    let (body, pair) = (text(case, "body"), private_key(pem)?);
    let target = "/v3/pay/transactions/native";
    let message = request_message(
        "POST",
        target,
        1_700_000_000,
        "593BEC0C930BF1AFEB40B4A08C8FB242",
        body,
    );
    let mut signature = vec![0; 256];
    Ok(compare(
        "WeChat: sign a request",
        || {
            let nonce = "593BEC0C930BF1AFEB40B4A08C8FB242";
            let message = request_message("POST", target, 1_700_000_000, nonce, body);
            let signature = key.sign(message.as_bytes());
            black_box(authorization(
                "1900000109",
                "1DDE",
                1_700_000_000,
                nonce,
                &signature,
            ));
        },
        || bare_signature(&pair, black_box(message.as_bytes()), &mut signature),
    ))
}

/// Complete payment address for the browser.
fn sign_alipay() -> Result<Row> {
    let file = read("c_alipay_request");
    let gateway = alipay_at(alipay_settings(NOWHERE));
    let pair = private_key(text(&file["private_keys_test_only"], "app"))?;
    let params: Vec<(&str, &str)> = cases(&file)[3]["params"]
        .as_object()
        .ok_or("no parameters")?
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    let message = request_text(&params);
    let request = params
        .iter()
        .find(|(name, _)| *name == "biz_content")
        .map(|(_, value)| *value)
        .ok_or("no content")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let payment_no = PaymentNo::parse("P1").ok_or("no number")?;
    let creation = Creation {
        payment_no: &payment_no,
        product: Product::Wap,
        request,
        return_url: Some("https://pay.example.com/checkout/1"),
    };
    runtime.block_on(gateway.create(&creation))?;
    let mut signature = vec![0; 256];
    Ok(compare(
        "Alipay: sign a browser's address",
        || {
            black_box(runtime.block_on(gateway.create(&creation)).is_ok());
        },
        || bare_signature(&pair, black_box(&message), &mut signature),
    ))
}

fn read_wechat() -> Result<Row> {
    let file = read("b_wechat_callback");
    let case = &cases(&file)[0];
    let gateway = wechat_at(wechat_settings(&file, NOWHERE), now(case));
    let (headers, body) = (headers(case), text(case, "body").as_bytes());
    let header = |name: &str| headers[name].to_str().unwrap_or_default();
    let pair = private_key(text(&file["private_keys_test_only"], header("wechatpay-serial")))?;
    let key = parsed(&pair)?;
    let message = format!(
        "{}\n{}\n{}\n",
        header("wechatpay-timestamp"),
        header("wechatpay-nonce"),
        text(case, "body")
    );
    let signature = STANDARD.decode(header("wechatpay-signature"))?;
    let envelope: Value = serde_json::from_slice(body)?;
    let resource = &envelope["resource"];
    let ciphertext = STANDARD.decode(text(resource, "ciphertext"))?;
    let (nonce, aad) = (text(resource, "nonce"), text(resource, "associated_data"));
    let cipher = LessSafeKey::new(UnboundKey::new(
        &AES_256_GCM,
        text(&file, "apiv3_key").as_bytes(),
    )?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(gateway.read_notification(&headers, body))?;
    Ok(compare(
        "WeChat: verify, decrypt and read",
        || {
            black_box(
                runtime
                    .block_on(gateway.read_notification(&headers, body))
                    .is_ok(),
            );
        },
        || {
            key.verify_sig(black_box(message.as_bytes()), &signature)
                .expect("genuine");
            let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).expect("twelve bytes");
            let mut bytes = ciphertext.clone();
            cipher
                .open_in_place(nonce, Aad::from(aad.as_bytes()), &mut bytes)
                .expect("genuine");
            black_box(bytes);
        },
    ))
}

fn read_alipay() -> Result<Row> {
    let file = read("d_alipay_notify");
    let case = &cases(&file)[0];
    let gateway = alipay_at(alipay_settings(NOWHERE));
    let body = text(case, "raw_body").as_bytes();
    let key = parsed(&private_key(text(&file["private_keys_test_only"], "alipay"))?)?;
    let (message, signature) = (text(case, "sign_string"), STANDARD.decode(text(case, "sign"))?);
    let none = HeaderMap::new();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(gateway.read_notification(&none, body))?;
    Ok(compare(
        "Alipay: verify and read",
        || {
            black_box(runtime.block_on(gateway.read_notification(&none, body)).is_ok());
        },
        || {
            key.verify_sig(black_box(message.as_bytes()), &signature)
                .expect("genuine");
        },
    ))
}
