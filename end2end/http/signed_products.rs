//! Every set of products that a merchant can have signed, on every device: a payer ends at something payable, or reads what to
//! do.

use serde_json::json;

use super::api::{Api, client, send};
use super::server::Server;

const WECHAT: [&str; 3] = ["native", "h5", "jsapi"];
const ALIPAY: [&str; 3] = ["qr", "wap", "page"];
const DEVICES: [&str; 4] = ["desk", "phone", "wechat", "alipay"];

fn subset<'a>(names: &[&'a str; 3], bits: usize) -> Vec<&'a str> {
    let places = names
        .iter()
        .enumerate()
        .filter(|(place, _)| bits & (1 << place) != 0);
    places.map(|(_, name)| *name).collect()
}

/// Presses the button of a method; returns where the payer ends.
async fn press(server: &Server, token: &str, method: &str, device: &str) -> String {
    let browser = client();
    let form = [
        ("token", token),
        ("method", method),
        ("device", device),
        ("lang", "en"),
    ];
    let request = browser
        .post(format!("{}/ui/start_payment", server.url))
        .header("origin", &server.url);
    let mut answer = send(request.form(&form)).await;
    // To the gateway's own page, or back to ours; inside WeChat by way of its authorisation.
    for _ in 0..6 {
        let Some(location) = answer.header("location").map(str::to_owned) else {
            break;
        };
        if location.contains("/gateway.do?") || location.contains("/checkmweb?") {
            return "gateway".to_owned();
        }
        let url = if location.starts_with('/') {
            format!("{}{location}", server.url)
        } else {
            location
        };
        answer = send(browser.get(url).header("user-agent", "MicroMessenger")).await;
    }
    let text = answer.text;
    assert_eq!(answer.status, 200, "{text}");
    if text.contains("data-testid=\"qr\"") {
        "code".to_owned()
    } else if text.contains("class=\"bridge\"") {
        "bridge".to_owned()
    } else if text.contains("This method is unavailable") || text.contains("role=\"alert\"") {
        "sentence".to_owned()
    } else {
        panic!("nothing to pay with and nothing to read: {text}")
    }
}

#[tokio::test]
async fn every_set_of_signed_products_ends_in_something_payable_or_in_a_sentence() {
    let server = Server::simulated(&[]);
    let api = Api::of(&server);
    for bits in 0..8 {
        let (wechat, alipay) = (subset(&WECHAT, bits), subset(&ALIPAY, bits));
        let merchant = client().post(format!("{}/merchant", server.control()));
        let signed = json!({"wechatProducts": wechat, "alipayProducts": alipay});
        send(merchant.json(&signed)).await.ok(200);
        for device in DEVICES {
            for (method, products) in [("wechat", &wechat), ("alipay", &alipay)] {
                let order = api.order().await;
                let token = order["checkoutUrl"].as_str().unwrap().rsplit('/').next().unwrap();
                let end = press(&server, token, method, device).await;
                // Neither wallet opens the other one. The browser's own products are refused on the gateway's page.
                let is_foreign = matches!((method, device), ("wechat", "alipay") | ("alipay", "wechat"));
                let is_possible = !is_foreign && products.iter().any(|product| is_usable(product, device));
                let told = format!("{signed} {method} on {device}: {end}");
                if is_possible {
                    assert_ne!(end, "sentence", "{told}");
                }
                if is_foreign {
                    assert_eq!(end, "sentence", "{told}");
                }
            }
        }
    }
}

/// Whether a payer on this device can use a product at all.
fn is_usable(product: &str, device: &str) -> bool {
    match product {
        "native" => device != "alipay",
        "h5" => device == "phone",
        "jsapi" => device == "wechat",
        _ => device != "wechat",
    }
}
