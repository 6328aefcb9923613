//! Wrong settings stop the start with exit code 2 and the name of the variable, and never with its value.

use tempfile::TempDir;

use super::server::{program, run};

/// The exit code and what was said.
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
fn what_is_wrong_is_named() {
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
fn half_a_gateway_is_refused_in_every_mode() {
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
fn a_key_that_is_none_is_refused_and_not_shown() {
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
    // An audit makes no database; doing what is due does.
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
    assert!(said.contains(".env") && !said.contains("hush"), "{said}");
}

#[test]
fn a_taken_port_is_work_that_failed() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = TempDir::new().unwrap();
    let output = program(dir.path())
        .env("LISTEN", taken.local_addr().unwrap().to_string())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}
