//! The command line: what to do, with which settings, and how it ended.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::ListenOptions;
use crate::config::{Config, Source};
use crate::{Failure, LONG_VERSION, commands, doctor, telemetry};

/// A self-hosted checkout for WeChat Pay, Alipay and account balance.
///
/// Settings come from the environment and from `.env` in the working directory; the environment wins.
#[derive(Debug, Parser)]
#[command(name = "tongqian", version, long_version = LONG_VERSION, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve,
    /// Run the gateway simulator alone, for other people's clients
    Simulator {
        #[arg(long, default_value = "127.0.0.1:3001")]
        listen: SocketAddr,
        /// Keep the keys in this directory, so that they stay the same
        #[arg(long)]
        keys: Option<PathBuf>,
        /// Keys that WeChat Pay signs with: public-key, certificate, or both, as while a merchant changes over
        #[arg(long, default_value = "public-key", value_parser = commands::parse_wechat_keys)]
        wechat_keys: simulator::WechatKeys,
    },
    /// People of the console
    #[command(subcommand)]
    Admin(Admin),
    /// Keys of merchants' programs
    #[command(subcommand)]
    Key(Key),
    /// Merchants of the epay protocol
    #[command(subcommand)]
    Epay(Epay),
    /// Check every money invariant on the database; exit code 1 when one is broken
    Audit,
    /// Run everything that is due once, then exit
    RunDue,
    /// Check the set-up: a line for each check, exit code 1 when one fails
    Doctor {
        /// Ask nobody: neither the gateways nor the public address
        #[arg(long)]
        offline: bool,
    },
    /// Ask the server that listens on LISTEN whether it is ready; exit code 1 when it is not
    Health,
    /// Copy the SQLite database into a new file while the server runs
    Backup { file: PathBuf },
    /// Open a copy of a backup and check all of it; exit code 1 when something is broken
    RestoreCheck { file: PathBuf },
    /// Compare the gateways' statements of a day with the books; exit code 1 when something is left open
    Reconcile {
        /// Day in Beijing, as in 2026-11-27
        #[arg(long, value_parser = commands::parse_day)]
        day: chrono::NaiveDate,
        /// wechat or alipay; without it all that are configured
        #[arg(long, value_parser = commands::parse_gateway)]
        gateway: Option<domain::Channel>,
        /// The gateway's own file as it was downloaded, instead of fetching it
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Follow the feed of events and post each to a program under development, signed like a webhook
    Listen(ListenOptions),
    /// Print everything that is kept of one user, as JSON
    Export {
        #[arg(long)]
        user: String,
    },
    /// Erase the personal data of one user; the books stay
    Forget {
        #[arg(long)]
        user: String,
    },
}

#[derive(Debug, Subcommand)]
enum Admin {
    /// Create a console user; the password is asked for, or read from standard input
    Create {
        #[arg(long)]
        email: String,
        /// owner, finance, support, developer or viewer
        #[arg(long, default_value = "owner", value_parser = commands::parse_role)]
        role: payments::users::Role,
        /// Another person will use this password: it must be changed at the first login
        #[arg(long)]
        first_password: bool,
    },
    /// Give a user a new first password and turn the second factor off; the password is asked for, or read from standard input
    Reset {
        #[arg(long)]
        email: String,
    },
}

#[derive(Debug, Subcommand)]
enum Key {
    /// Create an API key and print it once
    Create {
        #[arg(long)]
        name: String,
        /// Any of read, pay and refund, separated by commas
        #[arg(long, default_value = "read,pay,refund", value_delimiter = ',', value_parser = commands::parse_scope)]
        scope: Vec<payments::api_keys::Scope>,
        /// The largest single refund or credit of this key, in fen
        #[arg(long, value_parser = commands::parse_fen)]
        most_per_refund: Option<domain::Money>,
        /// The sum of refunds and credits of this key on one day in Beijing, in fen
        #[arg(long, value_parser = commands::parse_fen)]
        most_per_day: Option<domain::Money>,
    },
}

#[derive(Debug, Subcommand)]
enum Epay {
    /// Create a merchant and print its keys once
    Create {
        #[arg(long)]
        name: String,
        /// The merchant's RSA public key for V2, as text or as @FILE; without it a pair is made
        #[arg(long)]
        public_key: Option<String>,
    },
}

/// Runs the command that the arguments of the process name.
#[tokio::main]
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    match Box::pin(run_command(cli.command.unwrap_or(Command::Serve))).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            commands::complain(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

async fn run_command(command: Command) -> Result<(), Failure> {
    // Before the settings are read: what is wrong with them is a line of its own there.
    if let Command::Doctor { offline } = command {
        return doctor::run(offline).await;
    }
    let source = Source::read()?;
    if let Command::Simulator {
        listen,
        keys,
        wechat_keys,
    } = command
    {
        telemetry::init(&crate::config::Log::read(&source)?);
        return commands::simulate(listen, keys, wechat_keys).await;
    }
    let config = Config::read(&source)?;
    if let (Command::Serve, Some(settings)) = (&command, &config.traces) {
        let traces = telemetry::init_with_traces(&config.log, settings)?;
        let outcome = crate::serve(config).await;
        traces.flush().await;
        return outcome;
    }
    telemetry::init(&config.log);
    match command {
        Command::Serve => crate::serve(config).await,
        Command::Admin(Admin::Create {
            email,
            role,
            first_password,
        }) => commands::create_admin(&config, &email, role, first_password).await,
        Command::Admin(Admin::Reset { email }) => commands::reset_admin(&config, &email).await,
        Command::Key(Key::Create {
            name,
            scope,
            most_per_refund,
            most_per_day,
        }) => {
            let limits = payments::api_keys::KeyLimits {
                per_refund: most_per_refund,
                per_day: most_per_day,
            };
            commands::create_key(&config, &name, &scope, limits).await
        }
        Command::Epay(Epay::Create { name, public_key }) => {
            commands::create_epay_merchant(&config, &name, public_key.as_deref()).await
        }
        Command::Audit => commands::audit(&config).await,
        Command::RunDue => commands::run_due(&config).await,
        Command::Health => commands::check_health(&config).await,
        Command::Backup { file } => commands::back_up(&config, &file).await,
        Command::RestoreCheck { file } => commands::check_backup(&config, &file).await,
        Command::Reconcile { day, gateway, file } => {
            commands::reconcile(&config, day, gateway, file.as_deref()).await
        }
        Command::Listen(options) => commands::listen(&config, options).await,
        Command::Export { user } => commands::export_user(&config, &user).await,
        Command::Forget { user } => commands::forget_user(&config, &user).await,
        Command::Simulator { .. } | Command::Doctor { .. } => Ok(()),
    }
}
