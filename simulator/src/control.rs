//! `/_control`: what a test, or a person at a terminal, may do to the simulated world.

mod attack;
mod page;

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub(crate) use attack::forge;
pub use attack::{Alteration, SignedBy};

use crate::courier::Courier;
use crate::faults::{Faults, read_fault, show_fault};
use crate::payer::{self, Bill, Payer};
use crate::settings::Credentials;
use crate::time::rfc3339;
use crate::wire::{Reply, Request};
use crate::world::World;

type Outcome = Result<Value, String>;

pub(crate) async fn handle(courier: &Arc<Courier>, request: &Request, path: &str) -> Reply {
    let outcome = match (request.method.as_str(), path) {
        ("GET", "" | "/") => return page::show(&base_of(request)),
        ("GET", "/credentials") => Ok(show_credentials(courier.keys.credentials(), request)),
        ("GET", "/books") => show_books(courier),
        ("GET", "/clock") => Ok(show_clock(courier)),
        ("POST", "/clock") => advance(courier, request).await,
        ("POST", "/pay") => act_as_payer(courier, request, payer::pay),
        ("POST", "/scan") => act_as_payer(courier, request, payer::scan),
        ("POST", "/refuse") => act_as_payer(courier, request, payer::refuse),
        ("GET", "/faults") => Ok(show_faults(courier)),
        ("POST", "/faults") => set_faults(courier, request),
        ("DELETE", "/faults") => {
            courier.act(|world, _| world.set_faults(&Faults::none()));
            Ok(show_faults(courier))
        }
        ("POST", "/resend") => resend(courier, request),
        ("POST", "/notice") => notice(courier, request).await,
        _ => return Reply::json(404, &json!({"error": "no such call; see GET /_control"})),
    };
    match outcome {
        Ok(value) => Reply::json(200, &value),
        Err(error) => Reply::json(422, &json!({"error": error})),
    }
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, String> {
    let body: &[u8] = if request.body.is_empty() {
        b"{}"
    } else {
        &request.body
    };
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

/// As the caller reaches us.
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
        "wechatPublicKey": credentials.wechat_public_key,
        "wechatPublicKeyId": credentials.wechat_public_key_id,
        "alipayAppId": credentials.alipay_app_id,
        "alipayPrivateKey": credentials.alipay_private_key,
        "alipayPublicKey": credentials.alipay_public_key,
        "alipaySellerId": credentials.alipay_seller_id,
        "env": env,
    })
}

fn show_books(courier: &Courier) -> Outcome {
    let books = courier.act(|world, now_ms| {
        world.lapse(now_ms);
        world.books()
    });
    serde_json::to_value(books).map_err(|error| error.to_string())
}

fn show_clock(courier: &Courier) -> Value {
    let now_ms = courier.watch.now_ms();
    json!({"nowMs": now_ms, "beijing": rfc3339(now_ms)})
}

async fn advance(courier: &Arc<Courier>, request: &Request) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Advance {
        advance_ms: u32,
    }
    let Advance { advance_ms } = read(request)?;
    courier
        .settle(courier.watch.now_ms() + i64::from(advance_ms))
        .await;
    Ok(show_clock(courier))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PayerCall {
    code: Option<String>,
    out_trade_no: Option<String>,
    payer: Option<String>,
    #[serde(default)]
    coupon_fen: i64,
}

type PayerAct = fn(&mut World, i64, &Payer<'_>) -> Result<Bill, payer::Refusal>;

fn act_as_payer(courier: &Courier, request: &Request, act: PayerAct) -> Outcome {
    let call: PayerCall = read(request)?;
    let prompt = call
        .code
        .or(call.out_trade_no)
        .ok_or("code or outTradeNo is needed")?;
    let first = Payer::first(&prompt);
    let payer = Payer {
        name: call.payer.as_deref().unwrap_or(first.name),
        coupon_fen: call.coupon_fen,
        ..first
    };
    let bill = courier
        .act(|world, now_ms| act(world, now_ms, &payer))
        .map_err(|refusal| refusal.to_string())?;
    Ok(json!({
        "gateway": bill.gateway,
        "outTradeNo": bill.out_trade_no,
        "subject": bill.subject,
        "totalFen": bill.total_fen,
    }))
}

fn show_faults(courier: &Courier) -> Value {
    let shown: Vec<Value> = courier.world().faults.list().iter().map(show_fault).collect();
    json!({"faults": shown})
}

/// One fault is added; a list in `faults` replaces all.
fn set_faults(courier: &Courier, request: &Request) -> Outcome {
    let value: Value = read(request)?;
    match value.get("faults").and_then(Value::as_array) {
        Some(list) => {
            let faults = list.iter().map(read_fault).collect::<Result<Vec<_>, _>>()?;
            let faults = faults.into_iter().fold(Faults::none(), Faults::with);
            courier.act(|world, _| world.set_faults(&faults));
        }
        None => {
            let fault = read_fault(&value)?;
            courier.act(|world, _| world.add_fault(fault));
        }
    }
    Ok(show_faults(courier))
}

fn resend(courier: &Courier, request: &Request) -> Outcome {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Resend {
        out_trade_no: String,
    }
    let Resend { out_trade_no } = read(request)?;
    courier.act(|world, now_ms| world.post.resend(now_ms, &out_trade_no))?;
    Ok(json!({"outTradeNo": out_trade_no}))
}

async fn notice(courier: &Courier, request: &Request) -> Outcome {
    let mut members: Map<String, Value> = read(request)?;
    let out_trade_no = members
        .remove("outTradeNo")
        .and_then(|no| no.as_str().map(str::to_owned));
    let out_trade_no = out_trade_no.ok_or("outTradeNo is needed")?;
    let send = members.remove("send").is_some_and(|send| send == true);
    let alteration: Alteration =
        serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())?;
    let letter = forge(courier, &out_trade_no, &alteration)?;
    let headers: Map<String, Value> = letter
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let mut shown = json!({
        "url": letter.url,
        "headers": headers,
        "body": String::from_utf8_lossy(&letter.body),
    });
    if send {
        shown["answer"] = match courier.post(&letter).await {
            Some(receipt) => {
                json!({"status": receipt.status, "body": String::from_utf8_lossy(&receipt.body)})
            }
            None => Value::Null,
        };
    }
    Ok(shown)
}
