//! Commands other than `serve`.

mod backup;
mod health;
mod listen;
mod reconcile;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;

use payments::api_keys::{self, KeyDraft, KeyLimits, Scope};
use payments::gateway::Gateways;
use payments::users::Role;
use payments::{console, epay};
use secrecy::{ExposeSecret as _, SecretString};
use simulator::WechatKeys;

pub use self::backup::{back_up, check_backup};
pub use self::health::check_health;
pub use self::listen::{ListenOptions, listen};
pub use self::reconcile::{parse_day, parse_gateway, reconcile};
pub use crate::config::parse_fen;
use crate::config::{Config, ConfigError, GatewayMode, PublicUrl, parse_email, parse_password};
use crate::os_user::command_visit;
use crate::{Failure, connect, connect_to_audit, gateways, merchants, password, say, stop, telemetry};

pub fn parse_role(word: &str) -> Result<Role, String> {
    Role::parse(word).ok_or_else(|| "must be owner, finance, support, developer or viewer".to_owned())
}

pub fn parse_scope(word: &str) -> Result<Scope, String> {
    Scope::parse(word).ok_or_else(|| "must be read, pay or refund".to_owned())
}

pub fn parse_wechat_keys(word: &str) -> Result<WechatKeys, String> {
    match word {
        "public-key" => Ok(WechatKeys::PublicKey),
        "certificate" => Ok(WechatKeys::Certificate),
        "both" => Ok(WechatKeys::Both),
        _ => Err("must be public-key, certificate or both".to_owned()),
    }
}

/// Prints a failure on standard error: it names the setting, and never its value.
pub fn complain(failure: &Failure) {
    let mut out = std::io::stderr().lock();
    if writeln!(out, "tongqian: {}", telemetry::chain(failure)).is_err() {
        tracing::debug!("standard error is closed");
    }
}

pub async fn simulate(
    listen: SocketAddr,
    keys: Option<PathBuf>,
    wechat_keys: WechatKeys,
) -> Result<(), Failure> {
    let settings = simulator::Settings {
        listen,
        key_dir: keys,
        wechat_keys,
        ..simulator::Settings::default()
    };
    let simulator = simulator::Simulator::start(settings)
        .await
        .map_err(Failure::setting("--listen", "the simulator cannot start"))?;
    say(&format!("Simulator listens on {}", simulator.base_url()));
    say(&format!("Simulated wallet at {}", simulator.wallet_url()));
    say("# Settings of a merchant server that pays here:");
    say("GATEWAYS=live");
    for (name, value) in simulator.credentials().env_lines(&simulator.base_url()) {
        // Quoted, because the first line of a PEM contains spaces; shell and `.env` read quotes alike.
        let quote = if value.contains(' ') { "\"" } else { "" };
        say(&format!("{name}={quote}{value}{quote}"));
    }
    say("# The simulator is ready.");
    stop::signal().await;
    simulator.stop().await;
    Ok(())
}

pub async fn create_admin(
    config: &Config,
    email: &str,
    role: Role,
    must_change_password: bool,
) -> Result<(), Failure> {
    let email = parse_email(email).map_err(|problem| ConfigError::new("--email", problem))?;
    let password = ask_password()?;
    let services = connect(config, Gateways::default()).await?;
    let hash = password::hash(password).await?;
    let invitation = console::Invitation {
        email: &email,
        password_hash: &hash,
        role,
        must_change_password,
    };
    let is_new = console::invite(&services, &command_visit(), invitation).await?;
    services.db.close().await;
    if !is_new {
        return Err(Failure::Refused(format!("{email} is a user already")));
    }
    say(&format!("{email} may now log in as {}", role.as_str()));
    Ok(())
}

/// Gives a console user a first password, the last way in for an owner without password or phone.
pub async fn reset_admin(config: &Config, email: &str) -> Result<(), Failure> {
    let email = parse_email(email).map_err(|problem| ConfigError::new("--email", problem))?;
    let password = ask_password()?;
    let services = connect(config, Gateways::default()).await?;
    let hash = password::hash(password).await?;
    let reset = console::reset_login_of(&services, &command_visit(), &email, &hash).await;
    services.db.close().await;
    match reset {
        Ok(()) => {}
        Err(console::ConsoleError::Core(payments::Error::NotFound)) => {
            return Err(Failure::Refused(format!("{email} is no user, or is disabled")));
        }
        Err(console::ConsoleError::Core(error)) => return Err(error.into()),
        Err(error) => return Err(Failure::Refused(error.to_string())),
    }
    say(&format!(
        "{email} may log in with this password and must change it; the second factor is off"
    ));
    Ok(())
}

/// Reads a password: from a terminal without echo and twice, else one line of standard input.
fn ask_password() -> Result<SecretString, Failure> {
    let text = if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ").map_err(Failure::io("no password"))?;
        let second = rpassword::prompt_password("Once more: ").map_err(Failure::io("no password"))?;
        if first != second {
            return Err(ConfigError::new("password", "the two are not the same").into());
        }
        first
    } else {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(Failure::io("no password"))?;
        line.trim_end_matches(['\n', '\r']).to_owned()
    };
    Ok(parse_password(&text).map_err(|problem| ConfigError::new("password", problem))?)
}

pub async fn create_key(
    config: &Config,
    name: &str,
    scopes: &[Scope],
    limits: KeyLimits,
) -> Result<(), Failure> {
    if !payments::is_line(name, 100) {
        return Err(ConfigError::new("--name", "must have 1 to 100 characters").into());
    }
    let services = connect(config, Gateways::default()).await?;
    let draft = KeyDraft { name, scopes, limits };
    let key = api_keys::create_api_key(&services, &command_visit(), &draft).await?;
    services.db.close().await;
    say(&key);
    Ok(())
}

/// Makes a merchant of the epay protocol and prints its keys, which nobody is shown again.
pub async fn create_epay_merchant(
    config: &Config,
    name: &str,
    public_key: Option<&str>,
) -> Result<(), Failure> {
    if !payments::is_line(name, 100) {
        return Err(ConfigError::new("--name", "must have 1 to 100 characters").into());
    }
    let public_key = public_key.map(read_public_key).transpose()?;
    let services = connect(config, Gateways::default()).await?;
    let made = epay::create_merchant(&services, &command_visit(), name, public_key.as_deref()).await?;
    services.db.close().await;
    say(&format!("pid: {}", made.pid));
    say(&format!("key: {}", made.key.expose_secret()));
    say(&format!("platform_public_key: {}", made.platform_public_key));
    if let Some(key) = made.merchant_private_key {
        say(&format!("merchant_private_key: {}", key.expose_secret()));
    }
    Ok(())
}

fn read_public_key(argument: &str) -> Result<String, ConfigError> {
    const NAME: &str = "--public-key";
    let text = match argument.strip_prefix('@') {
        None => argument.to_owned(),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| ConfigError::new(NAME, format!("{path} cannot be read: {error}")))?,
    };
    epay::read_public_key(NAME, &text).map_err(|error| ConfigError::new(NAME, error.message))
}

pub async fn audit(config: &Config) -> Result<(), Failure> {
    // Must not create a database: a wrong path would pass as a sound, empty one.
    if !payments::store::Db::exists(config.database_url.expose_secret()).map_err(payments::Error::from)? {
        return Err(Failure::Refused(
            "there is no database at DATABASE_URL to audit".to_owned(),
        ));
    }
    let services = connect_to_audit(config, config.database_url.expose_secret()).await?;
    let findings = payments::check_invariants(&services).await?;
    services.db.close().await;
    let mut n_broken = 0_usize;
    for finding in &findings {
        let verdict = if finding.n_broken == 0 {
            "ok".to_owned()
        } else {
            format!("BROKEN {}", finding.n_broken)
        };
        n_broken += usize::from(finding.n_broken > 0);
        say(&format!("{verdict}\t{}", finding.name));
    }
    if n_broken == 0 {
        Ok(())
    } else {
        Err(Failure::Refused(format!(
            "{n_broken} of {} invariants are broken",
            findings.len()
        )))
    }
}

pub async fn run_due(config: &Config) -> Result<(), Failure> {
    if matches!(config.gateways, GatewayMode::Simulator) {
        // A second simulator would report the server's payments as unknown.
        tracing::warn!(
            "the simulator lives in the server's process: only what needs no gateway is done here"
        );
    }
    let public_url = config
        .public_url
        .clone()
        .unwrap_or_else(|| PublicUrl::of(config.listen));
    let services = connect(config, gateways::live(config, &public_url)?).await?;
    merchants::check_merchants(config, &services).await?;
    let n_asked = payments::reconcile_payments(&services).await?;
    let n_refunds = payments::reconcile_refunds(&services).await?;
    let n_ended = payments::expire(&services).await?;
    let n_erased = payments::erase_old_data(&services).await?;
    let latest = crate::jobs::last_statement_day(config.statements_cron.as_str(), services.clock.now());
    let n_days = payments::reconciliation::run_statements(&services, latest).await?;
    let n_alarms = payments::alarm::gather_alarms(&services).await?;
    let n_uploads = payments::upload_shipping(&services).await?;
    let n_attempts = payments::deliver_webhooks(&services).await?;
    payments::try_to_write_calls(&services).await;
    services.db.close().await;
    say(&format!("reconcile_payments {n_asked}"));
    say(&format!("reconcile_refunds {n_refunds}"));
    say(&format!("expire {n_ended}"));
    say(&format!("erase_old_data {n_erased}"));
    say(&format!("statements {n_days}"));
    say(&format!("upload_shipping {n_uploads}"));
    say(&format!("gather_alarms {n_alarms}"));
    say(&format!("deliver_webhooks {n_attempts}"));
    Ok(())
}

/// Prints all data kept of one user as JSON on standard output.
pub async fn export_user(config: &Config, user_id: &str) -> Result<(), Failure> {
    let services = connect(config, Gateways::default()).await?;
    let copy = payments::export_user(&services, &command_visit(), user_id).await?;
    services.db.close().await;
    say(&format!("{copy:#}"));
    Ok(())
}

/// Erases the personal data of one user. Open payments keep what may have to be sent to their gateway again.
pub async fn forget_user(config: &Config, user_id: &str) -> Result<(), Failure> {
    let services = connect(config, Gateways::default()).await?;
    let erased = payments::forget_user(&services, &command_visit(), user_id).await?;
    services.db.close().await;
    say(&format!("orders {}", erased.n_orders));
    if erased.n_open > 0 {
        let n = erased.n_open;
        return Err(Failure::Refused(format!(
            "{n} payments are still open and keep the payer's id; run this again when they are over"
        )));
    }
    Ok(())
}
