//! Keeps an open checkout page up to date: by events, or by polling where events do not arrive.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::html;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use super::browser::told;
use super::{browser, live_region};

/// Polling interval in seconds; the next query is planned after the answer, so two never overlap.
const PAUSES: [u64; 4] = [2, 3, 5, 8];

/// Attribute of the root element while the connection is lost.
pub const CONNECTION: &str = "data-connection";

/// Placed outside of `main`, so that it and its live region survive the changes it makes. The element around it has the text of
/// a lost connection in `data-lost`.
#[island]
pub fn PaymentWatcher() -> impl IntoView {
    let announcement = RwSignal::new(String::new());
    let node = NodeRef::<html::P>::new();
    let connection = Connection(node);
    Effect::new(move |_| {
        let watch = Rc::new(Watch::new(announcement, connection));
        let on_change = Rc::clone(&watch);
        // Phones return from the wallet app by these two events.
        window_event_listener_untyped("visibilitychange", move |_| on_change.come_back());
        let on_return = Rc::clone(&watch);
        window_event_listener_untyped("pageshow", move |_| on_return.come_back());
        window_event_listener_untyped("offline", move |_| {
            if is_watched() {
                connection.tell(true);
            }
        });
        let on_line = Rc::clone(&watch);
        window_event_listener_untyped("online", move |_| on_line.come_back());
        watch.look();
    });
    view! {
        <div class="visually-hidden" role="status" aria-live="polite">{announcement}</div>
        <p class="connection" role="status" node_ref=node></p>
    }
}

/// Banner that says that the page cannot be up to date.
#[derive(Clone, Copy)]
struct Connection(NodeRef<html::P>);

impl Connection {
    /// Shows or hides the banner. `data-connection` hides the countdown, which is not known to be right without the server.
    fn tell(self, is_lost: bool) {
        let (Some(banner), Some(root)) = (self.0.get_untracked(), document().document_element()) else {
            return;
        };
        if root.has_attribute(CONNECTION) == is_lost {
            return;
        }
        if is_lost {
            banner.set_text_content(Some(&told(&banner, "lost")));
            drop(root.set_attribute(CONNECTION, "lost"));
        } else {
            banner.set_text_content(None);
            drop(root.remove_attribute(CONNECTION));
        }
    }
}

struct Watch {
    announcement: RwSignal<String>,
    connection: Connection,
    events: RefCell<Option<EventSource>>,
    /// An event has arrived, so there is no need to poll.
    has_events: Cell<bool>,
    /// Events arrive on this page, whether the stream is open or not at the moment.
    can_hear: Cell<bool>,
    next_question: Cell<Option<TimeoutHandle>>,
    end_of_shown: Cell<Option<TimeoutHandle>>,
    n_asked: Cell<usize>,
    is_asking: Cell<bool>,
    is_renewing: Cell<bool>,
    /// An event arrived while the page was being renewed.
    has_missed: Cell<bool>,
    /// A code is renewed automatically only once; after that it is up to the payer.
    has_renewed_code: Cell<bool>,
}

impl Watch {
    fn new(announcement: RwSignal<String>, connection: Connection) -> Watch {
        Watch {
            announcement,
            connection,
            events: RefCell::new(None),
            has_events: Cell::new(false),
            can_hear: Cell::new(false),
            next_question: Cell::new(None),
            end_of_shown: Cell::new(None),
            n_asked: Cell::new(0),
            is_asking: Cell::new(false),
            is_renewing: Cell::new(false),
            has_missed: Cell::new(false),
            has_renewed_code: Cell::new(false),
        }
    }

    /// Queries the gateway at once: the payer may be back from the wallet app.
    fn come_back(self: &Rc<Self>) {
        self.look();
        if is_watched() {
            self.ask_now("status?ask");
        }
    }

    /// Starts when the page is visible, stops when it is hidden: a watched page makes the server query the gateway.
    fn look(self: &Rc<Self>) {
        self.rest();
        if !is_watched() {
            return;
        }
        self.n_asked.set(0);
        self.listen();
        // Cancelled by the first event, which arrives at once where events arrive at all.
        self.plan_question();
        self.plan_end();
        self.renew_code_once();
    }

    fn rest(&self) {
        self.has_events.set(false);
        if let Some(events) = self.events.take() {
            events.close();
        }
        for timer in [self.next_question.take(), self.end_of_shown.take()]
            .into_iter()
            .flatten()
        {
            timer.clear();
        }
    }

    fn listen(self: &Rc<Self>) {
        let Ok(events) = EventSource::new(&stream_address("events")) else {
            return;
        };
        let watch = Rc::clone(self);
        let on_state = Closure::<dyn Fn(MessageEvent)>::new(move |event: MessageEvent| {
            watch.can_hear.set(true);
            watch.rely_on_events();
            watch.hear(&event.data().as_string().unwrap_or_default());
        });
        let watch = Rc::clone(self);
        let on_open = Closure::<dyn Fn()>::new(move || {
            // The server sends at once what has changed since the last event, or nothing.
            if watch.can_hear.get() {
                watch.rely_on_events();
            }
        });
        let watch = Rc::clone(self);
        let on_error = Closure::<dyn Fn()>::new(move || watch.miss_events());
        let _without_events =
            events.add_event_listener_with_callback("state", on_state.as_ref().unchecked_ref());
        events.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        events.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        on_state.forget();
        on_open.forget();
        on_error.forget();
        self.events.replace(Some(events));
    }

    fn rely_on_events(&self) {
        self.connection.tell(false);
        self.has_events.set(true);
        self.plan(None);
    }

    /// Falls back to polling when a stream fails before its first event: a proxy cuts events off, and would do so again. A stream
    /// that worked ends after its lifetime, and the browser opens another one.
    fn miss_events(self: &Rc<Self>) {
        let has_worked = self.has_events.replace(false);
        if !has_worked && let Some(events) = self.events.take() {
            events.close();
        }
        self.plan_question();
    }

    fn ask_now(self: &Rc<Self>, last: &'static str) {
        if self.is_asking.replace(true) {
            return;
        }
        let watch = Rc::clone(self);
        spawn_local(async move {
            let answer = browser::fetch_text(&stream_address(last)).await;
            watch.is_asking.set(false);
            watch
                .connection
                .tell(answer.as_ref().is_err_and(|error| *error != browser::REFUSED));
            if let Ok(news) = answer {
                watch.hear(&news);
            }
            if !watch.has_events.get() {
                watch.plan_question();
            }
        });
    }

    fn plan_question(self: &Rc<Self>) {
        if !is_watched() {
            return;
        }
        let n_asked = self.n_asked.get();
        self.n_asked.set(n_asked + 1);
        let pause = Duration::from_secs(PAUSES[n_asked.min(PAUSES.len() - 1)]);
        let watch = Rc::clone(self);
        self.plan(set_timeout_with_handle(move || watch.ask_now("status"), pause).ok());
    }

    fn plan(&self, question: Option<TimeoutHandle>) {
        if let Some(earlier) = self.next_question.replace(question) {
            earlier.clear();
        }
    }

    /// Plans a renewal at the known end of what is shown; the code must not outlive it on the screen.
    fn plan_end(self: &Rc<Self>) {
        if let Some(earlier) = self.end_of_shown.take() {
            earlier.clear();
        }
        // As `i32`, because browsers fire timers of more than 24 days at once.
        let left = live_region::data("millisLeft").and_then(|millis| millis.parse::<i32>().ok());
        let Some(left) = left.and_then(|left| u64::try_from(left.checked_add(300)?).ok()) else {
            return;
        };
        let watch = Rc::clone(self);
        let timer = set_timeout_with_handle(move || watch.renew(), Duration::from_millis(left));
        self.end_of_shown.set(timer.ok());
    }

    fn hear(self: &Rc<Self>, news: &str) {
        if live_region::is_outdated_by(news) {
            self.renew();
        }
    }

    fn renew(self: &Rc<Self>) {
        if self.is_renewing.get() {
            self.has_missed.set(true);
            return;
        }
        self.is_renewing.set(true);
        let watch = Rc::clone(self);
        spawn_local(async move {
            let title = live_region::renew().await;
            watch.is_renewing.set(false);
            let has_missed = watch.has_missed.take();
            let is_new = title.is_ok();
            if let Ok(title) = title {
                watch.announcement.set(title);
                watch.plan_end();
                watch.renew_code_once();
            }
            // After a pause: an answer that lags behind the page must not cause a loop of renewals.
            if has_missed || !is_new {
                watch.plan_question();
            }
            if !is_watched() {
                watch.rest();
            }
        });
    }
}

impl Watch {
    /// Presses *new code* when the code expires while the page is visible.
    fn renew_code_once(self: &Rc<Self>) {
        let is_wanted = is_watched() && live_region::data("renew").as_deref() == Some("once");
        if !is_wanted || self.has_renewed_code.replace(true) {
            return;
        }
        let watch = Rc::clone(self);
        spawn_local(async move {
            // The result is on the page, whatever the answer was.
            drop(browser::post_form("/ui/new_code", &format!("stay=1&token={}", checkout_token())).await);
            watch.renew();
        });
    }
}

fn is_watched() -> bool {
    !document().hidden() && live_region::data("watched").as_deref() == Some("true")
}

/// Returns an address below the order's.
fn stream_address(last: &str) -> String {
    format!("/checkout/{}/{last}", checkout_token())
}

/// Returns the token from the address of this page: `/checkout/{token}`.
fn checkout_token() -> String {
    let path = window().location().pathname().unwrap_or_default();
    path.split('/').nth(2).unwrap_or_default().to_owned()
}
