//! Mail by SMTP. The server's name is resolved once, and the connection goes to an address that may be called.

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use lettre::address::Envelope;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use url::Url;

use super::{AddressRefusal, MAX_ANSWER_BYTES, OutboundAnswer, OutboundError, OutboundGuard};

/// Time of a whole conversation with a mail server, which may greet slowly on purpose.
const CONVERSATION: Duration = Duration::from_secs(30);

/// Encryption of a connection to a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    FromTheStart,
    /// By `STARTTLS`, and nothing is sent without it.
    Upgraded,
    Never,
}

/// A mail server that takes messages for others.
#[derive(Debug, Clone)]
pub struct MailServer {
    host: String,
    port: u16,
    encryption: Encryption,
    account: Option<Account>,
}

#[derive(Debug, Clone)]
struct Account {
    user: String,
    password: SecretString,
}

/// A mail on its way.
#[derive(Debug, Clone)]
pub struct Letter {
    pub server: MailServer,
    pub envelope: Envelope,
    /// Head and body.
    pub text: Vec<u8>,
    /// Name by which this server greets the other.
    pub hello: String,
}

impl MailServer {
    /// Parses `smtps://user:password@host` (encrypted, port 465), `smtp://user:password@host` (`STARTTLS`, port 587) or
    /// `smtp://host?tls=none` (port 25). A password is sent in the clear only to this machine itself.
    pub fn parse(text: &str, guard: &OutboundGuard) -> Result<MailServer, String> {
        const FORM: &str = "must be smtps://user:password@host:465, smtp://user:password@host:587 or smtp://host:25?tls=none";
        let url = Url::parse(text).map_err(|_| FORM.to_owned())?;
        let (encryption, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Encryption::FromTheStart, 465),
            ("smtp", None) => (Encryption::Upgraded, 587),
            ("smtp", Some("tls=none")) => (Encryption::Never, 25),
            _ => return Err(FORM.to_owned()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(FORM)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() || url.port() == Some(0) {
            return Err(FORM.to_owned());
        }
        guard
            .check_host(host)
            .map_err(|refusal| refusal.message().to_owned())?;
        let account = Account::parse(&url)?;
        if account.is_some() && encryption == Encryption::Never && !is_this_machine(host) {
            return Err("with tls=none must have no password: it would be sent in the clear".to_owned());
        }
        Ok(MailServer {
            host: host.to_owned(),
            port: url.port().unwrap_or(port),
            encryption,
            account,
        })
    }

    /// Host and port.
    pub fn name(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Returns whether mail cannot be read on its way: it is encrypted, or does not leave this machine.
    pub fn is_protected(&self) -> bool {
        self.encryption != Encryption::Never || is_this_machine(&self.host)
    }

    async fn connect(
        &self,
        guard: &OutboundGuard,
        hello: &str,
    ) -> Result<AsyncSmtpConnection, OutboundError> {
        let addresses = guard.resolve(&self.host, self.port).await.map_err(not_resolved)?;
        let hello = greeting_name(hello);
        let tls = || TlsParameters::new(self.host.clone()).map_err(broken_connection);
        let mut connection = match self.encryption {
            Encryption::FromTheStart => {
                let connected = AsyncSmtpConnection::connect_tokio1(
                    &*addresses,
                    Some(CONVERSATION),
                    &hello,
                    Some(tls()?),
                    None,
                );
                connected.await.map_err(no_connection)?
            }
            Encryption::Upgraded | Encryption::Never => {
                let stream = TcpStream::connect(&*addresses)
                    .await
                    .map_err(|error| OutboundError::NoConnection(error.to_string()))?;
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello)
                    .await
                    .map_err(no_connection)?
            }
        };
        if self.encryption == Encryption::Upgraded {
            // Fails where the server does not offer it, before anything was sent.
            connection.starttls(tls()?, &hello).await.map_err(no_connection)?;
        }
        Ok(connection)
    }

    async fn log_in(&self, connection: &mut AsyncSmtpConnection) -> Result<(), smtp::Error> {
        if let Some(Account { user, password }) = &self.account {
            let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await?;
        }
        Ok(())
    }
}

impl Account {
    fn parse(url: &Url) -> Result<Option<Account>, String> {
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8().ok();
            let decoded = decoded.filter(|text| !text.is_empty() && !text.contains(char::is_control));
            decoded
                .map(|text| text.into_owned())
                .ok_or_else(|| "has a user or password that is not text".to_owned())
        };
        match (url.username(), url.password()) {
            ("", None) => Ok(None),
            ("", Some(_)) | (_, None) => Err("must have both a user and a password, or neither".to_owned()),
            (user, Some(password)) => Ok(Some(Account {
                user: decode(user)?,
                password: SecretString::from(decode(password)?),
            })),
        }
    }
}

/// An address as a name would be no valid greeting.
fn greeting_name(name: &str) -> ClientId {
    let name = name.trim_start_matches('[').trim_end_matches(']');
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Ok(IpAddr::V6(address)) => ClientId::Ipv6(address),
        Err(_) => ClientId::Domain(name.to_owned()),
    }
}

fn is_this_machine(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => super::is_loopback_name(host),
    }
}

impl OutboundGuard {
    /// Sends a mail. An answer of any code is an answer; its code stands in place of an HTTP status.
    pub async fn send_mail(&self, letter: &Letter) -> Result<OutboundAnswer, OutboundError> {
        let sent = async {
            let mut connection = letter.server.connect(self, &letter.hello).await?;
            let said = match letter.server.log_in(&mut connection).await {
                Ok(()) => connection.send(&letter.envelope, &letter.text).await,
                Err(error) => Err(error),
            };
            // The mail was taken or refused by now; a server that hangs up at once is no failure.
            connection.abort().await;
            said.map_or_else(answer_of_error, |said| {
                let words = said.message().collect::<Vec<_>>().join(" ");
                answer_of_code(u16::from(said.code()), &words)
            })
        };
        tokio::time::timeout(CONVERSATION, sent)
            .await
            .unwrap_or(Err(OutboundError::TimedOut))
    }

    /// Greets a mail server and logs in, without a mail.
    pub async fn check_mail(&self, server: &MailServer, hello: &str) -> Result<(), String> {
        let checked = async {
            let connected = server.connect(self, hello).await;
            let mut connection = connected.map_err(|error| error.to_string())?;
            let answer = server.log_in(&mut connection).await;
            connection.abort().await;
            answer.map_err(|error| error.to_string())
        };
        tokio::time::timeout(CONVERSATION, checked)
            .await
            .unwrap_or_else(|_| Err(OutboundError::TimedOut.to_string()))
    }
}

fn answer_of_code(code: u16, words: &str) -> Result<OutboundAnswer, OutboundError> {
    let mut body = words.as_bytes().to_vec();
    body.truncate(MAX_ANSWER_BYTES);
    Ok(OutboundAnswer {
        status: StatusCode::from_u16(code).map_err(|_| OutboundError::Broken(words.to_owned()))?,
        headers: HeaderMap::new(),
        body,
    })
}

fn answer_of_error(error: smtp::Error) -> Result<OutboundAnswer, OutboundError> {
    match error.status() {
        Some(code) => answer_of_code(u16::from(code), &error.to_string()),
        None => Err(broken_connection(error)),
    }
}

fn not_resolved(error: Box<dyn std::error::Error + Send + Sync>) -> OutboundError {
    match error.downcast::<AddressRefusal>() {
        Ok(refusal) => OutboundError::Refused(*refusal),
        Err(error) => OutboundError::NoConnection(error.to_string()),
    }
}

fn broken_connection(error: smtp::Error) -> OutboundError {
    OutboundError::Broken(error.to_string())
}

fn no_connection(error: smtp::Error) -> OutboundError {
    OutboundError::NoConnection(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::Networks;

    fn parse(text: &str) -> Result<MailServer, String> {
        MailServer::parse(text, &OutboundGuard::new(Networks::default()))
    }

    #[test]
    fn the_address_says_how_mail_is_encrypted() {
        for (text, name, encryption) in [
            (
                "smtps://a:b@mail.example",
                "mail.example:465",
                Encryption::FromTheStart,
            ),
            (
                "smtp://a:b@mail.example",
                "mail.example:587",
                Encryption::Upgraded,
            ),
            (
                "smtp://mail.example:2525/",
                "mail.example:2525",
                Encryption::Upgraded,
            ),
            (
                "smtp://mail.example?tls=none",
                "mail.example:25",
                Encryption::Never,
            ),
        ] {
            let server = parse(text).unwrap();
            assert_eq!(
                (server.name().as_str(), server.encryption),
                (name, encryption),
                "{text}"
            );
        }
        let server = parse("smtps://ops%40example.com:p%2Fw%3A%20d@mail.example").unwrap();
        let account = server.account.as_ref().unwrap();
        assert_eq!(account.user, "ops@example.com");
        assert_eq!(account.password.expose_secret(), "p/w: d");
        assert!(!format!("{server:?}").contains("p/w"));
    }

    #[test]
    fn addresses_that_leak_a_password_or_lead_inside_are_refused() {
        for text in [
            "",
            "mail.example",
            "https://mail.example",
            "smtp://",
            "smtps://mail.example?tls=none",
            "smtp://mail.example?tls=maybe",
            "smtp://mail.example/path",
            "smtp://mail.example:0",
            "smtp://user@mail.example",
            "smtp://:password@mail.example",
            "smtp://user:password@mail.example?tls=none",
            "smtp://user:a%0D%0Ab@mail.example",
            "smtps://127.0.0.1",
            "smtps://[::1]",
            "smtps://localhost",
            "smtps://10.0.0.1",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let inside = OutboundGuard::new(Networks::loopback());
        assert!(MailServer::parse("smtp://u:p@127.0.0.1:25?tls=none", &inside).is_ok());
    }
}
