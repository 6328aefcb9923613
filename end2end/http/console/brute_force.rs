//! Brute force against the login: guessing reveals nothing by text, time or memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use crate::api::{Answer, Api, client, send};
use crate::console::visitor::{OWNER, Visitor, server};
use crate::server::Server;

const WRONG: &str = "wrong horse battery";
const UNKNOWN: &str = "nobody@example.com";

/// A login that arrives through a proxy on this machine.
async fn try_from(server: &Server, address: &str, email: &str, password: &str) -> Answer {
    let request = client()
        .post(format!("{}/admin/login", server.url))
        .header("accept-language", "en")
        .header("x-forwarded-for", address)
        .form(&[("email", email), ("password", password)]);
    send(request).await
}

/// Number of the second step, which each page has, whatever the password was.
fn number_of(page: &str) -> &str {
    let (_, rest) = page.split_once("name=\"number\" value=\"").unwrap();
    rest.split('"').next().unwrap()
}

#[tokio::test]
async fn s6_unknown_and_known_users_get_the_same_answer() {
    let server = server(&[]);
    let visitor = Visitor::of(&server);
    let known = visitor.log_in(OWNER.0, WRONG).await;
    let unknown = visitor.log_in(UNKNOWN, WRONG).await;
    let told = |answer: &Answer, email: &str| {
        let (text, id) = (&answer.text, answer.header("x-request-id").unwrap());
        (
            answer.status,
            text.replace(email, "")
                .replace(id, "")
                .replace(number_of(text), ""),
        )
    };
    assert_eq!(known.status, 401);
    assert_eq!(told(&known, OWNER.0), told(&unknown, UNKNOWN));
    let names = |answer: &Answer| -> Vec<String> { answer.headers.keys().map(ToString::to_string).collect() };
    assert_eq!(names(&known), names(&unknown));
}

/// A user that is looked up without hashing would be answered many times faster. Both take turns, so that noise of a busy
/// machine meets both; a round spoilt by noise is repeated.
#[tokio::test]
async fn s6_unknown_and_known_users_get_answers_equally_fast() {
    let server = server(&[("TRUSTED_PROXIES", "127.0.0.1")]);
    let mut seen = Vec::new();
    for round in 0..3 {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for n in 0..25 {
            for (email, times) in [(OWNER.0, &mut known), (UNKNOWN, &mut unknown)] {
                let began = Instant::now();
                let answer = try_from(&server, &format!("203.{round}.{n}.7"), email, WRONG).await;
                times.push(began.elapsed());
                assert_eq!(answer.status, 401);
            }
        }
        let [known, unknown] = [known, unknown].map(median);
        seen.push((known, unknown));
        if known * 2 < unknown * 3 && unknown * 2 < known * 3 {
            return;
        }
    }
    panic!("{seen:?}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Peak memory of the server, in KiB.
fn most_memory(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn s7_concurrent_logins_use_bounded_memory() {
    const HASH_KIB: usize = 19_456;
    const ROOM_KIB: usize = 120_000;
    let server = server(&[("TRUSTED_PROXIES", "127.0.0.1")]);
    let place = |n: usize| format!("198.51.{n}.7");
    assert_eq!(try_from(&server, &place(200), UNKNOWN, WRONG).await.status, 401);

    let before = most_memory(&server);
    let long = "x".repeat(1 << 20);
    let places: Vec<String> = (0..100).map(place).collect();
    let refused = join_all(
        places
            .iter()
            .map(|place| try_from(&server, place, OWNER.0, &long)),
    )
    .await;
    for answer in refused {
        assert!(matches!(answer.status, 413 | 422), "{}", answer.status);
    }
    assert!(
        most_memory(&server) < before + ROOM_KIB,
        "{before} {}",
        most_memory(&server)
    );

    let before = most_memory(&server);
    let wrong = join_all(
        places
            .iter()
            .map(|place| try_from(&server, place, OWNER.0, WRONG)),
    )
    .await;
    for answer in wrong {
        assert_eq!(answer.status, 401);
    }
    let n_desks = std::thread::available_parallelism().map_or(2, usize::from);
    let most = before + n_desks * HASH_KIB + ROOM_KIB;
    assert!(
        most_memory(&server) < most,
        "{before} {} {most}",
        most_memory(&server)
    );
}

#[tokio::test]
async fn behind_a_local_proxy_login_tries_are_counted_by_the_visitors_network() {
    let server = server(&[("TRUSTED_PROXIES", "127.0.0.1")]);
    let mut n_judged = 0;
    // A window may end in between: then it takes up to twice as many.
    loop {
        let email = format!("user{n_judged}@example.com");
        let place = format!("203.0.113.{n_judged}");
        match try_from(&server, &place, &email, WRONG).await.status {
            401 => n_judged += 1,
            status => break assert_eq!(status, 429),
        }
    }
    assert!((60..=120).contains(&n_judged), "{n_judged}");
    let neighbour = try_from(&server, "203.0.113.199", OWNER.0, OWNER.1).await;
    let far = try_from(&server, "198.51.100.1", OWNER.0, OWNER.1).await;
    assert_eq!((neighbour.status, far.status), (429, 303));
    // Entries left of the proxy's own may be forged.
    let spoofed = try_from(&server, "192.0.2.1, 203.0.113.98", OWNER.0, OWNER.1).await;
    assert_eq!(spoofed.status, 429);
}

/// Clients that send requests without end, each with its start time and outcome.
struct Askers {
    is_over: Arc<AtomicBool>,
    all: Vec<tokio::task::JoinHandle<Vec<(Instant, u16)>>>,
}

impl Askers {
    fn start<F>(ask: impl Fn() -> F + Clone + Send + 'static) -> Askers
    where
        F: Future<Output = u16> + Send,
    {
        let is_over = Arc::new(AtomicBool::new(false));
        let one = || {
            let (ask, is_over) = (ask.clone(), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while !is_over.load(Ordering::SeqCst) {
                    let began = Instant::now();
                    seen.push((began, ask().await));
                }
                // Once more, when everything is certainly over.
                let began = Instant::now();
                seen.push((began, ask().await));
                seen
            })
        };
        let all = (0..4).map(|_| one()).collect();
        Askers { is_over, all }
    }

    async fn stop(self) -> Vec<(Instant, u16)> {
        self.is_over.store(true, Ordering::SeqCst);
        let mut seen = Vec::new();
        for one in self.all {
            seen.extend(one.await.unwrap());
        }
        seen
    }
}

/// Requests that began after the answer must be refused; earlier ones may have been in time.
fn check(seen: &[(Instant, u16)], ended: Instant, refused: u16) {
    for (began, status) in seen {
        assert!(matches!(status, 200) || *status == refused, "{status}");
        assert!(
            *began < ended || *status == refused,
            "used after its end: {status}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_a_session_is_refused_once_its_logout_was_answered() {
    let server = server(&[]);
    for _ in 0..5 {
        let cookie = Visitor::cookie_of(&server, OWNER.0, OWNER.1).await;
        let (url, browser) = (server.url.clone(), client());
        let thief = cookie.clone();
        let (place, tool) = (format!("{url}/admin/orders"), browser.clone());
        let askers = Askers::start(move || {
            let request = tool.get(&place).header("cookie", &thief);
            async move { send(request).await.status }
        });
        let first = send(browser.get(format!("{url}/admin")).header("cookie", &cookie)).await;
        assert_eq!(first.status, 200);
        let request = browser
            .post(format!("{url}/admin/logout"))
            .header("cookie", &cookie)
            .header("origin", &url)
            .header("sec-fetch-site", "same-origin");
        assert_eq!(send(request).await.status, 303);
        let ended = Instant::now();
        check(&askers.stop().await, ended, 303);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r10_an_api_key_is_refused_once_its_revocation_was_answered() {
    let server = server(&[]);
    let owner = Visitor::owner(&server).await;
    for n in 0..5 {
        let name = format!("shop {n}");
        let made = owner
            .post("/admin/keys", &[("name", &name), ("read", "on")])
            .await;
        let mark = "data-testid=\"new-key\" class=\"reference\">";
        let (_, rest) = made.text.split_once(mark).unwrap();
        let api = Api::with_key(&server, rest.split('<').next().unwrap());
        let (_, rest) = made.text.split_once("/admin/keys/key_").unwrap();
        let revoke = format!("/admin/keys/key_{}/revoke", rest.split('/').next().unwrap());
        assert_eq!(api.get("/orders").await.status, 200);
        let api = Arc::new(api);
        let askers = Askers::start(move || {
            let api = Arc::clone(&api);
            async move { api.get("/orders").await.status }
        });
        assert_eq!(owner.post(&revoke, &[]).await.status, 303);
        let ended = Instant::now();
        check(&askers.stop().await, ended, 401);
    }
}
