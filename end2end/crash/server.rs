//! A server under a supervisor: it is restarted at the same address whatever ends it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

pub const API_KEY: &str = "tq_test_0123456789abcdef";

#[derive(Debug, Clone)]
pub struct Setup {
    pub dir: PathBuf,
    pub settings: Vec<(String, String)>,
    pub port: u16,
}

pub struct Server {
    pub url: String,
    watched: Arc<Watched>,
    supervisor: JoinHandle<()>,
}

#[derive(Default)]
struct Watched {
    pid: AtomicU32,
    n_deaths: AtomicU32,
    is_over: AtomicBool,
    /// Time from each death until the server answered again.
    absences: Mutex<Vec<Duration>>,
}

/// Returns a port below those that systems give to outgoing connections, so that it stays free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 12_000 + u16::try_from(std::process::id() % 6_000).unwrap();
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::SeqCst);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Server {
    /// Dies at the crash point `name:n` of its first life, if one is given.
    pub async fn start(setup: Setup, crash_at: Option<String>) -> Server {
        let url = format!("http://127.0.0.1:{}", setup.port);
        let watched = Arc::new(Watched::default());
        let child = spawn(&setup, crash_at.as_deref());
        watched.pid.store(child.id().unwrap(), Ordering::SeqCst);
        let supervisor = tokio::spawn(supervise(setup, child, Arc::clone(&watched), url.clone()));
        until_ready(&url).await;
        Server {
            url,
            watched,
            supervisor,
        }
    }

    pub fn n_deaths(&self) -> u32 {
        self.watched.n_deaths.load(Ordering::SeqCst)
    }

    pub fn absences(&self) -> Vec<Duration> {
        self.watched.absences.lock().unwrap().clone()
    }

    /// `KILL`, `STOP`, `CONT`.
    pub async fn signal(&self, name: &str) {
        let pid = self.watched.pid.load(Ordering::SeqCst);
        let status = Command::new("kill")
            .args([format!("-{name}"), pid.to_string()])
            .status();
        // Its own status says little: the server may have died a moment ago.
        assert!(status.await.is_ok(), "there is a program named kill");
    }

    /// Kills it and waits until it answers again.
    pub async fn kill(&self) {
        let n_deaths = self.n_deaths();
        self.signal("KILL").await;
        let started = Instant::now();
        while self.n_deaths() == n_deaths {
            assert!(started.elapsed() < Duration::from_secs(20), "it does not die");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        until_ready(&self.url).await;
    }

    pub async fn stop(self) {
        self.watched.is_over.store(true, Ordering::SeqCst);
        self.signal("CONT").await;
        self.signal("KILL").await;
        self.supervisor.await.unwrap();
    }
}

fn spawn(setup: &Setup, crash_at: Option<&str>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tongqian"));
    command
        .env_clear()
        .current_dir(&setup.dir)
        .env("PATH", "/usr/bin:/bin")
        .envs(setup.settings.iter().map(|(name, value)| (name, value)))
        .env("LISTEN", format!("127.0.0.1:{}", setup.port))
        .stdout(Stdio::null())
        .kill_on_drop(true);
    if let Some(point) = crash_at {
        command.env("CRASH_AT", point);
    }
    command.spawn().unwrap()
}

async fn supervise(setup: Setup, mut child: Child, watched: Arc<Watched>, url: String) {
    loop {
        let status = child.wait().await.unwrap();
        if watched.is_over.load(Ordering::SeqCst) {
            return;
        }
        let died_at = Instant::now();
        // 9 is a kill; anything else would be a fault of the server's own.
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert_eq!(signal, Some(9), "the server ended by itself: {status}");
        child = spawn(&setup, None);
        watched.pid.store(child.id().unwrap(), Ordering::SeqCst);
        watched.n_deaths.fetch_add(1, Ordering::SeqCst);
        let (watched, url) = (Arc::clone(&watched), url.clone());
        tokio::spawn(async move {
            until_ready(&url).await;
            watched.absences.lock().unwrap().push(died_at.elapsed());
        });
    }
}

async fn until_ready(url: &str) {
    let client = client();
    let started = Instant::now();
    loop {
        let answer = client.get(format!("{url}/health/ready")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_mins(1),
            "{url} does not come up"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}
