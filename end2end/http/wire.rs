//! Proxy before PostgreSQL that logs what crosses it: each entry is a round trip that a caller waits for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Entry of a round trip that prepares a statement.
const PREPARE: &str = "(prepare)";
const ARCHITECTURE: &str = include_str!("../../docs/architecture.md");

/// Proxy to one database; it ends with the test.
pub struct Wire {
    /// Address of the database through the proxy.
    pub url: String,
    crossed: Log,
    /// Number of the last transaction of each connection that was taken.
    taken: Mutex<HashMap<usize, usize>>,
}

type Log = Arc<Mutex<Vec<Crossed>>>;

struct Crossed {
    connection: usize,
    /// Number of the transaction on its connection; a statement outside of any is one of its own.
    transaction: usize,
    statement: String,
}

/// State of one connection: the text of each name, the one that the next `Execute` runs, and the current transaction.
#[derive(Default)]
struct Session {
    statements: HashMap<String, String>,
    bound: String,
    has_work: bool,
    transaction: usize,
    is_in_transaction: bool,
}

impl Wire {
    /// Puts a proxy before the database at `postgres://…@host:port/name`.
    pub async fn before(url: &str) -> Wire {
        let (rest, name) = url.rsplit_once('/').unwrap();
        let (user, server) = rest.rsplit_once('@').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let crossed = Log::default();
        let (log, server) = (Arc::clone(&crossed), server.to_owned());
        tokio::spawn(async move {
            for number in 0.. {
                let Ok((client, _)) = listener.accept().await else {
                    return;
                };
                let upstream = TcpStream::connect(&server).await.unwrap();
                client.set_nodelay(true).unwrap();
                upstream.set_nodelay(true).unwrap();
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = upstream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                tokio::spawn(forward(from_client, to_server, number, Arc::clone(&log)));
            }
        });
        Wire {
            url: format!("{user}@{address}/{name}?sslmode=disable"),
            crossed,
            taken: Mutex::default(),
        }
    }

    /// Statements that have crossed since the last call, without the preparation of statements: each connection does that
    /// once. A transaction with one of these words is one of the server's jobs, and left out; so is the rest of one that began
    /// before that call.
    pub fn take(&self, jobs: &[&str]) -> Vec<String> {
        let crossed = std::mem::take(&mut *self.crossed.lock().unwrap());
        let mut transactions: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
        for one in crossed.into_iter().filter(|one| one.statement != PREPARE) {
            let key = (one.connection, one.transaction);
            transactions.entry(key).or_default().push(one.statement);
        }
        let mut taken = self.taken.lock().unwrap();
        let mut kept = Vec::new();
        for ((connection, transaction), statements) in transactions {
            let is_rest = taken.insert(connection, transaction) == Some(transaction);
            let is_job = |statement: &String| jobs.iter().any(|word| statement.contains(word));
            if !is_rest && !statements.iter().any(is_job) {
                kept.extend(statements);
            }
        }
        kept
    }
}

/// Forwards a client's messages: a type, a length, and a body. Only the first one has no type.
async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, number: usize, log: Log) {
    let mut session = Session::default();
    let mut is_first = true;
    loop {
        let mut message = vec![0; if is_first { 4 } else { 5 }];
        if from.read_exact(&mut message).await.is_err() {
            return;
        }
        let header = message.len();
        let length = u32::from_be_bytes(message[header - 4..].try_into().unwrap());
        message.resize(header + usize::try_from(length).unwrap() - 4, 0);
        if from.read_exact(&mut message[header..]).await.is_err() {
            return;
        }
        if !is_first && let Some(statement) = session.read(message[0], &message[header..]) {
            let transaction = session.enter(&statement);
            log.lock().unwrap().push(Crossed {
                connection: number,
                transaction,
                statement,
            });
        }
        is_first = false;
        if to.write_all(&message).await.is_err() {
            return;
        }
    }
}

impl Session {
    /// Returns the statement that a message runs. A `Sync` without one is a round trip too: a test of the connection, or a statement
    /// that is prepared.
    fn read(&mut self, kind: u8, body: &[u8]) -> Option<String> {
        let mut texts = body.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let mut text = || texts.next().unwrap_or_default().into_owned();
        match kind {
            b'P' => {
                let (name, sql) = (text(), text());
                self.statements.insert(name, sql);
                self.bound = PREPARE.to_owned();
                None
            }
            b'B' => {
                let (_portal, name) = (text(), text());
                self.bound = self.statements.get(&name).cloned().unwrap_or_default();
                None
            }
            b'E' => {
                self.has_work = true;
                Some(std::mem::take(&mut self.bound))
            }
            b'Q' => Some(text()),
            b'S' if std::mem::take(&mut self.has_work) => None,
            b'S' if self.bound.is_empty() => Some("(ping)".to_owned()),
            b'S' => Some(std::mem::take(&mut self.bound)),
            _ => None,
        }
    }

    /// Returns the number of the transaction that a statement runs in.
    fn enter(&mut self, statement: &str) -> usize {
        if !self.is_in_transaction {
            self.transaction += 1;
        }
        self.is_in_transaction = match statement {
            "commit" | "rollback" => false,
            _ => self.is_in_transaction || statement.starts_with("begin"),
        };
        self.transaction
    }
}

/// Statements that a verb may cost, from the table of round trips.
#[track_caller]
pub fn budget_of(verb: &str) -> usize {
    let (_, section) = ARCHITECTURE.split_once("## Round trips").unwrap();
    let budget = section.lines().find_map(|line| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        (cells.next()? == verb).then(|| cells.next())?
    });
    budget
        .and_then(|budget| budget.trim().parse().ok())
        .unwrap_or_else(|| panic!("no budget for {verb} in docs/architecture.md"))
}

/// Compares the cheapest of several runs with the budget: jobs of the server cross the wire at times of their own.
#[track_caller]
pub fn check_budget(verb: &str, mut runs: Vec<Vec<String>>) {
    runs.sort_by_key(Vec::len);
    let cheapest = runs.first().unwrap();
    let budget = budget_of(verb);
    assert!(
        cheapest.len() <= budget,
        "{verb} costs {} statements of {budget}:\n{}",
        cheapest.len(),
        cheapest.join("\n")
    );
}
