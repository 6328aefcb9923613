//! Reads the vector files, builds gateways from their keys, and runs a server with one answer to every request.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use domain::{PaymentNo, Product, Timestamp};
use payments::Clock;
use payments::gateway::{Creation, Gateway, NotificationContent, alipay, wechat};
use serde_json::Value;

pub const NOTIFY_URL: &str = "https://pay.example.com/notify";
/// Address without a listener.
pub const NOWHERE: &str = "http://127.0.0.1:9";

pub fn read(name: &str) -> Value {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn cases(file: &Value) -> &[Value] {
    file["cases"].as_array().unwrap()
}

pub fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}

pub fn headers(case: &Value) -> HeaderMap {
    let entry = |(name, value): (&String, &Value)| {
        (
            name.parse::<HeaderName>().unwrap(),
            value.as_str().unwrap().parse().unwrap(),
        )
    };
    case["headers"]
        .as_object()
        .unwrap()
        .into_iter()
        .map(entry)
        .collect()
}

pub fn now(case: &Value) -> Timestamp {
    Timestamp::from_millis(case["now"].as_i64().unwrap() * 1000)
}

/// All platform keys of a file at once: a public key and the certificates beside it.
pub fn platform_keys(file: &Value) -> wechat::Verify {
    let keys = file["platform_keys"].as_object().unwrap();
    let (id, _) = keys.iter().find(|(id, _)| id.starts_with("PUB_KEY_ID_")).unwrap();
    let texts = keys.values().map(|key| {
        key.get("certificate_pem")
            .or(key.get("public_key_pem"))
            .unwrap()
            .as_str()
            .unwrap()
    });
    wechat::Verify::PublicKey {
        id: id.clone(),
        key: texts.collect(),
    }
}

pub fn wechat_settings(file: &Value, gateway_url: &str) -> wechat::Settings {
    wechat::Settings {
        app_id: text(file, "appid").to_owned(),
        // The vectors have one app for everything.
        mini_app_id: Some(text(file, "appid").to_owned()),
        mobile_app_id: Some(text(file, "appid").to_owned()),
        mch_id: text(file, "mchid").to_owned(),
        serial_no: text(file, "merchant_serial_no").to_owned(),
        api_v3_key: text(file, "apiv3_key").into(),
        private_key: text(&file["private_keys_test_only"], "merchant").into(),
        verify: platform_keys(file),
        gateway_url: gateway_url.to_owned(),
        backup_url: None,
        notify_url: NOTIFY_URL.to_owned(),
        oauth: None,
        mini_api: None,
    }
}

pub fn wechat_at(settings: wechat::Settings, now: Timestamp) -> Gateway {
    wechat::Wechat::new(settings, Clock::fixed(now, 1))
        .unwrap()
        .into()
}

pub fn alipay_settings(gateway_url: &str) -> alipay::Settings {
    let requests = read("c_alipay_request");
    alipay::Settings {
        app_id: text(&requests, "app_id").to_owned(),
        private_key: text(&requests["private_keys_test_only"], "app").into(),
        verify: alipay::Verify::PublicKey {
            key: text(&requests, "alipay_public_key_pem").to_owned(),
        },
        seller_id: Some("2088102146225135".to_owned()),
        mini_app_id: None,
        qr_product: alipay::QrProduct::default(),
        gateway_url: gateway_url.to_owned(),
        notify_url: NOTIFY_URL.to_owned(),
    }
}

pub fn alipay_at(settings: alipay::Settings) -> Gateway {
    let now = Timestamp::from_millis(1_700_000_000_000);
    alipay::Alipay::new(settings, Clock::fixed(now, 1))
        .unwrap()
        .into()
}

pub fn creation<'a>(payment_no: &'a PaymentNo, product: Product, request: &'a str) -> Creation<'a> {
    Creation {
        payment_no,
        product,
        request,
        return_url: None,
    }
}

/// The amount of a paid report in fen.
pub fn paid(content: &NotificationContent) -> Option<i64> {
    match content {
        NotificationContent::Payment(domain::Report::Paid(receipt)) => Some(receipt.amount.fen()),
        _ => None,
    }
}

/// Starts a server that answers every request with these bytes. Returns its address.
pub async fn answering(status: u16, headers: HeaderMap, body: impl Into<Bytes>) -> String {
    let answer = (StatusCode::from_u16(status).unwrap(), headers, body.into());
    let router = Router::new().fallback(async move || answer.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}
