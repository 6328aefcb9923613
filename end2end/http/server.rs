//! Starts the program as an operator would: with settings, in a directory, and reading what it prints.

use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub const API_KEY: &str = "tq_test_0123456789abcdef";
const PATIENCE: Duration = Duration::from_mins(1);

/// A running server; it dies with its owner.
pub struct Server {
    child: Child,
    lines: Receiver<String>,
    pub url: String,
    /// In simulator mode.
    pub wallet: Option<String>,
    pub dir: TempDir,
}

/// A simulator that outlives the servers that use it.
pub struct Gateways {
    child: Child,
    pub base: String,
    pub settings: Vec<(String, String)>,
}

/// The program with nothing from our own environment.
pub fn program(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tongqian"));
    command.env_clear().current_dir(dir).env("PATH", "/usr/bin:/bin");
    command
}

/// Runs a command to its end, with `input` on its standard input.
pub fn run(dir: &Path, settings: &[(&str, &str)], args: &[&str], input: &str) -> Output {
    let mut child = program(dir)
        .envs(settings.iter().copied())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Making keys takes seconds, so all servers of a test run share one set.
fn simulator_keys() -> &'static Path {
    static KEYS: OnceLock<PathBuf> = OnceLock::new();
    KEYS.get_or_init(|| {
        let keys = Path::new(env!("CARGO_TARGET_TMPDIR")).join("simulator-keys");
        let dir = TempDir::new().unwrap();
        drop(Gateways::start_with(dir.path(), &keys));
        keys
    })
}

/// Puts the shared keys where the built-in simulator looks for its own.
fn give_keys(dir: &Path) {
    let theirs = dir.join("data/simulator");
    std::fs::create_dir_all(&theirs).unwrap();
    for key in std::fs::read_dir(simulator_keys()).unwrap() {
        let key = key.unwrap().path();
        std::fs::copy(&key, theirs.join(key.file_name().unwrap())).unwrap();
    }
}

impl Server {
    /// With the built-in simulator and a known API key.
    pub fn simulated(settings: &[(&str, &str)]) -> Server {
        let dir = TempDir::new().unwrap();
        give_keys(dir.path());
        let mut all = vec![("API_KEY", API_KEY)];
        all.extend(settings);
        Server::start_in(dir, &all)
    }

    /// With gateways of its own.
    pub fn live(dir: TempDir, gateways: &Gateways, settings: &[(&str, &str)]) -> Server {
        let mut all = vec![("API_KEY", API_KEY), ("GATEWAYS", "live")];
        all.extend(
            gateways
                .settings
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        all.extend(settings);
        Server::start_in(dir, &all)
    }

    pub fn start_in(dir: TempDir, settings: &[(&str, &str)]) -> Server {
        let program = program(dir.path());
        Server::start(dir, program, settings)
    }

    /// The same, with a shell command before it that limits the process.
    pub fn start_limited(limits: &str, settings: &[(&str, &str)]) -> Server {
        let dir = TempDir::new().unwrap();
        give_keys(dir.path());
        let mut shell = Command::new("/bin/sh");
        shell
            .env_clear()
            .current_dir(dir.path())
            .env("PATH", "/usr/bin:/bin")
            .args([
                "-c",
                &format!("{limits}; exec \"$0\""),
                env!("CARGO_BIN_EXE_tongqian"),
            ]);
        let mut all = vec![("API_KEY", API_KEY)];
        all.extend(settings);
        Server::start(dir, shell, &all)
    }

    fn start(dir: TempDir, mut program: Command, settings: &[(&str, &str)]) -> Server {
        let mut child = program
            .envs([("LISTEN", "127.0.0.1:0"), ("LOG", "warn")])
            // Hashing a made-up password takes seconds without optimisation.
            .envs([("ADMIN_EMAIL", ""), ("ADMIN_PASSWORD", "")])
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(&mut child);
        let url = after(&lines, "Tongqian listens on ");
        let is_live = settings.contains(&("GATEWAYS", "live"));
        let wallet = (!is_live).then(|| after(&lines, "Simulated wallet at "));
        Server {
            child,
            lines,
            url,
            wallet,
            dir,
        }
    }

    /// The rest of a printed line that begins like this.
    pub fn printed(&self, beginning: &str) -> String {
        after(&self.lines, beginning)
    }

    /// The rest of what was printed, after the server has ended.
    pub fn prints_further(&self) -> Vec<String> {
        self.lines.iter().collect()
    }

    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The simulator's control address for tests.
    pub fn control(&self) -> String {
        self.wallet.as_deref().unwrap().replace("/wallet", "/_control")
    }

    /// `kill -9`: no goodbye, no flush.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.dir, TempDir::new().unwrap())
    }

    /// Asks it to end, and says how it did and how long it took.
    pub fn terminate(&mut self) -> (Option<i32>, Duration) {
        let started = Instant::now();
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        let status = self.child.wait().unwrap();
        (status.code(), started.elapsed())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Gateways {
    pub fn start(dir: &Path) -> Gateways {
        Gateways::start_with(dir, simulator_keys())
    }

    fn start_with(dir: &Path, keys: &Path) -> Gateways {
        let mut child = program(dir)
            .args(["simulator", "--listen", "127.0.0.1:0", "--keys"])
            .arg(keys)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(&mut child);
        let base = after(&lines, "Simulator listens on ");
        let mut settings = Vec::new();
        loop {
            let line = lines
                .recv_timeout(PATIENCE)
                .expect("the simulator prints its settings");
            if line.starts_with("# The simulator is ready") {
                break;
            }
            if let Some((name, value)) = line.split_once('=').filter(|(name, _)| name.contains('_')) {
                settings.push((name.to_owned(), value.to_owned()));
            }
        }
        Gateways {
            child,
            base,
            settings,
        }
    }
}

impl Drop for Gateways {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn lines_of(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in out.lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn after(lines: &Receiver<String>, beginning: &str) -> String {
    loop {
        let line = lines
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("never printed: {beginning}"));
        if let Some(rest) = line.strip_prefix(beginning) {
            return rest.to_owned();
        }
    }
}
