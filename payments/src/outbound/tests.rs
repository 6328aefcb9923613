//! The guard against real connections and every kind of address.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// Addresses that are never called, in every spelling that a URL may have.
const REFUSED: &[&str] = &[
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://%31%32%37.0.0.1/",
    "http://127.0.0.1./",
    "http://0/",
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://169.254.169.254/latest/meta-data/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://192.88.99.1/",
    "http://192.168.1.1/",
    "http://198.18.0.1/",
    "http://198.19.255.255/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[100::1]/",
    "http://[2001::1]/",
    "http://[2001:db8::1]/",
    "http://[2002:7f00:1::]/",
    "http://[3fff::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://localhost./",
    "http://shop.localhost/",
];

#[test]
fn addresses_that_are_not_public_are_refused_in_every_spelling() {
    let guard = OutboundGuard::default();
    for url in REFUSED {
        assert_eq!(guard.parse_url(url), Err(AddressRefusal::NotPublic), "{url}");
    }
    for url in [
        "https://example.com/hook?x=1",
        "http://8.8.8.8:8080/",
        "https://1.1.1.1/",
        "http://[2606:4700::1111]/",
        "http://172.32.0.1/",
        "http://100.128.0.1/",
        "http://198.20.0.1/",
        "https://xn--fiqs8s.example/",
    ] {
        assert!(guard.parse_url(url).is_ok(), "{url}");
    }
}

#[test]
fn only_plain_web_addresses_are_read() {
    let guard = OutboundGuard::default();
    for url in [
        "",
        "/hook",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "http://",
        "https://example.com/a b",
        "https://example.com/\r\nHost: x",
        "https://商店.example/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://[::1",
        "http://1.2.3.4.5/",
        "http://256.256.256.256/",
        &format!("https://example.com/{}", "a".repeat(2048)),
    ] {
        assert_eq!(guard.parse_url(url), Err(AddressRefusal::Malformed), "{url:?}");
    }
    for url in [
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "http://:pass@8.8.8.8/",
    ] {
        assert_eq!(guard.parse_url(url), Err(AddressRefusal::Credentials), "{url}");
    }
}

#[test]
fn a_name_with_one_address_that_is_not_public_is_refused() {
    let guard = OutboundGuard::default();
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    assert!(
        guard
            .require_callable(&[address("8.8.8.8"), address("2606:4700::1111")])
            .is_ok()
    );
    assert!(
        guard
            .require_callable(&[address("8.8.8.8"), address("10.0.0.1")])
            .is_err()
    );
    assert!(guard.require_callable(&[address("64:ff9b::808:808")]).is_err());
    assert!(guard.require_callable(&[]).is_err());
}

#[test]
fn the_operator_may_allow_networks() {
    let guard = OutboundGuard::new(Networks::parse("127.0.0.0/8, 10.0.0.0/8").unwrap());
    for url in ["http://127.0.0.1:9000/", "http://localhost/", "http://10.9.8.7/"] {
        assert!(guard.parse_url(url).is_ok(), "{url}");
    }
    for url in [
        "http://192.168.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::1]/",
    ] {
        assert!(guard.parse_url(url).is_err(), "{url}");
    }
    assert!(Networks::parse("10.0.0.0/33").is_err());
    assert!(Networks::parse("ten").is_err());
    assert!(Networks::parse("").is_err());
}

/// Answers one connection with these bytes and returns its port.
async fn answer_once(answer: Vec<u8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _n = socket.read(&mut request).await.unwrap();
        let _sent = socket.write_all(&answer).await;
    });
    port
}

fn to_port(host: &str, port: u16) -> Url {
    Url::parse(&format!("http://{host}:{port}/hook")).unwrap()
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_not_called() {
    let port = answer_once(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()).await;
    let guard = OutboundGuard::default();
    let answer = guard
        .post(&to_port("127.0.0.1", port), HeaderMap::new(), Vec::new())
        .await;
    assert_eq!(
        answer.unwrap_err(),
        OutboundError::Refused(AddressRefusal::NotPublic)
    );
    // Past the check of the name itself, as a name of a stranger would be.
    let resolved = GuardedResolver(guard).resolve("localhost".parse().unwrap()).await;
    let refusal = resolved.err().unwrap();
    assert_eq!(refusal.downcast_ref(), Some(&AddressRefusal::NotPublic));
}

#[tokio::test]
async fn a_refusal_while_connecting_is_told_as_one() {
    struct Refusing;
    impl Resolve for Refusing {
        fn resolve(&self, _: Name) -> Resolving {
            Box::pin(async { Err(AddressRefusal::NotPublic.into()) })
        }
    }
    let client = Client::builder()
        .timeout(REQUEST_TIMEOUT)
        .tls_certs_only([])
        .dns_resolver(Arc::new(Refusing))
        .build()
        .unwrap();
    let error = client.get("http://shop.example/").send().await.unwrap_err();
    assert_eq!(
        no_answer(error),
        OutboundError::Refused(AddressRefusal::NotPublic)
    );
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let target = answer_once(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno".to_vec()).await;
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{target}/\r\ncontent-length: 0\r\n\r\n"
    );
    let port = answer_once(redirect.into_bytes()).await;
    let guard = OutboundGuard::new(Networks::loopback());
    let answer = guard
        .post(&to_port("localhost", port), HeaderMap::new(), b"{}".to_vec())
        .await;
    assert_eq!(answer.unwrap().status, StatusCode::TEMPORARY_REDIRECT);
}

#[tokio::test]
async fn one_kibibyte_of_an_endless_answer_is_read() {
    let mut endless = b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n".to_vec();
    endless.resize(64 * 1024, b'x');
    let port = answer_once(endless).await;
    let guard = OutboundGuard::new(Networks::loopback());
    let answer = guard
        .post(&to_port("127.0.0.1", port), HeaderMap::new(), Vec::new())
        .await
        .unwrap();
    assert_eq!(answer.body.len(), MAX_ANSWER_BYTES);
}

#[tokio::test]
async fn rubbish_and_silence_are_no_answers() {
    let guard = OutboundGuard::new(Networks::loopback());
    let port = answer_once(b"who are you\r\n\r\n".to_vec()).await;
    let answer = guard
        .post(&to_port("127.0.0.1", port), HeaderMap::new(), Vec::new())
        .await;
    assert!(matches!(answer, Err(OutboundError::Broken(_))), "{answer:?}");
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let answer = guard
        .post(&to_port("127.0.0.1", closed), HeaderMap::new(), Vec::new())
        .await;
    assert!(
        matches!(answer, Err(OutboundError::NoConnection(_))),
        "{answer:?}"
    );
}
