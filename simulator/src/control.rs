//! `/_control`: changes of the simulated gateways by a test, or by a person at a terminal.

mod attack;
mod guide;
mod merchant;
mod page;
mod signing;
mod statements;

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub use attack::{Alteration, SignedBy};
pub(crate) use attack::{draft, forge};

use crate::dispatcher::Dispatcher;
use crate::faults::{Faults, Host, read_fault, show_fault};
use crate::payer::{self, Bill, Payer};
use crate::settings::Credentials;
use crate::state::State;
use crate::time::{DAY_MS, FASTEST, rfc3339};
use crate::wechat;
use crate::wire::{Reply, Request};

/// Longer than any expiry, schedule or refund window.
const LONGEST_STEP_MS: i64 = 400 * DAY_MS;

type Outcome = Result<Value, String>;

pub(crate) async fn handle(dispatcher: &Arc<Dispatcher>, request: &Request, path: &str) -> Reply {
    let outcome = match (request.method.as_str(), path) {
        ("GET" | "HEAD", "" | "/") => return page::show(request, &base_of(request)),
        ("GET", "/credentials") => Ok(show_credentials(dispatcher.keys.credentials(), request)),
        ("GET", "/books") => show_books(dispatcher),
        ("GET", "/merchant") => Ok(merchant::show(dispatcher)),
        ("POST", "/merchant") => merchant::set(dispatcher, request),
        ("GET", "/alipay") => signing::show(dispatcher),
        ("POST", "/alipay") => signing::set(dispatcher, request),
        ("GET", "/statements") => statements::show(dispatcher),
        ("POST", "/statements") => statements::add(dispatcher, request),
        ("DELETE", "/statements") => statements::clear(dispatcher),
        ("POST", "/refund-by-hand") => merchant::refund_by_hand(dispatcher, request).await,
        ("POST", "/refund") => merchant::settle_refund(dispatcher, request),
        ("GET", "/clock") => Ok(show_clock(dispatcher)),
        ("POST", "/clock") => set_clock(dispatcher, request).await,
        ("POST", "/pay") => act_as_payer(dispatcher, request, payer::pay),
        ("POST", "/scan") => act_as_payer(dispatcher, request, payer::scan),
        ("POST", "/refuse") => act_as_payer(dispatcher, request, payer::refuse),
        ("POST", "/oauth") => slip_authorization(dispatcher, request),
        ("POST", "/bridge") => invoke_bridge(dispatcher, request),
        ("GET", "/faults") => Ok(show_faults(dispatcher)),
        ("POST", "/faults") => set_faults(dispatcher, request),
        ("DELETE", "/faults") => {
            dispatcher.change_faults(|state| state.set_faults(&Faults::none()));
            Ok(show_faults(dispatcher))
        }
        ("POST", "/resend") => resend_notification(dispatcher, request),
        ("POST", "/notice") => make_notification(dispatcher, request).await,
        _ => {
            return Reply::json(
                404,
                &json!({"error": "no such call; GET /_control lists them all"}),
            );
        }
    };
    match outcome {
        Ok(value) => Reply::json(200, &value),
        Err(error) => Reply::json(422, &json!({"error": error})),
    }
}

fn read_body<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    let body: &[u8] = if request.body.is_empty() {
        b"{}"
    } else {
        &request.body
    };
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// Base URL as the caller reaches us.
fn base_of(request: &Request) -> String {
    format!("http://{}", request.header("host").unwrap_or("127.0.0.1"))
}

fn show_credentials(credentials: &Credentials, request: &Request) -> Value {
    let base = base_of(request);
    let env: Map<String, Value> = credentials
        .env_lines(&base)
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    json!({
        "wechatMchId": credentials.wechat_mch_id,
        "wechatAppId": credentials.wechat_app_id,
        "wechatSerialNo": credentials.wechat_serial_no,
        "wechatApiV3Key": credentials.wechat_api_v3_key,
        "wechatPrivateKey": credentials.wechat_private_key,
        "wechatAppSecret": credentials.wechat_app_secret,
        "wechatMiniAppSecret": credentials.wechat_mini_app_secret,
        "wechatPublicKey": credentials.wechat_public_key,
        "wechatPublicKeyId": credentials.wechat_public_key_id,
        "alipayAppId": credentials.alipay_app_id,
        "alipayPrivateKey": credentials.alipay_private_key,
        "alipayPublicKey": credentials.alipay_public_key,
        "alipaySellerId": credentials.alipay_seller_id,
        "alipayAppCert": credentials.alipay_app_cert,
        "alipayCert": credentials.alipay_cert,
        "alipayRootCert": credentials.alipay_root_cert,
        "alipayAesKey": credentials.alipay_aes_key,
        "env": env,
    })
}

fn show_books(dispatcher: &Dispatcher) -> Outcome {
    let books = dispatcher.act(|state, now_ms| {
        state.lapse(now_ms);
        state.books()
    });
    serde_json::to_value(books).map_err(|error| error.to_string())
}

fn show_clock(dispatcher: &Dispatcher) -> Value {
    let now_ms = dispatcher.watch.now_ms();
    json!({"nowMs": now_ms, "beijing": rfc3339(now_ms), "speed": dispatcher.watch.speed()})
}

async fn set_clock(dispatcher: &Arc<Dispatcher>, request: &Request) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Change {
        advance_ms: Option<i64>,
        speed: Option<u32>,
    }
    let change: Change = read_body(request)?;
    if change.advance_ms.is_none() && change.speed.is_none() {
        return Err("advanceMs or speed is needed".to_owned());
    }
    if change
        .advance_ms
        .is_some_and(|ms| !(0..=LONGEST_STEP_MS).contains(&ms))
    {
        return Err("advanceMs is 0 to 34560000000, which is 400 days".to_owned());
    }
    if let Some(speed) = change.speed {
        if !(1..=FASTEST).contains(&speed) {
            return Err(format!("speed is 1 to {FASTEST}"));
        }
        if !dispatcher.watch.runs_by_itself() {
            return Err("this clock stands still by itself; move it with advanceMs".to_owned());
        }
        dispatcher.act(|_, _| dispatcher.watch.set_speed(speed));
    }
    if let Some(advance_ms) = change.advance_ms {
        dispatcher.settle(dispatcher.watch.now_ms() + advance_ms).await;
    }
    Ok(show_clock(dispatcher))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PayerCall {
    code: Option<String>,
    out_trade_no: Option<String>,
    payer: Option<String>,
    #[serde(default)]
    coupon_fen: i64,
    #[serde(default)]
    merchant_coupon_fen: i64,
    balance_fen: Option<i64>,
    #[serde(default)]
    silent: bool,
}

type PayerAct = fn(&mut State, i64, &Payer<'_>) -> Result<Bill, payer::Refusal>;

fn act_as_payer(dispatcher: &Dispatcher, request: &Request, act: PayerAct) -> Outcome {
    let call: PayerCall = read_body(request)?;
    let prompt = match (call.code, call.out_trade_no) {
        (Some(_), Some(_)) => return Err("code or outTradeNo, not both".to_owned()),
        (Some(prompt), None) | (None, Some(prompt)) => prompt,
        (None, None) => newest_open(dispatcher)?,
    };
    let first = Payer::first(&prompt);
    let payer = Payer {
        name: call.payer.as_deref().unwrap_or(first.name),
        coupon_fen: call.coupon_fen,
        merchant_coupon_fen: call.merchant_coupon_fen,
        is_silent: call.silent,
        balance_fen: call.balance_fen,
        ..first
    };
    let bill = dispatcher
        .act(|state, now_ms| act(state, now_ms, &payer))
        .map_err(|refusal| refusal.to_string())?;
    Ok(show_bill(&bill))
}

fn show_bill(bill: &Bill) -> Value {
    json!({
        "gateway": bill.gateway,
        "outTradeNo": bill.out_trade_no,
        "subject": bill.subject,
        "totalFen": bill.total_fen,
    })
}

fn newest_open(dispatcher: &Dispatcher) -> Result<String, String> {
    let open = dispatcher.act(payer::open_bills);
    let newest = open.into_iter().next().ok_or("no bill waits to be paid")?;
    Ok(newest.out_trade_no)
}

/// Acts as a page inside WeChat, a mini program or an app that asks WeChat to pay.
fn invoke_bridge(dispatcher: &Dispatcher, request: &Request) -> Outcome {
    let invocation: wechat::Invocation = read_body(request)?;
    let invoked = invocation.check(&dispatcher.keys)?;
    let bill = dispatcher.act(|state, now_ms| wechat::pay_by_bridge(state, now_ms, &invoked))?;
    Ok(show_bill(&bill))
}

/// Lets the next authorisation go wrong; an empty call takes that back.
fn slip_authorization(dispatcher: &Dispatcher, request: &Request) -> Outcome {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Change {
        slip: Option<wechat::oauth::Slip>,
    }
    let Change { slip } = read_body(request)?;
    dispatcher.act(|state, _| state.wechat.oauth.slip = slip);
    Ok(json!({"slip": slip}))
}

fn show_faults(dispatcher: &Dispatcher) -> Value {
    let shown: Vec<Value> = dispatcher.state().faults.list().iter().map(show_fault).collect();
    json!({"faults": shown})
}

/// Adds one fault; a list in `faults` replaces all.
fn set_faults(dispatcher: &Dispatcher, request: &Request) -> Outcome {
    let value: Value = read_body(request)?;
    let faults = match value.get("faults") {
        Some(Value::Array(list)) if value.as_object().is_some_and(|members| members.len() == 1) => {
            let faults = list.iter().map(read_fault).collect::<Result<Vec<_>, _>>()?;
            faults.into_iter().fold(Faults::none(), Faults::with)
        }
        Some(_) => return Err("faults is a list, and stands alone".to_owned()),
        None => dispatcher.state().faults.clone().with(read_fault(&value)?),
    };
    if [Host::Primary, Host::Backup]
        .iter()
        .all(|host| faults.refuses(*host))
    {
        return Err("one address must stay up, or nobody could clear the faults".to_owned());
    }
    dispatcher.change_faults(|state| state.set_faults(&faults));
    Ok(show_faults(dispatcher))
}

fn resend_notification(dispatcher: &Dispatcher, request: &Request) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Resend {
        out_trade_no: Option<String>,
    }
    let Resend { out_trade_no } = read_body(request)?;
    let out_trade_no = out_trade_no.map_or_else(|| newest_notification(dispatcher), Ok)?;
    dispatcher.act(|state, now_ms| state.outbox.resend(now_ms, &out_trade_no))?;
    Ok(json!({"outTradeNo": out_trade_no}))
}

/// Returns the trade that was notified last.
fn newest_notification(dispatcher: &Dispatcher) -> Result<String, String> {
    let notifications = dispatcher.state().outbox.book();
    let newest = notifications
        .into_iter()
        .next_back()
        .ok_or("no notice was sent yet")?;
    Ok(newest.out_trade_no)
}

async fn make_notification(dispatcher: &Dispatcher, request: &Request) -> Outcome {
    let mut members: Map<String, Value> = read_body(request)?;
    let out_trade_no = match members.remove("outTradeNo") {
        None => newest_notification(dispatcher)?,
        Some(Value::String(out_trade_no)) => out_trade_no,
        Some(_) => return Err("outTradeNo is a text".to_owned()),
    };
    let send = match members.remove("send") {
        None => false,
        Some(Value::Bool(send)) => send,
        Some(_) => return Err("send is true or false".to_owned()),
    };
    let alteration: Alteration =
        serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())?;
    let notification = forge(dispatcher, &out_trade_no, &alteration)?;
    let headers: Map<String, Value> = notification
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let mut shown = json!({
        "url": notification.url,
        "headers": headers,
        "body": String::from_utf8_lossy(&notification.body),
    });
    if send {
        shown["answer"] = match dispatcher.post(&notification).await {
            Some(receipt) => {
                json!({"status": receipt.status, "body": String::from_utf8_lossy(&receipt.body)})
            }
            None => Value::Null,
        };
    }
    Ok(shown)
}
