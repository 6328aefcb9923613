//! Vectors c, d and e.

use axum::http::HeaderMap;
use domain::{Money, PaymentNo, Product, Report, Timestamp};
use payments::gateway::alipay::QrProduct;
use payments::gateway::alipay::certificate::read_bundle;
use payments::gateway::alipay::form::PayForm;
use payments::gateway::alipay::sign::{read_answer, request_text};
use payments::gateway::{
    Ask, Closing, GatewayError, NotificationContent, NotificationError, Payer, SigningKey, VerifyingKey,
};
use serde_json::Value;

use crate::harness::{NOWHERE, alipay_at, alipay_settings, answering, cases, creation, paid, read, text};

const PAYMENT_NO: &str = "HX20231115000000000001";

fn app_key() -> SigningKey {
    let file = read("c_alipay_request");
    let pem = text(&file["private_keys_test_only"], "app");
    SigningKey::read("ALIPAY_PRIVATE_KEY", &pem.into()).unwrap()
}

fn alipay_key(file: &Value) -> VerifyingKey {
    VerifyingKey::read(
        "ALIPAY_PUBLIC_KEY",
        text(file, "alipay_public_key_pem"),
        &app_key(),
    )
    .unwrap()
}

#[test]
fn requests_are_signed_byte_for_byte() {
    let file = read("c_alipay_request");
    let key = app_key();
    for case in cases(&file) {
        let name = text(case, "name");
        let params: Vec<(&str, &str)> = case["params"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name != "sign")
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let signed = request_text(&params);
        let is_valid = text(case, "expect") == "valid";
        assert_eq!(
            key.public().verifies(&signed, text(case, "sign")),
            is_valid,
            "{name}"
        );
        if is_valid {
            assert_eq!(signed, text(case, "sign_string").as_bytes(), "{name}");
            assert_eq!(key.sign(&signed), text(case, "sign"), "{name}");
        }
    }
}

#[test]
fn a_page_to_pay_on_is_signed_the_same_by_address_and_by_form() {
    let file = read("c_alipay_request");
    let (key, page) = (app_key(), &file["page_pay"]);
    let address = url::Url::parse(text(page, "get_url_or_html")).unwrap();
    let params: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    assert_eq!(signed_again(&key, &params), sign_of(&params));

    let form = PayForm::of(address.as_str()).unwrap();
    let content = params.iter().find(|(name, _)| name == PayForm::FIELD).unwrap();
    assert_eq!(form.biz_content, content.1);
    let common: Vec<(String, String)> = form.action.query_pairs().into_owned().collect();
    let mut posted = common.clone();
    posted.push(content.clone());
    assert_eq!(signed_again(&key, &posted), sign_of(&params));
    assert!(common.iter().all(|(name, _)| name != PayForm::FIELD));
    assert!(
        PayForm::of(form.action.as_str()).is_none(),
        "there is nothing to post"
    );

    // The SDK's own form. It escapes nothing but quotes, so a browser would make `&` of its `&amp;` and break the signature;
    // what was signed are the texts as the SDK had them.
    let html = text(page, "post_form_html");
    let attribute = |beginning: &str| {
        let value = html.split_once(beginning).unwrap().1.split('"').next().unwrap();
        value.replace("&quot;", "\"")
    };
    let action = url::Url::parse(&attribute("action=\"")).unwrap();
    let mut params: Vec<(String, String)> = action.query_pairs().into_owned().collect();
    for name in ["alipay_sdk", PayForm::FIELD] {
        let value = attribute(&format!("name=\"{name}\" value=\""));
        params.push((name.to_owned(), value));
    }
    assert_eq!(signed_again(&key, &params), sign_of(&params));
}

fn sign_of(params: &[(String, String)]) -> &str {
    &params.iter().find(|(name, _)| name == "sign").unwrap().1
}

fn signed_again(key: &SigningKey, params: &[(String, String)]) -> String {
    let signed: Vec<(&str, &str)> = params
        .iter()
        .filter(|(name, _)| name != "sign")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    key.sign(&request_text(&signed))
}

#[test]
fn certificate_serials_equal_those_of_the_gateway() {
    let file = read("f_alipay_cert_sn");
    let sns = |name: &str| -> Vec<String> {
        let bundle = read_bundle(text(&file["certs"], name)).unwrap();
        bundle.into_iter().map(|certificate| certificate.sn).collect()
    };
    let wanted = &file["expect"];
    assert_eq!(sns("app_cert"), [text(wanted, "app_cert_sn")]);
    assert_eq!(sns("alipay_cert"), [text(wanted, "alipay_cert_sn")]);
    // Of its three certificates the one on an elliptic curve does not count.
    assert_eq!(sns("root_bundle").join("_"), text(wanted, "alipay_root_cert_sn"));
    assert!(sns("root_ec").is_empty());
}

#[test]
fn a_request_for_payment_says_what_the_vector_says() {
    let file = read("c_alipay_request");
    let vector: Value = serde_json::from_str(text(&cases(&file)[0]["params"], "biz_content")).unwrap();
    let mut settings = alipay_settings(NOWHERE);
    settings.qr_product = QrProduct::FaceToFace;
    let request = alipay_at(settings).request(&Ask {
        payment_no: &PaymentNo::parse(PAYMENT_NO).unwrap(),
        product: Product::Qr,
        amount: Money::from_fen(4990).unwrap(),
        subject: text(&vector, "subject"),
        expires_at: Timestamp::from_millis(1_700_001_800_000),
        return_url: None,
        payer: Payer::default(),
    });
    let request: Value = serde_json::from_str(&request).unwrap();
    for member in ["out_trade_no", "total_amount", "product_code"] {
        assert_eq!(request[member], vector[member], "{member}");
    }
    let subject = text(&vector, "subject").replace('&', "-");
    assert_eq!(request["subject"], subject);
    assert_eq!(request["time_expire"], "2023-11-15 06:43:20");
}

#[tokio::test]
async fn only_genuine_notifications_are_accepted() {
    let file = read("d_alipay_notify");
    let gateway = alipay_at(alipay_settings(NOWHERE));
    for case in cases(&file) {
        let name = text(case, "name");
        let body = text(case, "raw_body").as_bytes();
        let notification = gateway.read_notification(&HeaderMap::new(), body).await;
        if text(case, "expect") == "invalid" {
            assert!(notification.is_err(), "{name} {notification:?}");
            continue;
        }
        // The merchant of the vectors sends `a=b&c=d` as its text: authentic, but ambiguous.
        let notification = notification.unwrap();
        let is_ambiguous = matches!(notification.content, NotificationContent::Ambiguous);
        assert_eq!(
            is_ambiguous,
            text(case, "raw_body").contains("a%3Db%26c"),
            "{name}"
        );
        let harmless = signed_without_separators(&file, body);
        let notification = gateway
            .read_notification(&HeaderMap::new(), harmless.as_bytes())
            .await
            .unwrap();
        let is_right = match (text(case, "expect"), name) {
            ("reject_business", "amount_mismatch") => {
                !matches!(paid(&notification.content), None | Some(4990))
            }
            ("reject_business", _) => matches!(notification.content, NotificationContent::Foreign(_)),
            ("valid", "partial_refund_on_pay_notify_url") => {
                matches!(notification.content, NotificationContent::Refund(_))
            }
            ("valid", "unpaid_timeout_trade_closed") => {
                matches!(notification.content, NotificationContent::Payment(Report::Closed))
            }
            ("valid", "wait_buyer_pay") => {
                matches!(notification.content, NotificationContent::Payment(Report::Unpaid))
            }
            ("valid", _) => {
                notification.payment_no == PAYMENT_NO && paid(&notification.content) == Some(4990)
            }
            (expected, _) => panic!("{name}: {expected}"),
        };
        assert!(is_right, "{name} {notification:?}");
    }
}

/// The same notification of a merchant who sends no separators, signed as Alipay does.
fn signed_without_separators(file: &Value, body: &[u8]) -> String {
    let alipay = text(&file["private_keys_test_only"], "alipay");
    let alipay = SigningKey::read("ALIPAY_PRIVATE_KEY", &alipay.into()).unwrap();
    let mut params: Vec<(Vec<u8>, Vec<u8>)> = body
        .split(|byte| *byte == b'&')
        .map(|pair| {
            let pair = String::from_utf8(pair.to_vec()).unwrap().replace('+', " ");
            let (name, value) = pair.split_once('=').unwrap();
            let decoded = |part: &str| percent_encoding::percent_decode_str(part).collect::<Vec<u8>>();
            (decoded(name), decoded(value))
        })
        .filter(|(name, _)| name != b"sign" && name != b"sign_type")
        .collect();
    for (name, value) in &mut params {
        if matches!(&name[..], b"subject" | b"body") {
            value.retain(|byte| !b"/=&".contains(byte));
        }
    }
    params.sort();
    let signed: Vec<Vec<u8>> = params
        .iter()
        .map(|(name, value)| [name, &b"="[..], value].concat())
        .collect();
    params.push((b"sign".to_vec(), alipay.sign(&signed.join(&b'&')).into_bytes()));
    let escaped =
        |part: &[u8]| percent_encoding::percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string();
    let form: Vec<String> = params
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
        .collect();
    form.join("&")
}

#[tokio::test]
async fn t_57_no_text_and_no_charset_decides_whether_a_genuine_notification_counts() {
    let file = read("d_alipay_notify");
    let gateway = alipay_at(alipay_settings(NOWHERE));
    // 0xB6 0xA9 0xB5 0xA5 is 订单 in GBK; 0xE8 0xAE and 0xB6 are characters that were cut in half.
    let subjects = ["%B6%A9%B5%A5", "%B6%A9%B6", "%E8%AE%A2%E8%AE", "%FF%00", "x"];
    let charsets = ["GBK", "gb18030", "utf-8", "utf-16", "", "%E8"];
    for subject in subjects {
        for charset in charsets.map(Some).into_iter().chain([None]) {
            let charset = charset.map_or(String::new(), |charset| format!("&charset={charset}"));
            let body = format!(
                "app_id=2014072300007148{charset}&notify_id=n1&out_trade_no={PAYMENT_NO}&subject={subject}\
                 &total_amount=49.9&trade_no=t1&trade_status=TRADE_SUCCESS"
            );
            let body = signed_without_separators(&file, body.as_bytes());
            let notification = gateway
                .read_notification(&HeaderMap::new(), body.as_bytes())
                .await;
            assert_eq!(
                paid(&notification.unwrap().content),
                Some(4990),
                "{subject} {charset}"
            );
        }
    }
    // A value in another charset equals no known value.
    for fact in [
        "total_amount=49.9%B6",
        "trade_status=TRADE_SUCCESS%B6%A9",
        "app_id=2014072300007148%E8",
    ] {
        let (name, value) = fact.split_once('=').unwrap();
        let body = [
            ("app_id", "2014072300007148"),
            ("notify_id", "n1"),
            ("out_trade_no", PAYMENT_NO),
            ("total_amount", "49.9"),
            ("trade_no", "t1"),
            ("trade_status", "TRADE_SUCCESS"),
        ]
        .map(|(known, usual)| format!("{known}={}", if known == name { value } else { usual }))
        .join("&");
        let body = signed_without_separators(&file, body.as_bytes());
        match gateway
            .read_notification(&HeaderMap::new(), body.as_bytes())
            .await
        {
            Ok(notification) => assert!(
                matches!(notification.content, NotificationContent::Foreign(_)),
                "{fact} {notification:?}"
            ),
            Err(error) => assert!(
                matches!(error, NotificationError::Malformed(_)),
                "{fact} {error:?}"
            ),
        }
    }
    let twice = "app_id=2014072300007148&notify_id=n1&total_amount=1&total_amount=49.9&subject=x";
    let twice = signed_without_separators(&file, twice.as_bytes());
    assert!(
        gateway
            .read_notification(&HeaderMap::new(), twice.as_bytes())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn an_answer_with_numbers_and_capitals_is_as_good_as_any() {
    let file = read("e_alipay_sync_response");
    let alipay = text(&file["private_keys_test_only"], "alipay");
    let alipay = SigningKey::read("ALIPAY_PRIVATE_KEY", &alipay.into()).unwrap();
    let payment_no = PaymentNo::parse(PAYMENT_NO).unwrap();
    let answer = |method: &str, members: &str| {
        let node = format!(r#"{{"code":10000,"msg":"Success","out_trade_no":"{PAYMENT_NO}",{members}}}"#);
        let sign = alipay.sign(node.as_bytes());
        format!(r#"{{"alipay_trade_{method}_response":{node},"sign":"{sign}"}}"#)
    };
    let body = answer(
        "query",
        r#""trade_no":"t1","trade_status":"TRADE_SUCCESS","total_amount":49.90"#,
    );
    let gateway = alipay_at(alipay_settings(&answering(200, HeaderMap::new(), body).await));
    let report = gateway.query(&payment_no).await.unwrap();
    assert!(matches!(report, Report::Paid(receipt) if receipt.amount.fen() == 4990));
    let body = answer("precreate", r#""qr_code":"HTTPS:\/\/QR.ALIPAY.COM\/BAX01""#);
    let gateway = alipay_at(alipay_settings(&answering(200, HeaderMap::new(), body).await));
    let request = format!(r#"{{"out_trade_no":"{PAYMENT_NO}"}}"#);
    let prompt = gateway
        .create(&creation(&payment_no, Product::Qr, &request))
        .await;
    assert_eq!(prompt.unwrap(), "HTTPS://QR.ALIPAY.COM/BAX01");
}

#[test]
fn answers_are_verified_over_the_characters_of_their_node() {
    let file = read("e_alipay_sync_response");
    let key = alipay_key(&file);
    for case in cases(&file) {
        let name = text(case, "name");
        let method = text(case, "method");
        let answer = read_answer(method, text(case, "raw").as_bytes(), &key);
        match (text(case, "expect"), answer) {
            ("valid", Ok(node)) => {
                assert!(node.is_signed, "{name}");
                assert_eq!(node.text, text(case, "signed_substring"), "{name}");
                let other = read_answer("alipay.trade.other", text(case, "raw").as_bytes(), &key);
                assert_eq!(other.is_ok(), name == "error_response_node", "{name}");
            }
            ("invalid", Err(_)) => {}
            ("unsigned_error", Ok(node)) => assert!(!node.is_signed, "{name}"),
            (_, outcome) => panic!("{name}: {outcome:?}"),
        }
    }
}

#[test]
fn an_answer_in_gbk_is_verified_as_bytes_and_read_as_text() {
    let file = read("e_alipay_sync_response");
    let alipay = text(&file["private_keys_test_only"], "alipay");
    let alipay = SigningKey::read("ALIPAY_PRIVATE_KEY", &alipay.into()).unwrap();
    // 0x81 0x7D is a character that ends in a brace; 0xCF 0xB5 is 系.
    let node = b"{\"code\":\"20000\",\"sub_msg\":\"\x81\x7d\xcf\xb5\"}";
    let mut body = b"{\"alipay_trade_query_response\":".to_vec();
    body.extend_from_slice(node);
    body.extend(format!(",\"sign\":\"{}\"}}", alipay.sign(node)).into_bytes());
    let answer = read_answer("alipay.trade.query", &body, &alipay_key(&file)).unwrap();
    assert!(answer.is_signed);
    assert!(answer.text.ends_with("系\"}"), "{}", answer.text);
}

#[tokio::test]
async fn a_call_accepts_only_answers_signed_by_alipay() {
    let file = read("e_alipay_sync_response");
    let payment_no = PaymentNo::parse(PAYMENT_NO).unwrap();
    for case in cases(&file) {
        let name = text(case, "name");
        let url = answering(200, HeaderMap::new(), text(case, "raw").to_owned()).await;
        let gateway = alipay_at(alipay_settings(&format!("{url}/gateway.do")));
        if text(case, "method") == "alipay.trade.precreate" {
            let request = format!(r#"{{"out_trade_no":"{PAYMENT_NO}"}}"#);
            let prompt = gateway
                .create(&creation(&payment_no, Product::Qr, &request))
                .await;
            assert_eq!(
                prompt.is_ok(),
                text(case, "expect") == "valid",
                "{name} {prompt:?}"
            );
            let other_no = PaymentNo::parse("HX2").unwrap();
            let other = gateway
                .create(&creation(&other_no, Product::Qr, r#"{"out_trade_no":"HX2"}"#))
                .await;
            assert!(
                matches!(other, Err(GatewayError::Unknown { .. })),
                "{name} {other:?}"
            );
            continue;
        }
        match (name, gateway.query(&payment_no).await) {
            ("query_success" | "whitespace_outside", Ok(Report::Paid(receipt))) => {
                assert_eq!(receipt.amount.fen(), 4990);
                assert_eq!(receipt.transaction_id, "2023111522001425130501234567");
                assert_eq!(receipt.paid_at.millis(), 1_700_000_098_000);
            }
            ("query_not_exist", Ok(Report::Absent)) => {}
            (
                "unsigned_error",
                Err(GatewayError::Declined {
                    is_authentic: false, ..
                }),
            ) => {}
            (
                "error_response_node"
                | "refund_fund_change_N"
                | "tampered_amount"
                | "tampered_status"
                | "attacker_key",
                Err(GatewayError::Unknown { .. }),
            ) => {}
            (_, outcome) => panic!("{name}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn closing_an_unscanned_code_reports_no_trade() {
    let file = read("e_alipay_sync_response");
    let alipay = text(&file["private_keys_test_only"], "alipay");
    let alipay = SigningKey::read("ALIPAY_PRIVATE_KEY", &alipay.into()).unwrap();
    let payment_no = PaymentNo::parse(PAYMENT_NO).unwrap();
    for (code, sub_code) in [
        ("10000", ""),
        ("40004", "ACQ.TRADE_NOT_EXIST"),
        ("40004", "ACQ.TRADE_STATUS_ERROR"),
    ] {
        let node = format!(r#"{{"code":"{code}","sub_code":"{sub_code}","out_trade_no":"{PAYMENT_NO}"}}"#);
        let body = format!(
            r#"{{"alipay_trade_close_response":{node},"sign":"{}"}}"#,
            alipay.sign(node.as_bytes())
        );
        let gateway = alipay_at(alipay_settings(&answering(200, HeaderMap::new(), body).await));
        match (sub_code, gateway.close(&payment_no).await) {
            ("", Ok(Closing::Closed))
            | ("ACQ.TRADE_NOT_EXIST", Ok(Closing::Absent))
            | ("ACQ.TRADE_STATUS_ERROR", Err(GatewayError::AlreadyClosed)) => {}
            (_, outcome) => panic!("{sub_code}: {outcome:?}"),
        }
    }
}
