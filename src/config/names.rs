//! Detects unknown settings: typing mistakes, and settings that this version does not have.
//!
//! `.env` belongs to this program, so broad prefixes are checked there. The environment is shared with a shell, systemd,
//! Kubernetes and other programs, so only unambiguous names stop a start there.

use std::collections::BTreeSet;

/// Prefixes that are ours in either place.
const PREFIXES: [&str; 24] = [
    "WECHAT_",
    "ALIPAY_",
    "EPAY_",
    "GATEWAY",
    "PAYMENT_",
    "ORDER_",
    "REFUND_",
    "RECONCILE_",
    "EXPIRY_",
    "STATEMENTS_",
    "LATE_",
    "SIMULATOR_",
    "MERCHANT_",
    "BACKUP_",
    "ADMIN_",
    "API_KEY",
    "API_RATE",
    "API_STRANGERS",
    "LOG_",
    "TRUSTED_PROX",
    "RETURN_URL",
    "ACCEPT_OTHER",
    "SECRETS_KEY",
    "RETAIN_",
];
/// Prefixes that are ours in `.env` but may be another program's in the environment.
const FILE_PREFIXES: [&str; 13] = [
    "API_",
    "PUBLIC_",
    "DATABASE_",
    "LISTEN_",
    "METRICS_",
    "RETURN_",
    "TRUSTED_",
    "WEBHOOK_",
    "NOTIFY_",
    "SMTP_",
    "OTEL_",
    "MAX_",
    "EVENT_",
];
/// Names of other programs that resemble ours.
const FOREIGN: [&str; 4] = ["APP_KEY", "LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"];
/// Common names from other software, and ours for the same.
const SYNONYMS: [(&str, &str); 3] = [
    ("LOG_LEVEL", "LOG"),
    ("DATABASE_PATH", "DATABASE_URL"),
    ("DATABASE_FILE", "DATABASE_URL"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    File,
    Environment,
}

impl Place {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Place::File => ".env",
            Place::Environment => "the environment",
        }
    }
}

/// Returns whether this unknown name must stop the start.
pub(super) fn is_mistake(name: &str, place: Place, known: &BTreeSet<&'static str>) -> bool {
    let upper = name.to_ascii_uppercase();
    if place == Place::Environment && (FOREIGN.contains(&upper.as_str()) || is_service_link(&upper)) {
        return false;
    }
    let begins_like = |prefixes: &[&str]| prefixes.iter().any(|prefix| upper.starts_with(prefix));
    // A lower-case prefix is another program's: `order_by` in a shell script is no setting.
    (name == upper && begins_like(&PREFIXES))
        || (place == Place::File && begins_like(&FILE_PREFIXES))
        || known
            .iter()
            .any(|known| edit_distance(&upper, known) <= tolerated_slips(known, place))
}

/// Edit distance that still counts as a typing mistake. Short names resemble too many words: `LOG` is near `LANG`.
fn tolerated_slips(known: &str, place: Place) -> usize {
    match (known.len(), place) {
        (8.., _) => 2,
        (6.., _) | (5, Place::File) => 1,
        _ => 0,
    }
}

/// Returns whether the name is a service link: Kubernetes and Docker set these for every container.
fn is_service_link(name: &str) -> bool {
    let has_port = |mark: &str| {
        name.split_once(mark).is_some_and(|(_, rest)| {
            rest.chars().next().is_some_and(|first| first.is_ascii_digit())
                && ["_TCP", "_UDP", "_SCTP"].iter().any(|kind| rest.contains(kind))
        })
    };
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || has_port("_PORT_")
}

/// Returns the setting that was probably meant.
pub(super) fn find_nearest(name: &str, known: &BTreeSet<&'static str>) -> Option<&'static str> {
    let upper = name.to_ascii_uppercase();
    if let Some((_, ours)) = SYNONYMS.iter().find(|(theirs, _)| *theirs == upper) {
        return Some(ours);
    }
    known
        .iter()
        .copied()
        .min_by_key(|known| edit_distance(&upper, known))
}

/// Levenshtein distance.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let changed = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 12] = [
        "GATEWAYS",
        "LOG",
        "LOG_FORMAT",
        "LISTEN",
        "API_KEY",
        "PUBLIC_URL",
        "DATABASE_URL",
        "WECHAT_MCH_ID",
        "ADMIN_PASSWORD",
        "TRUSTED_PROXIES",
        "METRICS_LISTEN",
        "ACCEPT_OTHER_MERCHANT",
    ];

    fn known() -> BTreeSet<&'static str> {
        KNOWN.into_iter().collect()
    }

    #[test]
    fn misspelt_settings_are_refused_in_both_places_with_the_nearest_name() {
        for (name, nearest) in [
            ("GATEWAY", "GATEWAYS"),
            ("GATEWAY_MODE", "GATEWAYS"),
            ("GATWAYS", "GATEWAYS"),
            ("gateways", "GATEWAYS"),
            ("WECHAT_MCHID", "WECHAT_MCH_ID"),
            ("WECHAT_MHC_ID", "WECHAT_MCH_ID"),
            ("DATABASE_URI", "DATABASE_URL"),
            ("DATABSE_URL", "DATABASE_URL"),
            ("PUBLICURL", "PUBLIC_URL"),
            ("API_KEYS", "API_KEY"),
            ("LOG_LEVEL", "LOG"),
            ("ADMIN_PASS", "ADMIN_PASSWORD"),
            ("TRUSTED_PROXY", "TRUSTED_PROXIES"),
            ("ACCEPT_OTHER_MERCHANTS", "ACCEPT_OTHER_MERCHANT"),
        ] {
            for place in [Place::File, Place::Environment] {
                assert!(is_mistake(name, place, &known()), "{name} in {}", place.name());
            }
            assert_eq!(find_nearest(name, &known()), Some(nearest), "{name}");
        }
        for name in ["EPAY_KEY", "BACKUP_DIR", "STATEMENTS_CRON"] {
            assert!(is_mistake(name, Place::Environment, &known()), "{name}");
        }
    }

    #[test]
    fn names_of_other_programs_do_not_stop_a_start() {
        for name in [
            "PATH",
            "HOME",
            "LANG",
            "LC_ALL",
            "TZ",
            "PWD",
            "OLDPWD",
            "_",
            "TERM",
            "USER",
            "LOGNAME",
            "SHLVL",
            "DEBUG",
            "LISTEN_FDS",
            "LISTEN_PID",
            "LISTEN_FDNAMES",
            "NOTIFY_SOCKET",
            "INVOCATION_ID",
            "JOURNAL_STREAM",
            "LOGS_DIRECTORY",
            "PUBLIC_IP",
            "PUBLIC_HOSTNAME",
            "PUBLIC_SUFFIX_LIST",
            "DATABASE_HOST",
            "DATABASE_PASSWORD",
            "WEBHOOK_TOKEN",
            "SMTP_HOST",
            "SMTP_URL",
            "OTEL_SERVICE_NAME",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "METRICS_PORT",
            "API_URL",
            "API_BASE",
            "APP_KEY",
            "RETURN_CODE",
            "LEPTOS_OUTPUT_NAME",
            "RUST_LOG",
            "HTTP_PROXY",
            "https_proxy",
            "order_by",
            "payment_dir",
            "PORT",
            "ORDER_SERVICE_SERVICE_HOST",
            "ORDER_SERVICE_SERVICE_PORT_HTTP",
            "GATEWAY_PORT",
            "PAYMENT_API_PORT_80_TCP_ADDR",
            "GATEWAY_PORT_8080_TCP",
        ] {
            assert!(!is_mistake(name, Place::Environment, &known()), "{name}");
        }
        for name in [
            "SOMETHING_ELSE",
            "COMPOSE_PROJECT_NAME",
            "LOGIN_URL",
            "TZ",
            "LANG",
            "PATH",
        ] {
            assert!(!is_mistake(name, Place::File, &known()), "{name}");
        }
        for name in [
            "OTEL_SERVICE_NAME",
            "SMTP_URL",
            "PUBLIC_IP",
            "LISTEN_PORT",
            "API_BASE",
            "NOTIFY_SOCKET",
        ] {
            assert!(is_mistake(name, Place::File, &known()), "{name}");
        }
    }

    #[test]
    fn distance_counts_slips() {
        for (left, right, expected) in [
            ("", "", 0),
            ("LOG", "LOG", 0),
            ("LOG", "LANG", 2),
            ("GATEWAY", "GATEWAYS", 1),
            ("MHC", "MCH", 2),
            ("", "ABC", 3),
        ] {
            assert_eq!(edit_distance(left, right), expected, "{left} {right}");
            assert_eq!(edit_distance(right, left), expected, "{right} {left}");
        }
    }
}
