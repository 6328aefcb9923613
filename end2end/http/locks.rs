//! One embedded database, one server.

use tempfile::TempDir;

use super::server::{Gateways, Server, run};

#[tokio::test]
async fn a_second_server_on_one_file_is_refused_until_the_first_is_dead() {
    let simulator_dir = TempDir::new().unwrap();
    let gateways = Gateways::start(simulator_dir.path());
    let server = Server::live(TempDir::new().unwrap(), &gateways, &[]);
    let mut settings = vec![("GATEWAYS", "live"), ("LISTEN", "127.0.0.1:0"), ("LOG", "off")];
    let own = gateways.settings.iter();
    settings.extend(own.map(|(name, value)| (name.as_str(), value.as_str())));
    let second = run(server.dir.path(), &settings, &["serve"], "");
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        said.contains("DATABASE_URL") && said.contains("another server uses the database"),
        "{said}"
    );
    // Commands beside the server are none.
    let audit = run(server.dir.path(), &settings, &["audit"], "");
    assert!(
        audit.status.success(),
        "{}",
        String::from_utf8_lossy(&audit.stderr)
    );
    let dir = server.kill();
    drop(Server::live(dir, &gateways, &[]));
}
