//! A browser without JavaScript: it follows links, sends forms, and keeps no other state.

use reqwest::Client;

use super::api::{Answer, client, send};

pub struct Browser {
    client: Client,
    /// Scheme and host of the current page.
    origin: String,
    pub path: String,
    pub page: Answer,
}

impl Browser {
    pub async fn open(url: &str) -> Browser {
        let (origin, path) = split(url);
        let client = client();
        let page = send(client.get(url).header("accept", "text/html")).await;
        let mut browser = Browser {
            client,
            origin,
            path,
            page,
        };
        browser.follow().await;
        browser
    }

    pub async fn go(&mut self, path: &str) {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            format!("{}{path}", self.origin)
        };
        (self.origin, self.path) = split(&url);
        self.page = send(self.client.get(url).header("accept", "text/html")).await;
        self.follow().await;
    }

    /// Sends a form of the page that is shown.
    pub async fn submit(&mut self, action: &str, fields: &[(&str, &str)]) {
        assert!(
            self.page.text.contains(&format!("action=\"{action}\"")),
            "there is no form for {action}"
        );
        let request = self
            .client
            .post(format!("{}{action}", self.origin))
            .header("accept", "text/html,application/xhtml+xml")
            .header("origin", &self.origin)
            .header("sec-fetch-site", "same-origin")
            .header("referer", format!("{}{}", self.origin, self.path))
            .form(fields);
        self.page = send(request).await;
        assert!(
            self.page.status == 303 || self.page.status == 200,
            "{} {}",
            self.page.status,
            self.page.text
        );
        self.path = action.to_owned();
        self.follow().await;
    }

    async fn follow(&mut self) {
        while (300..400).contains(&self.page.status) {
            let location = self.page.header("location").unwrap().to_owned();
            assert!(
                location.starts_with('/') && !location.starts_with("//"),
                "{location}"
            );
            self.path = location;
            let url = format!("{}{}", self.origin, self.path);
            self.page = send(self.client.get(url).header("accept", "text/html")).await;
        }
    }

    /// The value of an attribute in the page, unescaped.
    pub fn attribute(&self, beginning: &str) -> Option<String> {
        let rest = self.page.text.split_once(beginning)?.1;
        let value = rest.split('"').next()?;
        Some(
            value
                .replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&#x2F;", "/")
                .replace("&amp;", "&"),
        )
    }

    pub fn state(&self) -> String {
        self.attribute("data-state=\"").unwrap_or_default()
    }
}

fn split(url: &str) -> (String, String) {
    let at = url[8..].find('/').map_or(url.len(), |at| at + 8);
    (url[..at].to_owned(), url[at..].to_owned())
}
