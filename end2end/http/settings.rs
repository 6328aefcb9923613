//! Wrong settings stop the start with exit code 2 and the name of the variable, and never with its value.

use tempfile::TempDir;

use super::api::{Api, client, send};
use super::server::{Server, program, run};

/// Returns the exit code and the output.
fn start(settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let dir = TempDir::new().unwrap();
    let mut all = vec![("LISTEN", "127.0.0.1:0")];
    all.extend(settings);
    let output = run(dir.path(), &all, &[], "");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn a_wrong_setting_is_named() {
    for (name, value) in [
        ("LISTEN", "nowhere"),
        ("PUBLIC_URL", "pay.example.com"),
        ("DATABASE_URL", "mysql://hush@localhost/x"),
        ("GATEWAYS", "maybe"),
        ("GATEWAYS", "live"),
        ("EXPIRY_CRON", "sometimes"),
        ("PAYMENT_TTL_MINUTES", "0"),
        ("LATE_PAYMENT", "keep"),
        ("LOG_FORMAT", "xml"),
        ("WECHAT_PRODUCTS", "native,qr"),
        ("ALIPAY_PRODUCTS", "qr;wap"),
        ("ALIPAY_QR_PRODUCT", "QUICK_WAP_WAY"),
        ("ADMIN_PASSWORD", "hush-hush-hush"),
    ] {
        let (code, said) = start(&[(name, value)]);
        assert_eq!(code, Some(2), "{name}={value}: {said}");
        assert!(
            said.contains(name) || said.contains("ADMIN_EMAIL"),
            "{name}: {said}"
        );
        assert!(!said.contains("hush"), "{said}");
    }
}

#[test]
fn an_incomplete_gateway_is_refused_in_every_mode() {
    for mode in ["auto", "live", "simulator"] {
        let (code, said) = start(&[("GATEWAYS", mode), ("WECHAT_APP_ID", "wx0123456789abcdef")]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("WECHAT_MCH_ID"), "{said}");
        let (code, said) = start(&[("GATEWAYS", mode), ("ALIPAY_PRIVATE_KEY", "aHVzaA==")]);
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains("ALIPAY_APP_ID") && !said.contains("aHVzaA"),
            "{said}"
        );
    }
}

#[test]
fn an_invalid_key_is_refused_and_not_shown() {
    let alipay = [
        ("ALIPAY_APP_ID", "2021000000000000"),
        ("ALIPAY_PUBLIC_KEY", "cHVibGlj"),
    ];
    for key in [
        "aHVzaGh1c2g=",
        "@/nowhere/key.pem",
        "-----BEGIN PRIVATE KEY-----\\naHVzaA==\\n-----END PRIVATE KEY-----",
    ] {
        let mut settings = alipay.to_vec();
        settings.push(("ALIPAY_PRIVATE_KEY", key));
        let (code, said) = start(&settings);
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains("ALIPAY_PRIVATE_KEY") && !said.contains("aHVzaA"),
            "{said}"
        );
    }
}

#[test]
fn the_file_is_read_the_environment_wins_and_typing_mistakes_are_found() {
    let dir = TempDir::new().unwrap();
    let write = |text: &str| std::fs::write(dir.path().join(".env"), text).unwrap();
    let audit = |settings: &[(&str, &str)]| {
        let output = run(dir.path(), settings, &["audit"], "");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    write("DATABASE_URL=sqlite://elsewhere/x.db\nSOMETHING_ELSE=1\n");
    // An audit creates no database; running what is due does.
    let do_what_is_due = |settings| run(dir.path(), settings, &["run-due"], "").status.code();
    assert_eq!(do_what_is_due(&[]), Some(0));
    assert!(dir.path().join("elsewhere/x.db").exists());
    assert_eq!(
        do_what_is_due(&[("DATABASE_URL", "sqlite://third/x.db")]),
        Some(0)
    );
    assert!(dir.path().join("third/x.db").exists());
    for (text, name) in [
        ("WECHAT_APPID=wx1\n", "WECHAT_APPID"),
        ("LOG_LEVEL=debug\n", "LOG_LEVEL"),
        ("API_KEY_FILE=x\n", "API_KEY_FILE"),
    ] {
        write(text);
        let (code, said) = audit(&[]);
        assert_eq!(code, Some(2));
        assert!(said.contains(name), "{said}");
    }
    write("API_KEY=hush hush\n");
    let (code, said) = audit(&[]);
    assert_eq!(code, Some(2));
    assert!(said.contains("API_KEY") && !said.contains("hush"), "{said}");
    write("LOG=info\nhush hush\n");
    let (code, said) = audit(&[]);
    assert_eq!(code, Some(2));
    assert!(said.contains(".env: line 2 ") && !said.contains("hush"), "{said}");
    std::fs::write(dir.path().join(".env"), b"API_KEY=hush\xff\n").unwrap();
    let (code, said) = audit(&[]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains(".env: is not UTF-8") && !said.contains("hush"),
        "{said}"
    );
}

#[tokio::test]
async fn values_of_the_env_file_are_literal() {
    let dir = TempDir::new().unwrap();
    let key = "ab$cdef#${HOME}`x`\\n\"'.-0123";
    let file = format!(
        "\u{feff}API_KEY={key} # the key\r\nMERCHANT_NAME=\"Tea # and Co\"\r\nEXPIRY_CRON=*/15 * * * * *\r\n\
         MERCHANT_COLOR=#0958d9\r\n"
    );
    std::fs::write(dir.path().join(".env"), file).unwrap();
    let server = Server::start_in(dir, &[]);
    let api = Api::with_key(&server, key);
    let order = api.order().await;
    let page = send(client().get(order["checkoutUrl"].as_str().unwrap())).await;
    assert!(page.text.contains("Tea # and Co"), "{}", page.text);
}

#[test]
fn a_mistaken_name_in_the_environment_stops_the_start() {
    for (name, nearest) in [
        ("GATEWAY", "GATEWAYS"),
        ("WECHAT_APPID", "WECHAT_APP_ID"),
        ("EPAY_REFUNDS", "nearest"),
    ] {
        let (code, said) = start(&[(name, "hush")]);
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains(name) && said.contains(nearest) && !said.contains("hush"),
            "{said}"
        );
    }
}

#[test]
fn a_file_that_cannot_be_opened_names_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    // Root can write to any directory, so this one is no directory at all.
    for (name, value) in [
        ("DATABASE_URL", "sqlite:///dev/null/data/tongqian.db"),
        ("DATABASE_URL", "sqlite:///proc/tongqian.db"),
        ("DATABASE_URL", "postgres://user:hush@127.0.0.1:1/shop"),
        ("SIMULATOR_LISTEN", &taken),
        ("METRICS_LISTEN", &taken),
        ("LISTEN", &taken),
    ] {
        let (code, said) = start(&[(name, value)]);
        assert_eq!(code, Some(1), "{name}={value}: {said}");
        assert!(said.contains(&format!("tongqian: {name}: ")), "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
}

#[test]
fn a_taken_port_exits_with_code_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = TempDir::new().unwrap();
    let output = program(dir.path())
        .env("LISTEN", taken.local_addr().unwrap().to_string())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}
