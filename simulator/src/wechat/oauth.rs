//! Authorisation of a payer inside WeChat: `connect/oauth2/authorize`, which the payer's browser opens, and
//! `sns/oauth2/access_token`, which the merchant asks. Neither is signed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::order::openid_of;
use crate::dispatcher::Dispatcher;
use crate::keys::{APP_ID, Keys};
use crate::state::State;
use crate::time::MINUTE_MS;
use crate::wallet::{Document, escape};
use crate::wire::{Reply, Request, form_escape, parse_form};

pub(crate) const AUTHORIZE_PATH: &str = "/connect/oauth2/authorize";
pub(crate) const TOKEN_PATH: &str = "/sns/oauth2/access_token";
const CODE_LIFE_MS: i64 = 5 * MINUTE_MS;
const MOST_STATE: usize = 128;
const MOST_CODES: usize = 1_000;

/// Fault of the next authorisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Slip {
    /// The code was exchanged before.
    UsedCode,
    /// The code is older than five minutes.
    ExpiredCode,
    /// The code belongs to another app.
    ForeignApp,
    /// The browser comes back with the state of another authorisation.
    SwappedState,
}

#[derive(Debug)]
struct Issued {
    openid: String,
    is_foreign: bool,
    is_used: bool,
    issued_ms: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Oauth {
    codes: BTreeMap<String, Issued>,
    pub(crate) slip: Option<Slip>,
}

/// Sends the browser back with a code, without a question: that is what `snsapi_base` means.
///
/// The real page opens only inside WeChat. Here another browser is asked whose WeChat it is, so that a person at a desk
/// can try it.
pub(crate) fn authorize(dispatcher: &Dispatcher, request: &Request) -> Reply {
    let asked = match read_asked(request.query()) {
        Ok(asked) => asked,
        Err(message) => return answer_page(400, "微信", &format!("<p>{message}</p>")),
    };
    let is_wechat = request
        .header("user-agent")
        .is_some_and(|agent| agent.contains("MicroMessenger"));
    let payer = match asked.payer {
        Some(payer) => payer,
        None if is_wechat => "one".to_owned(),
        None => return ask_for_payer(request),
    };
    let back =
        dispatcher.act(|state, now_ms| issue_code(state, now_ms, &payer, &asked.redirect_uri, &asked.state));
    Reply::new(302, "text/html; charset=utf-8", "").with_header("location", back)
}

struct Asked {
    redirect_uri: String,
    state: String,
    payer: Option<String>,
}

fn read_asked(query: &str) -> Result<Asked, &'static str> {
    let fields = parse_form(query).ok_or("链接错误")?;
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    if field("appid") != APP_ID {
        return Err("AppID 参数错误");
    }
    let redirect_uri = field("redirect_uri");
    if !redirect_uri.starts_with("http://") && !redirect_uri.starts_with("https://") {
        return Err("redirect_uri 参数错误");
    }
    if field("response_type") != "code" || field("scope") != "snsapi_base" {
        return Err("Scope 参数错误或没有 Scope 权限");
    }
    let state = field("state");
    if state.len() > MOST_STATE || !state.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err("state 参数错误");
    }
    let payer = field("payer");
    Ok(Asked {
        redirect_uri,
        state,
        payer: ["one", "two"].contains(&payer.as_str()).then_some(payer),
    })
}

fn ask_for_payer(request: &Request) -> Reply {
    let link = |payer: &str, label: &str| {
        format!(
            "<a class=\"button\" data-testid=\"wechat-as-{payer}\" href=\"{}&amp;payer={payer}\">{label}</a>",
            escape(&request.target)
        )
    };
    let body = format!(
        "<p>请在微信客户端打开链接。模拟器中可选择一位付款人继续。</p><nav class=\"actions\">{}{}</nav>",
        link("one", "第一位付款人的微信"),
        link("two", "另一位付款人的微信")
    );
    answer_page(200, "微信登录", &body)
}

fn answer_page(status: u16, title: &str, content: &str) -> Reply {
    Document {
        language: "zh-CN",
        title,
        body: format!("<section class=\"card\"><h1>{title}</h1>{content}</section>"),
        status,
    }
    .reply()
}

fn issue_code(state: &mut State, now_ms: i64, payer: &str, redirect_uri: &str, asked_state: &str) -> String {
    let code = state.rng.alphanumeric(32);
    let other_state = state.rng.hex(32);
    let oauth = &mut state.wechat.oauth;
    let slip = oauth.slip.take();
    let age_ms = if slip == Some(Slip::ExpiredCode) {
        CODE_LIFE_MS
    } else {
        0
    };
    if oauth.codes.len() >= MOST_CODES {
        oauth
            .codes
            .retain(|_, issued| now_ms < issued.issued_ms + CODE_LIFE_MS);
    }
    oauth.codes.insert(
        code.clone(),
        Issued {
            openid: openid_of(payer),
            is_foreign: slip == Some(Slip::ForeignApp),
            is_used: slip == Some(Slip::UsedCode),
            issued_ms: now_ms - age_ms,
        },
    );
    let shown = if slip == Some(Slip::SwappedState) {
        &other_state
    } else {
        asked_state
    };
    let joint = if redirect_uri.contains('?') { '&' } else { '?' };
    format!(
        "{redirect_uri}{joint}code={code}&state={}",
        form_escape(shown.as_bytes(), "+")
    )
}

/// Exchanges a code; errors have status 200, as the real host answers.
pub(crate) fn exchange(state: &mut State, now_ms: i64, request: &Request) -> Reply {
    let answer = redeem_code(state, now_ms, request.query())
        .unwrap_or_else(|(errcode, errmsg)| json!({"errcode": errcode, "errmsg": errmsg}));
    Reply::new(200, "text/plain", answer.to_string())
}

type WrongCode = (u32, &'static str);

fn redeem_code(state: &mut State, now_ms: i64, query: &str) -> Result<Value, WrongCode> {
    let fields = parse_form(query).unwrap_or_default();
    let field = |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    if field("appid") != APP_ID {
        return Err((40_013, "invalid appid"));
    }
    if field("secret") != app_secret(&state.keys) {
        return Err((40_125, "invalid appsecret"));
    }
    if field("grant_type") != "authorization_code" {
        return Err((40_002, "invalid grant_type"));
    }
    let (access_token, refresh_token) = (state.rng.alphanumeric(88), state.rng.alphanumeric(88));
    let issued = state.wechat.oauth.codes.get_mut(field("code"));
    let issued = issued
        .filter(|issued| !issued.is_foreign)
        .ok_or((40_029, "invalid code"))?;
    if issued.is_used {
        return Err((40_163, "code been used"));
    }
    if now_ms >= issued.issued_ms + CODE_LIFE_MS {
        return Err((42_003, "oauth_code timeout"));
    }
    issued.is_used = true;
    Ok(json!({
        "access_token": access_token,
        "expires_in": 7200,
        "refresh_token": refresh_token,
        "openid": issued.openid,
        "scope": "snsapi_base",
    }))
}

fn app_secret(keys: &Keys) -> &str {
    &keys.credentials().wechat_app_secret
}
