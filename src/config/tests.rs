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
fn nothing_set_is_the_simulator_on_port_3000() {
    let config = read(&[]).unwrap();
    assert!(matches!(config.gateways, GatewayMode::Simulator));
    assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(config.policy.order_ttl, Duration::from_secs(1800));
    assert_eq!(config.policy.refund_confirm_above.to_yuan(), "1000.00");
}

#[test]
fn one_whole_account_is_live_and_never_the_simulator() {
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
fn half_an_account_is_refused_in_every_mode_and_the_missing_part_is_named() {
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
fn an_empty_value_is_no_value() {
    assert!(matches!(
        read(&[("WECHAT_APP_ID", " "), ("API_KEY", "")]).unwrap().gateways,
        GatewayMode::Simulator
    ));
    let mut blank = WECHAT.to_vec();
    blank[3].1 = "  ";
    assert_eq!(culprit(&blank), "WECHAT_API_V3_KEY");
}

#[test]
fn what_is_wrong_is_named() {
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
        ("LOG_LEVEL", "debug"),
    ] {
        assert_eq!(culprit(&[(name, value)]), name, "{value}");
    }
    assert_eq!(culprit(&[("ADMIN_EMAIL", "a@example.com")]), "ADMIN_PASSWORD");
    assert!(read(&[("LOGIN_URL", "x"), ("PATH", "y")]).is_ok());
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
        ("API_KEY", "hush-api-key"),
        ("ADMIN_EMAIL", "a@example.com"),
        ("ADMIN_PASSWORD", "hush-password"),
        ("DATABASE_URL", "postgres://user:hush-database@localhost/x"),
    ]);
    let shown = format!("{:?} {:?}", read(&pairs).unwrap(), Source::of(&pairs));
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
