use std::time::Duration;

use super::*;

const WECHAT: [(&str, &str); 5] = [
    ("WECHAT_APP_ID", "wx0123456789abcdef"),
    ("WECHAT_MCH_ID", "1900000109"),
    ("WECHAT_SERIAL_NO", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"),
    ("WECHAT_API_V3_KEY", "0123456789abcdef0123456789abcdef"),
    (
        "WECHAT_PRIVATE_KEY",
        "-----BEGIN PRIVATE KEY-----\\nc2VjcmV0\\n-----END PRIVATE KEY-----",
    ),
];
const ALIPAY: [(&str, &str); 3] = [
    ("ALIPAY_APP_ID", "2021000000000000"),
    ("ALIPAY_PRIVATE_KEY", "cHJpdmF0ZQ=="),
    ("ALIPAY_PUBLIC_KEY", "cHVibGlj"),
];

fn read(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::read(&Source::of(pairs))
}

fn culprit(pairs: &[(&str, &str)]) -> String {
    read(pairs).expect_err("the settings are refused").name
}

#[test]
fn without_settings_the_simulator_serves_on_port_3000() {
    let config = read(&[]).unwrap();
    assert!(matches!(config.gateways, GatewayMode::Simulator));
    assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(config.policy.order_ttl, Duration::from_mins(30));
    assert_eq!(config.policy.refund_confirm_above.to_yuan(), "1000.00");
}

#[test]
fn one_complete_account_means_live_mode() {
    let accounts = |pairs: &[(&str, &str)]| match read(pairs).unwrap().gateways {
        GatewayMode::Live(accounts) => (accounts.wechat.is_some(), accounts.alipay.is_some()),
        GatewayMode::Simulator => (false, false),
    };
    assert_eq!(accounts(&WECHAT), (true, false));
    assert_eq!(accounts(&ALIPAY), (false, true));
    let mut forced = ALIPAY.to_vec();
    forced.push(("GATEWAYS", "simulator"));
    assert!(matches!(read(&forced).unwrap().gateways, GatewayMode::Simulator));
}

#[test]
fn an_incomplete_account_is_refused_in_every_mode_and_the_missing_setting_named() {
    for account in [&WECHAT[..], &ALIPAY[..]] {
        for mode in ["auto", "live", "simulator"] {
            for missing in account {
                let mut pairs: Vec<_> = account.iter().copied().filter(|pair| pair != missing).collect();
                pairs.push(("GATEWAYS", mode));
                assert_eq!(culprit(&pairs), missing.0, "{mode}");
            }
        }
    }
    assert_eq!(
        culprit(&[("ALIPAY_SELLER_ID", "2088000000000000")]),
        "ALIPAY_APP_ID"
    );
    assert_eq!(
        culprit(&[("WECHAT_PUBLIC_KEY_ID", "PUB_KEY_ID_1")]),
        "WECHAT_APP_ID"
    );
    assert_eq!(culprit(&[("GATEWAYS", "live")]), "GATEWAYS");
    let mut only_id = WECHAT.to_vec();
    only_id.push(("WECHAT_PUBLIC_KEY_ID", "PUB_KEY_ID_1"));
    assert_eq!(culprit(&only_id), "WECHAT_PUBLIC_KEY");
}

#[test]
fn an_empty_setting_counts_as_unset() {
    assert!(matches!(
        read(&[("WECHAT_APP_ID", " "), ("API_KEY", "")]).unwrap().gateways,
        GatewayMode::Simulator
    ));
    let mut blank = WECHAT.to_vec();
    blank[3].1 = "  ";
    assert_eq!(culprit(&blank), "WECHAT_API_V3_KEY");
}

#[test]
fn a_wrong_setting_is_named() {
    for (name, value) in [
        ("LISTEN", "nowhere"),
        ("PUBLIC_URL", "pay.example.com"),
        ("PUBLIC_URL", "ftp://pay.example.com"),
        ("PUBLIC_URL", "https://pay.example.com/shop"),
        ("PUBLIC_URL", "https://pay.example.com?x=1"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("GATEWAYS", "Live"),
        ("LATE_PAYMENT", "keep"),
        ("LOG_FORMAT", "xml"),
        ("LOG", "tongqian=loud"),
        ("EXPIRY_CRON", "sometimes"),
        ("RECONCILE_CRON", "61 * * * * *"),
        ("PAYMENT_TTL_MINUTES", "0"),
        ("ORDER_TTL_MINUTES", "-1"),
        ("ORDER_TTL_MINUTES", "1e3"),
        ("ADMIN_PASSWORD", "short"),
        ("ADMIN_EMAIL", "nobody"),
        ("API_KEY", "two words"),
        ("WECHAT_GATEWAY", "api.mch.weixin.qq.com"),
        ("METRICS_LISTEN", "9100"),
        ("WECHAT_APPID", "wx0123456789abcdef"),
        ("WECHAT_SHIPPING", "express"),
        ("LOG_LEVEL", "debug"),
    ] {
        assert_eq!(culprit(&[(name, value)]), name, "{value}");
    }
    assert_eq!(culprit(&[("ADMIN_EMAIL", "a@example.com")]), "ADMIN_PASSWORD");
    assert!(read(&[("LOGIN_URL", "x"), ("PATH", "y")]).is_ok());
}

#[test]
fn shipping_needs_the_secret_of_the_mini_program() {
    let with = |extra: &[(&'static str, &'static str)]| [&WECHAT[..], extra].concat();
    let (id, secret) = (("WECHAT_MINI_APP_ID", "wx1"), ("WECHAT_MINI_APP_SECRET", "s"));
    let on = ("WECHAT_SHIPPING", "virtual");
    assert_eq!(culprit(&with(&[id, on])), "WECHAT_MINI_APP_SECRET");
    assert_eq!(culprit(&with(&[on])), "WECHAT_MINI_APP_SECRET");
    assert_eq!(culprit(&[&ALIPAY[..], &[on]].concat()), "WECHAT_MINI_APP_SECRET");
    assert_eq!(culprit(&with(&[secret])), "WECHAT_MINI_APP_ID");
    let keep = |days| ("RETAIN_PAYER_IDS_DAYS", days);
    assert_eq!(
        culprit(&with(&[id, secret, on, keep("29")])),
        "RETAIN_PAYER_IDS_DAYS"
    );
    assert!(read(&with(&[id, secret, on, keep("30")])).is_ok());
    assert!(read(&with(&[keep("29")])).is_ok());
    let config = read(&with(&[id, secret, on])).unwrap();
    assert_eq!(config.policy.shipping, Some(Logistics::Virtual));
    let off = read(&with(&[id, ("WECHAT_SHIPPING", "off")])).unwrap();
    assert_eq!(off.policy.shipping, None);
    let tried = read(&[("WECHAT_SHIPPING", "pickup")]).unwrap();
    assert_eq!(
        tried.policy.shipping,
        Some(Logistics::Pickup),
        "the simulator has a secret"
    );
}

#[test]
fn half_a_robot_is_refused_with_the_setting_that_is_missing() {
    let robot = "https://robot.example/send?access_token=hush";
    let mail = [
        ("SMTP_URL", "smtps://user:hush@mail.example.com"),
        ("NOTIFY_EMAIL_FROM", "Tongqian <tongqian@example.com>"),
        ("NOTIFY_EMAIL_TO", "ops@example.com, Boss <boss@example.com>"),
    ];
    for (name, other) in [
        ("NOTIFY_DINGTALK_URL", "NOTIFY_DINGTALK_SECRET"),
        ("NOTIFY_FEISHU_URL", "NOTIFY_FEISHU_SECRET"),
    ] {
        assert_eq!(culprit(&[(name, robot)]), other);
        assert_eq!(culprit(&[(other, "SEC1")]), name);
        assert!(read(&[(name, robot), (other, "SEC1")]).is_ok());
    }
    for (lacking, _) in mail {
        let rest: Vec<(&str, &str)> = mail.into_iter().filter(|(name, _)| *name != lacking).collect();
        assert_eq!(culprit(&rest), lacking);
    }
    let config = read(&mail).unwrap();
    assert!(!format!("{config:?}").contains("hush"));
    assert_eq!(config.robots.email.unwrap().to.len(), 2);
    for (name, value) in [
        (
            "NOTIFY_WECOM_URL",
            "qyapi.weixin.qq.com/cgi-bin/webhook/send?key=1",
        ),
        ("NOTIFY_QUIET_HOURS", "22-8"),
        ("SMTP_URL", "smtp://user:hush@mail.example.com?tls=none"),
        ("NOTIFY_EMAIL_FROM", "nobody"),
        ("NOTIFY_EMAIL_TO", "ops@example.com;boss@example.com"),
    ] {
        let mut settings: Vec<(&str, &str)> = mail.into_iter().filter(|(other, _)| *other != name).collect();
        settings.push((name, value));
        assert_eq!(culprit(&settings), name, "{value}");
    }
}

#[test]
fn an_address_inside_is_no_robot_unless_it_is_allowed() {
    let inside = ("NOTIFY_WECOM_URL", "http://127.0.0.1:9/send");
    let live: Vec<(&str, &str)> = ALIPAY.into_iter().chain([("GATEWAYS", "live")]).collect();
    let with = |more: &[(&'static str, &'static str)]| {
        let all: Vec<(&str, &str)> = live.iter().copied().chain(more.iter().copied()).collect();
        read(&all)
    };
    assert!(with(&[inside]).is_err());
    assert!(with(&[inside, ("WEBHOOK_ALLOWED_NETWORKS", "127.0.0.0/8")]).is_ok());
}

#[test]
fn minutes_are_exact() {
    for (text, millis) in [
        ("15", 900_000),
        ("0.05", 3_000),
        ("1.5", 90_000),
        ("10080", 604_800_000),
        ("0.333", 19_980),
    ] {
        assert_eq!(parse_minutes(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    for text in [
        "",
        ".",
        "1.",
        ".5",
        "0",
        "0.0000001",
        "10080.1",
        "1,5",
        "+1",
        " 1",
        "NaN",
        "99999999999",
    ] {
        assert!(parse_minutes(text).is_err(), "{text:?}");
    }
}

#[test]
fn classic_cron_expressions_run_at_second_zero() {
    assert_eq!(Cron::parse("*/5 * * * *").unwrap().as_str(), "0 */5 * * * *");
    assert_eq!(Cron::parse("*/2 * * * * *").unwrap().as_str(), "*/2 * * * * *");
}

#[test]
fn debug_shows_no_secret() {
    let mut pairs = WECHAT.to_vec();
    pairs.extend(ALIPAY);
    pairs.extend([
        ("API_KEY", "hush-api-key-of-some-length"),
        ("ADMIN_EMAIL", "a@example.com"),
        ("ADMIN_PASSWORD", "hush-password"),
        ("DATABASE_URL", "postgres://user:hush-database@localhost/x"),
    ]);
    let shown = format!(
        "{:?} {:?} {:?}",
        read(&pairs).unwrap(),
        Source::of(&pairs),
        Source::of_environment(&pairs)
    );
    for secret in [
        "hush",
        "c2VjcmV0",
        "cHJpdmF0ZQ",
        "cHVibGlj",
        "0123456789abcdef0123",
    ] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn unknown_names_are_refused_in_the_environment_too() {
    let culprit = |pairs: &[(&str, &str)]| {
        let error = Config::read(&Source::of_environment(pairs)).expect_err("the settings are refused");
        (error.name, error.problem)
    };
    for (name, nearest) in [
        ("GATEWAY", "GATEWAYS"),
        ("WECHAT_MCHID", "WECHAT_MCH_ID"),
        ("ALIPAY_APPID", "ALIPAY_APP_ID"),
        ("LOG_LEVEL", "LOG"),
        ("ORDER_TTL_MINUTE", "ORDER_TTL_MINUTES"),
        ("RECONCILE_CORN", "RECONCILE_CRON"),
    ] {
        let (found, problem) = culprit(&[(name, "live")]);
        assert_eq!(found, name);
        assert!(problem.ends_with(&format!(" is {nearest}")), "{problem}");
        assert!(problem.contains("the environment"), "{problem}");
    }
    // A compose file cannot unset a variable.
    assert!(Config::read(&Source::of_environment(&[("GATEWAY", "")])).is_ok());
    assert!(
        Config::read(&Source::of_environment(&[
            ("PUBLIC_IP", "192.0.2.1"),
            ("LANG", "C")
        ]))
        .is_ok()
    );
}

#[test]
fn with_live_gateways_a_weak_key_a_weak_password_and_a_database_in_memory_are_refused() {
    let owner = ("ADMIN_EMAIL", "a@example.com");
    for (pairs, name) in [
        (vec![("API_KEY", "nineteen-characters")], "API_KEY"),
        (vec![owner, ("ADMIN_PASSWORD", "eleven-char")], "ADMIN_PASSWORD"),
        (vec![owner, ("ADMIN_PASSWORD", "四字密码四字")], "ADMIN_PASSWORD"),
        (vec![("DATABASE_URL", "sqlite::memory:")], "DATABASE_URL"),
        (vec![("DATABASE_URL", "sqlite://:memory:")], "DATABASE_URL"),
        (
            vec![("DATABASE_URL", "sqlite://x?mode=memory&cache=shared")],
            "DATABASE_URL",
        ),
        (vec![("DATABASE_URL", "sqlite://")], "DATABASE_URL"),
    ] {
        assert!(read(&pairs).is_ok(), "{name} of a simulator");
        let mut live = ALIPAY.to_vec();
        live.extend(pairs);
        assert_eq!(culprit(&live), name);
    }
    let mut strong = ALIPAY.to_vec();
    strong.extend([
        ("API_KEY", "twenty-characters-ok"),
        owner,
        ("ADMIN_PASSWORD", "twelve-chars"),
    ]);
    assert!(read(&strong).is_ok());
}

#[test]
fn every_line_of_the_example_works_when_it_is_uncommented() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().display().to_string();
    let example = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example")).unwrap();
    let is_setting = |line: &&str| {
        let name = line.strip_prefix('#').and_then(|line| line.split_once('='));
        name.is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        })
    };
    let lines: Vec<&str> = example.lines().filter(is_setting).collect();
    assert!(lines.len() > 40, "{lines:?}");
    for line in lines {
        let line = line[1..].replace("/etc/tongqian", &place);
        let pairs = env_file::parse(&line).unwrap();
        let (name, value) = &pairs[0];
        assert_eq!(format!("{name}={value}"), line, "the value is what stands there");
        if let Some(path) = value
            .strip_prefix('@')
            .or(Some(value))
            .filter(|path| path.starts_with(&place))
        {
            std::fs::write(path, "<svg xmlns='x'/>").unwrap();
        }
        let error = Config::read(&Source::of(&with_companions(name, value))).err();
        assert_eq!(error, None, "{line}");
    }
}

/// Returns the setting with those it requires.
fn with_companions<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let certificates = ["ALIPAY_APP_CERT", "ALIPAY_CERT", "ALIPAY_ROOT_CERT"];
    let mut pairs = Vec::new();
    if name.starts_with("WECHAT_") {
        pairs.extend(WECHAT);
    }
    if name == "WECHAT_PUBLIC_KEY_ID" {
        pairs.push(("WECHAT_PUBLIC_KEY", "cHVibGlj"));
    }
    if certificates.contains(&name) {
        pairs.extend(&ALIPAY[..2]);
        pairs.extend(certificates.map(|name| (name, "cHVibGlj")));
    } else if name.starts_with("ALIPAY_") || name == "GATEWAYS" {
        pairs.extend(ALIPAY);
    }
    match name {
        "WECHAT_MINI_APP_SECRET" => pairs.push(("WECHAT_MINI_APP_ID", "wx1")),
        "ADMIN_EMAIL" => pairs.push(("ADMIN_PASSWORD", "twelve-chars")),
        "EPAY_PID" => pairs.push(("EPAY_KEY", "an-epay-key-of-32-visible-characters")),
        "WEBHOOK_URL" => pairs.push(("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")),
        "NOTIFY_DINGTALK_URL" => pairs.push(("NOTIFY_DINGTALK_SECRET", "SEC1")),
        "NOTIFY_FEISHU_URL" => pairs.push(("NOTIFY_FEISHU_SECRET", "secret")),
        "SMTP_URL" | "NOTIFY_EMAIL_FROM" | "NOTIFY_EMAIL_TO" => pairs.extend([
            ("SMTP_URL", "smtps://user:password@mail.example.com"),
            ("NOTIFY_EMAIL_FROM", "tongqian@example.com"),
            ("NOTIFY_EMAIL_TO", "ops@example.com"),
        ]),
        "BACKUP_CRON" | "BACKUP_KEEP" => pairs.push(("BACKUP_DIR", "backups")),
        "ADMIN_PASSWORD" if !value.is_empty() => pairs.push(("ADMIN_EMAIL", "a@example.com")),
        _ => {}
    }
    // An example without a value only shows the name.
    if !value.is_empty() {
        pairs.retain(|(other, _)| *other != name);
        pairs.push((name, value));
    }
    pairs
}
