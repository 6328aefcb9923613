//! One signed question to a gateway that costs nothing and changes nothing, and what its answer says about the settings.

use std::time::Duration;

use domain::PaymentNo;
use http::{Method, StatusCode};

use super::checkup::Note;
use super::{Gateway, GatewayError, alipay, wechat};

/// A number that no payment has.
const NUMBER: &str = "TONGQIANDOCTOR";
/// Both sides refuse signatures that are five minutes off.
const MOST_DRIFT: Duration = Duration::from_mins(5);
const DRIFT_TOLD: Duration = Duration::from_secs(30);

impl Gateway {
    /// Asks and notes what the answer shows.
    pub async fn probe(&self) -> Vec<Note> {
        let number = PaymentNo::parse(NUMBER).expect("letters make a number");
        let mut notes = match self {
            Gateway::Wechat(wechat) => wechat.probe(&number).await,
            Gateway::Alipay(alipay) => alipay.probe(&number).await,
        };
        let clock = self.note_clock();
        let drift = self.drift();
        if drift.amount >= MOST_DRIFT {
            // Neither side believes the other then: the clock is the cause, whatever else was refused.
            notes.clear();
        }
        notes.push(clock);
        notes
    }

    fn note_clock(&self) -> Note {
        let setting = "clock";
        let channel = self.channel();
        let drift = self.drift();
        let seconds = drift.amount.as_secs();
        let way = if drift.is_ahead { "ahead of" } else { "behind" };
        let text = format!("{seconds} s {way} the Date of {channel}'s answer; set it by NTP");
        if drift.amount >= MOST_DRIFT {
            Note::fail(setting, text)
        } else if drift.amount > DRIFT_TOLD {
            Note::warn(setting, text)
        } else {
            Note::ok(setting, format!("agrees with {channel}"))
        }
    }
}

impl wechat::Wechat {
    async fn probe(&self, number: &PaymentNo) -> Vec<Note> {
        const GATEWAY: &str = "WECHAT_GATEWAY";
        let mut notes = match self.send(Method::GET, "v3/certificates", "").await {
            Err(error) => {
                let text = format!(
                    "no answer ({error}): is it reachable from here, through which proxy or firewall?"
                );
                return vec![Note::fail(GATEWAY, text)];
            }
            Ok(answer) if answer.status == StatusCode::OK => vec![self.note_certificates(&answer.body)],
            Ok(answer) => {
                let refusal = wechat::Refusal::read(answer.status, &answer.body, false);
                if let Some(note) = note_wechat_refusal(answer.status, &refusal) {
                    return vec![note];
                }
                Vec::new()
            }
        };
        notes.push(match self.query(number).await {
            Ok(_) => Note::ok("WECHAT_PUBLIC_KEY", "WeChat Pay's answer is signed with it"),
            Err(GatewayError::Declined { code, message, .. }) => Note::fail(
                "WECHAT_MCH_ID",
                format!("WeChat Pay refused a question: {code} {message}"),
            ),
            Err(error) => Note::fail(
                "WECHAT_PUBLIC_KEY",
                format!(
                    "an answer of WeChat Pay's cannot be verified ({error}); compare WECHAT_PUBLIC_KEY and \
                     WECHAT_PUBLIC_KEY_ID with the console"
                ),
            ),
        });
        notes
    }

    fn note_certificates(&self, body: &[u8]) -> Note {
        match self.open_certificates(body) {
            Ok(n) => Note::ok("WECHAT_API_V3_KEY", format!("opens {n} platform certificates")),
            Err(reason) => Note::fail(
                "WECHAT_API_V3_KEY",
                format!(
                    "does not open the platform certificates ({reason}); set the APIv3 key anew in the console"
                ),
            ),
        }
    }
}

/// `None`: it knows us and has no certificates to give, as for every merchant with a public key.
fn note_wechat_refusal(status: StatusCode, refusal: &wechat::Refusal) -> Option<Note> {
    let said = format!("WeChat Pay answered {} {}", refusal.code, refusal.message);
    if status == StatusCode::NOT_FOUND {
        return None;
    }
    if status != StatusCode::UNAUTHORIZED {
        return Some(Note::warn(
            "WECHAT_GATEWAY",
            format!("{said} ({status}) to a question about certificates"),
        ));
    }
    let message = refusal.message.as_str();
    let setting = if message.contains("序列号") {
        "WECHAT_SERIAL_NO"
    } else if message.contains("商户") {
        "WECHAT_MCH_ID"
    } else {
        "WECHAT_PRIVATE_KEY"
    };
    let text = format!(
        "{said}; WECHAT_MCH_ID, WECHAT_SERIAL_NO and WECHAT_PRIVATE_KEY must be of one merchant certificate"
    );
    Some(Note::fail(setting, text))
}

impl alipay::Alipay {
    async fn probe(&self, number: &PaymentNo) -> Vec<Note> {
        let note = match self.query(number).await {
            Ok(_) => Note::ok("ALIPAY_PUBLIC_KEY", "Alipay's answer is signed with it"),
            Err(GatewayError::Declined { code, message, .. }) => note_alipay_refusal(&code, &message),
            Err(GatewayError::RetrySame { reason }) => Note::fail("ALIPAY_GATEWAY", no_answer(&reason)),
            Err(error) => {
                let reason = error.to_string();
                if ["signature", "signed", "certificate"]
                    .iter()
                    .any(|word| reason.contains(word))
                {
                    let text = format!(
                        "an answer of Alipay's cannot be verified ({reason}); copy Alipay's public key from the console, \
                         not the app's"
                    );
                    Note::fail("ALIPAY_PUBLIC_KEY", text)
                } else {
                    Note::fail("ALIPAY_GATEWAY", no_answer(&reason))
                }
            }
        };
        vec![note]
    }
}

fn no_answer(reason: &str) -> String {
    format!(
        "no answer that can be used ({reason}): is it reachable from here, through which proxy or firewall?"
    )
}

fn note_alipay_refusal(code: &str, message: &str) -> Note {
    let said = format!("Alipay answered {code} {message}");
    let (setting, what) = if code.contains("app-cert") || code.contains("cert") {
        (
            "ALIPAY_APP_CERT",
            "upload the certificate that ALIPAY_PRIVATE_KEY belongs to",
        )
    } else if code.contains("signature") {
        (
            "ALIPAY_PRIVATE_KEY",
            "upload its public half to the app with this ALIPAY_APP_ID",
        )
    } else if code.contains("app-id") {
        (
            "ALIPAY_APP_ID",
            "compare it with the console, and ALIPAY_GATEWAY with its environment",
        )
    } else if code.contains("permission") {
        (
            "ALIPAY_APP_ID",
            "the app has not signed this product, or is not online",
        )
    } else {
        ("ALIPAY_APP_ID", "see docs/gateway-facts.md")
    };
    Note::fail(setting, format!("{said}; {what}"))
}
