//! Server functions of the forms: parse, one verb, and redirect by GET, so that reloading never repeats anything.
//!
//! Failures are redirected too, as a code in the URL: Leptos would send an error of a server function to whatever `Referer`
//! says.

use domain::{Method, Product, id::is_name};
use leptos::prelude::*;

use crate::answer::{leave_for, see_other, set_cookie};
use crate::context::{Request, request, services};
use crate::device::{Device, PayMode};
use crate::error::UiError;
use crate::i18n::Language;
use crate::links::{self, CheckoutLink};
use crate::shop::{self, Plan};
use crate::view::{PageState, Situation, spending};
use crate::visitor;

/// Creates an order of the demo shop and opens its checkout.
#[server(prefix = "/ui", endpoint = "buy_plan")]
pub async fn buy_plan(
    #[server(default)] plan: String,
    #[server(default)] lang: String,
) -> Result<(), UiError> {
    let language = choose_language(&lang);
    see_other(&match create_plan_order(&plan, language).await {
        Ok(token) => checkout_link(&token, language, None).path(),
        Err(error) => links::shop(language, Some(error)),
    });
    Ok(())
}

/// Opens an order behind a payment link; where only one method works, its payment is started by the same press.
#[server(prefix = "/ui", endpoint = "open_link")]
pub async fn open_link(
    #[server(default)] token: String,
    #[server(default)] amount: String,
    #[server(default)] lang: String,
    #[server(default)] device: String,
) -> Result<(), UiError> {
    let (language, device) = (choose_language(&lang), Device::parse(&device));
    match open_order(&token, &amount).await {
        Ok(order) => {
            let link = checkout_link(&order.token, language, device);
            match only_method(device) {
                Some(method) => go_on(start_first(&order, method, None, link).await, link),
                None => go_back(link),
            }
        }
        Err(error) => {
            let token = if is_name(&token) {
                token.as_str()
            } else {
                "unknown"
            };
            let device = device.map(Device::as_str);
            see_other(&links::payment_link(token, language, device, error));
        }
    }
    Ok(())
}

/// Starts a payment with the chosen method; an open one is shown again.
#[server(prefix = "/ui", endpoint = "start_payment")]
pub async fn start_payment(
    #[server(default)] token: String,
    #[server(default)] method: String,
    #[server(default)] way: String,
    #[server(default)] lang: String,
    #[server(default)] device: String,
) -> Result<(), UiError> {
    let device = Device::parse(&device);
    let link = checkout_link(&token, choose_language(&lang), device);
    if Method::parse(&method) == Some(Method::Balance) {
        // A balance payment moves money at once, so it is confirmed on a page of its own.
        go_back(CheckoutLink {
            is_spending: true,
            ..link
        });
        return Ok(());
    }
    go_on(
        start_chosen_payment(&token, &method, PayMode::parse(&way), link).await,
        link,
    );
    Ok(())
}

/// Pays with the balance after confirmation: takes the order's amount from its user's balance.
#[server(prefix = "/ui", endpoint = "pay_by_balance")]
pub async fn pay_by_balance(
    #[server(default)] token: String,
    #[server(default)] lang: String,
    #[server(default)] device: String,
) -> Result<(), UiError> {
    let link = checkout_link(&token, choose_language(&lang), Device::parse(&device));
    go_back(match spend_attempt(&token).await {
        Ok(is_spending) => CheckoutLink { is_spending, ..link },
        Err(error) => CheckoutLink {
            error: Some(error),
            ..link
        },
    });
    Ok(())
}

/// Creates a top-up of the amount that is missing; once it is paid, its return URL leads back here.
#[server(prefix = "/ui", endpoint = "top_up")]
pub async fn top_up(
    #[server(default)] token: String,
    #[server(default)] lang: String,
    #[server(default)] device: String,
) -> Result<(), UiError> {
    let (language, device) = (choose_language(&lang), Device::parse(&device));
    match order_top_up(checkout_link(&token, language, device)).await {
        Ok(Some(topup)) => see_other(&checkout_link(&topup, language, device).path()),
        // The balance suffices meanwhile.
        Ok(None) => go_back(CheckoutLink {
            is_spending: true,
            ..checkout_link(&token, language, device)
        }),
        Err(error) => go_back(CheckoutLink {
            error: Some(error),
            ..checkout_link(&token, language, device)
        }),
    }
    Ok(())
}

/// Starts a payment by the same method again, after an attempt has ended (*New code*).
///
/// With `stay` it was the page that asked, and no person who wants to leave it.
#[server(prefix = "/ui", endpoint = "new_code")]
pub async fn new_code(
    #[server(default)] token: String,
    #[server(default)] lang: String,
    #[server(default)] device: String,
    #[server(default)] stay: String,
) -> Result<(), UiError> {
    let link = checkout_link(&token, choose_language(&lang), Device::parse(&device));
    let started = renew_prompt_once(&token, link).await;
    go_on(
        if stay.is_empty() {
            started
        } else {
            started.map(|_| Started::Here)
        },
        link,
    );
    Ok(())
}

/// Queries the gateway once, now (*I have paid*).
#[server(prefix = "/ui", endpoint = "check_payment")]
pub async fn check_payment(
    #[server(default)] token: String,
    #[server(default)] lang: String,
    #[server(default)] device: String,
) -> Result<(), UiError> {
    let outcome = ask_gateway(&token).await;
    go_back(CheckoutLink {
        is_asked: outcome.is_ok_and(|is_pending| is_pending),
        error: outcome.err(),
        ..checkout_link(&token, choose_language(&lang), Device::parse(&device))
    });
    Ok(())
}

/// `Err(None)`: the page of the link says by itself why no order opens.
async fn open_order(token: &str, amount: &str) -> Result<domain::Order, Option<UiError>> {
    let amount = match amount.trim() {
        "" => None,
        text => Some(domain::Money::parse_yuan(text).map_err(|_| UiError::BadAmount)?),
    };
    let visitor = request().visitor;
    match payments::open_link_order(&services(), token, amount, visitor.as_deref()).await {
        Ok(order) => Ok(order),
        Err(payments::LinkError::Ended(_)) => Err(None),
        Err(payments::LinkError::Failed(payments::Error::NotFound)) => Err(None),
        Err(payments::LinkError::Failed(error)) => Err(Some(error.into())),
    }
}

/// The request, with the device that a form has kept.
fn request_on(device: Option<Device>) -> Request {
    let request = request();
    Request {
        device: device.unwrap_or(request.device),
        ..request
    }
}

/// The only method that works on the payer's device; `None`: there are several, or none.
fn only_method(device: Option<Device>) -> Option<Method> {
    let request = request_on(device);
    let offered = [Method::Wechat, Method::Alipay].into_iter();
    let offered: Vec<Method> = offered
        .filter(|method| !request.products(*method, None).is_empty())
        .collect();
    match offered[..] {
        [method] => Some(method),
        _ => None,
    }
}

async fn create_plan_order(plan: &str, language: Option<&str>) -> Result<String, UiError> {
    let request = request();
    let shop = request.site.demo_shop.as_ref().ok_or(UiError::NotFound)?;
    let plan = Plan::parse(plan).ok_or(UiError::Malformed)?;
    let words = language
        .and_then(Language::parse_tag)
        .map_or_else(|| request.words(), Language::words);
    let order = shop::buy(&services(), shop, plan, words, &request.site.public_url).await?;
    Ok(order.token)
}

async fn start_chosen_payment(
    token: &str,
    method: &str,
    way: Option<PayMode>,
    link: CheckoutLink<'_>,
) -> Result<Started, UiError> {
    let method = Method::parse(method).ok_or(UiError::ChooseMethod)?;
    let checkout = payments::find_checkout(&services(), token).await?;
    start_first(&checkout.order, method, way, link).await
}

/// Pays from the balance; returns whether it was too low, which the page shows by itself.
async fn spend_attempt(token: &str) -> Result<bool, UiError> {
    let services = services();
    let checkout = payments::find_checkout(&services, token).await?;
    if !checkout.order.allows_balance {
        return Err(UiError::Unavailable);
    }
    let start = payments::StartPayment::new(checkout.order.id, Product::Balance);
    match payments::start_payment(&services, start, None).await {
        Ok(_) => Ok(false),
        Err(error) => spending::outcome(error).map_or(Ok(true), Err),
    }
}

/// Creates a top-up order and returns its token; `None`: the balance suffices already.
async fn order_top_up(link: CheckoutLink<'_>) -> Result<Option<String>, UiError> {
    let (services, request) = (services(), request());
    let order = payments::find_checkout(&services, link.token).await?.order;
    if !spending::is_allowed(&order) {
        return Err(UiError::NotPayable);
    }
    let balance = payments::find_balance(&services, &order.user_id).await?;
    let Err(missing) = spending::left(balance.available, order.amount) else {
        return Ok(None);
    };
    let here = CheckoutLink {
        is_spending: true,
        ..link
    };
    let return_url = format!("{}{}", request.site.public_url, here.path());
    let topup = payments::top_up_for_order(&services, &order, missing, return_url).await?;
    Ok(Some(topup.token))
}

async fn renew_prompt_once(token: &str, link: CheckoutLink<'_>) -> Result<Started, UiError> {
    let checkout = payments::find_checkout(&services(), token).await?;
    let last = checkout.payments.first().ok_or(UiError::ChooseMethod)?;
    start_first(&checkout.order, last.method(), PayMode::of(last.product), link).await
}

/// Next step after the form of a payment.
enum Started {
    /// The page shows it.
    Here,
    /// The page opens it inside WeChat.
    Opening,
    /// The browser leaves for this address, ours or WeChat's.
    Leaving(String),
}

/// Starts a payment by the first product of a method that works on the payer's device and is permitted.
async fn start_first(
    order: &domain::Order,
    method: Method,
    way: Option<PayMode>,
    link: CheckoutLink<'_>,
) -> Result<Started, UiError> {
    let services = services();
    let request = request_on(link.device.and_then(Device::parse));
    let mut products = request.products(method, way);
    let openid = match &request.visitor {
        Some(visitor) if products.contains(&Product::Jsapi) => {
            payments::find_openid(&services, visitor).await?
        }
        _ => None,
    };
    let first = products.first().copied().ok_or(UiError::Unavailable)?;
    if openid.is_none() {
        if first == Product::Jsapi {
            return authorize_wechat_payer(&request, order, link).await;
        }
        products.retain(|product| *product != Product::Jsapi);
    }
    let start = payments::StartPayment {
        return_url: Some(request.checkout_url(&order.token)),
        payer_ip: request.payer_ip,
        initiator: payments::Initiator::Payer,
        openid: openid.as_ref().map(payments::openid_text),
        ..payments::StartPayment::new(order.id.clone(), first)
    };
    let made = payments::start_permitted(&services, &products, &start).await?;
    // The gateway's own page is the next one: a page of ours in between would ask for a second press.
    Ok(match made.into_value().map(|payment| payment.product) {
        Some(Product::H5 | Product::Wap | Product::Page) => {
            Started::Leaving(links::gateway(&order.token, link.language))
        }
        Some(Product::Jsapi) => Started::Opening,
        _ => Started::Here,
    })
}

/// Sends the payer's browser to WeChat, which sends it back with a code that names the payer.
async fn authorize_wechat_payer(
    request: &Request,
    order: &domain::Order,
    link: CheckoutLink<'_>,
) -> Result<Started, UiError> {
    let services = services();
    let visitor = request.visitor.clone().unwrap_or_else(|| services.clock.nonce());
    let path = links::wechat_return(&order.token, link.language, link.device);
    let return_url = format!("{}{path}", request.site.public_url);
    let address = payments::begin_authorization(&services, order, &visitor, &return_url).await?;
    set_cookie(&visitor::cookie(&visitor, &request.site.public_url));
    Ok(Started::Leaving(address))
}

fn go_on(started: Result<Started, UiError>, link: CheckoutLink<'_>) {
    match started {
        Ok(Started::Here) => go_back(link),
        Ok(Started::Opening) => go_back(CheckoutLink { opens: true, ..link }),
        Ok(Started::Leaving(address)) => leave_for(&address),
        Err(error) => go_back(CheckoutLink {
            error: Some(error),
            ..link
        }),
    }
}

/// Queries the newest payment; returns whether its end is still unknown.
async fn ask_gateway(token: &str) -> Result<bool, UiError> {
    let services = services();
    let checkout = payments::find_checkout(&services, token).await?;
    let Some(payment) = checkout.payments.first() else {
        return Ok(false);
    };
    payments::query_payment(&services, &payment.payment_no, None).await?;
    let checkout = payments::find_checkout(&services, token).await?;
    let state = Situation::of(&checkout, services.clock.now()).state();
    Ok(state == PageState::Waiting)
}

fn choose_language(lang: &str) -> Option<&'static str> {
    Language::parse_tag(lang).map(Language::as_str)
}

fn checkout_link<'a>(token: &'a str, language: Option<&'a str>, device: Option<Device>) -> CheckoutLink<'a> {
    CheckoutLink {
        // The token came from a form: an invalid one must not become part of an address.
        token: if is_name(token) { token } else { "unknown" },
        language,
        device: device.map(Device::as_str),
        ..CheckoutLink::default()
    }
}

fn go_back(link: CheckoutLink<'_>) {
    // The error page of a missing order explains itself.
    let error = link.error.filter(|error| *error != UiError::NotFound);
    see_other(&CheckoutLink { error, ..link }.path());
}
