//! A person of the console with a browser without script.

use reqwest::Client;
use serde_json::json;
use sqlx::{Connection as _, Executor as _};

use crate::api::{Answer, client, send};
use crate::server::{Server, run};

pub const OWNER: (&str, &str) = ("owner@example.com", "correct horse battery");
/// The server's address, and the headers that a browser sends along.
pub struct Visitor {
    client: Client,
    pub url: String,
}

/// A server with a known owner.
pub fn server(settings: &[(&str, &str)]) -> Server {
    let mut all = vec![("ADMIN_EMAIL", OWNER.0), ("ADMIN_PASSWORD", OWNER.1)];
    all.extend(settings);
    Server::simulated(&all)
}

/// Creates a person with a role, by the command line. The address is `<role>@example.com`.
pub fn employ(server: &Server, role: &str) -> (String, &'static str) {
    let email = format!("{role}@example.com");
    let args = ["admin", "create", "--email", &email, "--role", role];
    let made = run(server.dir.path(), &[], &args, &format!("{}\n", OWNER.1));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (email, OWNER.1)
}

/// Returns whether the audit page has an entry of this action; the word alone stands in its filter too.
pub fn tells_of(trail: &str, action: &str) -> bool {
    trail.contains(&format!("<code class=\"reference\">{action}</code>"))
}

/// Ages all password confirmations; sessions stay valid.
pub async fn let_passwords_grow_old(server: &Server) {
    run_sql(server, "update sessions set confirmed_at = 0").await;
}

/// Runs SQL beside the server.
pub async fn run_sql(server: &Server, sql: &'static str) {
    let file = server.dir.path().join("data/tongqian.db");
    let url = format!("sqlite://{}", file.display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.unwrap();
    database.execute(sql).await.unwrap();
    database.close().await.unwrap();
}

/// Has the simulator send a notification for another merchant about the newest payment, which raises an incident.
pub async fn call_for_another_merchant(server: &Server) {
    let foreign = json!({"set": {"mchid": "1900000000"}, "newId": true, "send": true});
    let control = format!("{}/notice", server.control());
    send(client().post(control).json(&foreign)).await.ok(200);
}

impl Visitor {
    pub fn of(server: &Server) -> Visitor {
        Visitor {
            client: client(),
            url: server.url.clone(),
        }
    }

    /// A person that has logged in.
    pub async fn logged_in(server: &Server, email: &str, password: &str) -> Visitor {
        let visitor = Visitor::of(server);
        let answer = visitor.log_in(email, password).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        visitor
    }

    pub async fn owner(server: &Server) -> Visitor {
        Visitor::logged_in(server, OWNER.0, OWNER.1).await
    }

    /// Creates a person of this role and logs in.
    pub async fn employed(server: &Server, role: &str) -> Visitor {
        let (email, password) = employ(server, role);
        Visitor::logged_in(server, &email, password).await
    }

    /// Value of the cookie of a new session, for tests that alter it.
    pub async fn cookie_of(server: &Server, email: &str, password: &str) -> String {
        let open = Visitor::of(server).log_in(email, password).await;
        let cookie = open
            .header("set-cookie")
            .unwrap_or_else(|| panic!("{}", open.text));
        cookie.split(';').next().unwrap().to_owned()
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Answer {
        self.post("/admin/login", &[("email", email), ("password", password)])
            .await
    }

    /// In English, whatever the locale of the machine.
    pub async fn get(&self, path: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url));
        send(
            request
                .header("accept", "text/html")
                .header("accept-language", "en"),
        )
        .await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(&self.url, "same-origin", path, fields).await
    }

    pub async fn post_from(&self, origin: &str, site: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .header("accept", "text/html")
            .header("accept-language", "en")
            .header("origin", origin)
            .header("sec-fetch-site", site)
            .form(fields);
        send(request).await
    }

    /// Sends a file by the form of a page.
    pub async fn upload(&self, path: &str, file: &[u8]) -> Answer {
        const BOUNDARY: &str = "----------------file";
        let mut body = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"statement\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .header("accept", "text/html")
            .header("accept-language", "en")
            .header("origin", &self.url)
            .header("sec-fetch-site", "same-origin")
            .header(
                "content-type",
                format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .body(body);
        send(request).await
    }

    /// Sends a form that must succeed, and returns the page after it.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = self.post(path, fields).await;
        assert_eq!(answer.status, 303, "{path}: {}", answer.text);
        let next = answer.header("location").unwrap().to_owned();
        let page = self.get(&next).await;
        assert_eq!(page.status, 200, "{next}: {}", page.text);
        page
    }
}
