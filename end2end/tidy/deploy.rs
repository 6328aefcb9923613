//! Files for operators: what they name must exist, and what they promise must stand in them.

use std::collections::BTreeSet;

use super::documents::read;

#[test]
fn every_alert_has_an_expression_a_severity_and_a_summary() {
    let text = read("deploy/alerts.yml");
    let alerts: Vec<&str> = text.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 15, "{}", alerts.len());
    let mut names = BTreeSet::new();
    for alert in alerts {
        let name = alert.lines().next().unwrap_or_default().trim();
        assert!(names.insert(name), "{name} stands twice");
        for part in ["expr:", "summary:"] {
            assert_eq!(alert.matches(part).count(), 1, "{name}: {part}");
        }
        let is_graded = alert.contains("severity: page") || alert.contains("severity: ticket");
        assert!(is_graded, "{name} has no severity");
        for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
            let (n_open, n_close) = (alert.matches(open).count(), alert.matches(close).count());
            assert_eq!(n_open, n_close, "{name}: {open} and {close}");
        }
        assert!(!alert.contains('\t'), "{name}: YAML knows no tabs");
    }
}

#[test]
fn the_dashboard_is_json_with_a_query_in_every_panel() {
    let text = read("deploy/dashboard.json");
    let n_panels = text.matches("\"gridPos\"").count();
    assert!(n_panels > 10);
    assert_eq!(text.matches("\"targets\"").count(), n_panels);
    assert_eq!(text.matches('{').count(), text.matches('}').count());
    assert_eq!(text.matches('[').count(), text.matches(']').count());
    // The data source is chosen when the dashboard is imported.
    assert_eq!(text.matches("\"uid\": \"${source}\"").count(), n_panels);
}

/// Settings that these files set must be settings.
#[test]
fn settings_in_files_for_operators_exist() {
    let known = read(".env.example");
    let is_known = |name: &str| {
        known.lines().any(|line| {
            line.trim_start_matches('#')
                .trim_start()
                .starts_with(&format!("{name}="))
        })
    };
    for (file, names) in [
        ("Dockerfile", vec!["LISTEN", "DATABASE_URL"]),
        (
            "compose.yaml",
            vec![
                "LISTEN",
                "METRICS_LISTEN",
                "DATABASE_URL",
                "PUBLIC_URL",
                "SECRETS_KEY",
                "TRUSTED_PROXIES",
                "BACKUP_DIR",
            ],
        ),
        ("deploy/tongqian.service", vec!["LISTEN", "DATABASE_URL"]),
        ("deploy/nginx.conf", vec!["PUBLIC_URL", "TRUSTED_PROXIES"]),
        ("deploy/Caddyfile", vec!["PUBLIC_URL", "TRUSTED_PROXIES"]),
    ] {
        let text = read(file);
        for name in names {
            assert!(text.contains(name), "{file} no longer names {name}");
            assert!(is_known(name), "{file} names {name}, which is no setting");
        }
    }
}

#[test]
fn the_service_keeps_its_hardening() {
    let text = read("deploy/tongqian.service");
    for line in [
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "MemoryDenyWriteExecute=yes",
        "CapabilityBoundingSet=",
        "RestrictNamespaces=yes",
        "SystemCallFilter=@system-service",
        "UMask=0077",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
}

#[test]
fn the_image_runs_without_rights_and_the_proxies_change_no_body() {
    let image = read("Dockerfile");
    assert!(image.contains("USER 65532:65532") && image.contains("HEALTHCHECK"));
    let compose = read("compose.yaml");
    assert!(compose.contains("read_only: true") && compose.contains("cap_drop: [ALL]"));
    for proxy in ["deploy/nginx.conf", "deploy/Caddyfile"] {
        let text = read(proxy);
        let directives = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        for line in directives {
            assert!(
                !line.starts_with("sub_filter") && !line.starts_with("replace"),
                "{proxy}: {line}"
            );
            assert!(
                !line.contains("non_idempotent"),
                "{proxy} would send a POST twice: {line}"
            );
        }
    }
}
