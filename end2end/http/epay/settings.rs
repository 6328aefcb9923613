//! Settings and the command.

use tempfile::TempDir;

use crate::epay::client::{Client, KEY, start};
use crate::server::run;

fn start_with(settings: &[(&str, &str)]) -> (Option<i32>, String) {
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
fn wrong_settings_stop_the_start() {
    for (settings, name) in [
        (&[("EPAY", "yes")][..], "EPAY"),
        (&[("EPAY_REFUND", "maybe")], "EPAY_REFUND"),
        (&[("EPAY_PID", "1001")], "EPAY_KEY"),
        (&[("EPAY_KEY", KEY)], "EPAY_PID"),
        (&[("EPAY_PID", "0100"), ("EPAY_KEY", KEY)], "EPAY_PID"),
        (&[("EPAY_PID", "1234567890"), ("EPAY_KEY", KEY)], "EPAY_PID"),
        (&[("EPAY_PID", "1001"), ("EPAY_KEY", "hush-hush")], "EPAY_KEY"),
        (
            &[
                ("EPAY_PID", "1001"),
                ("EPAY_KEY", KEY),
                ("EPAY_PUBLIC_KEY", "aHVzaA=="),
            ],
            "EPAY_PUBLIC_KEY",
        ),
    ] {
        let (code, said) = start_with(settings);
        assert_eq!(code, Some(2), "{settings:?}: {said}");
        assert!(said.contains(name) && !said.contains("hush-hush"), "{said}");
    }
}

#[tokio::test]
async fn the_key_of_the_environment_replaces_the_stored_one() {
    let (server, shop) = start(&[]);
    assert_eq!(shop.mapi(&shop.order("first")).await["code"], 1);
    let dir = server.kill();
    let other = "another-epay-key-0123456789-abcdefgh";
    let settings = [
        ("API_KEY", crate::server::API_KEY),
        ("EPAY", "on"),
        ("EPAY_PID", "1001"),
        ("EPAY_KEY", other),
    ];
    let server = crate::server::Server::start_in(dir, &settings);
    let old = Client {
        url: server.url.clone(),
        ..shop
    };
    assert_eq!(old.query("first").await["code"], -3);
    let new = Client {
        key: other.to_owned(),
        ..old
    };
    assert_eq!(new.query("first").await["code"], 1);
}

#[test]
fn the_command_prints_the_keys_once() {
    let dir = TempDir::new().unwrap();
    let create = |args: &[&str]| {
        let mut all = vec!["epay", "create", "--name", "Shop"];
        all.extend(args);
        let output = run(dir.path(), &[], &all, "");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (code, said) = create(&[]);
    assert_eq!(code, Some(0));
    let names: Vec<&str> = said
        .lines()
        .filter_map(|line| Some(line.split_once(": ")?.0))
        .collect();
    assert_eq!(
        names,
        ["pid", "key", "platform_public_key", "merchant_private_key"]
    );
    assert!(said.starts_with("pid: 1001\n"), "{said}");
    let platform = said.lines().nth(2).unwrap().split_once(": ").unwrap().1;
    std::fs::write(dir.path().join("public.pem"), platform).unwrap();
    let (code, said) = create(&["--public-key", "@public.pem"]);
    assert_eq!(code, Some(0));
    assert!(
        said.starts_with("pid: 1002\n") && !said.contains("merchant_private_key"),
        "{said}"
    );
    assert_eq!(create(&["--public-key", "@nowhere.pem"]).0, Some(2));
    assert_eq!(create(&["--public-key", "aHVzaA=="]).0, Some(2));
}
