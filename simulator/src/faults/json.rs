//! A fault as `/_control/faults` reads and shows it: the kind and its number, then where and how often.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::catalogue::{self, Entry, Places};
use super::{Endpoint, Fault, Host, When};
use crate::books::Gateway;

/// Parses a fault. One that can never apply is refused, because a test would wait for it in vain.
pub(crate) fn read_fault(value: &Value) -> Result<Fault, String> {
    let mut members = value
        .as_object()
        .ok_or("a fault is an object with a kind")?
        .clone();
    let gateway = take_member(&mut members, "gateway")?;
    let endpoint = take_member(&mut members, "endpoint")?;
    let host = take_member(&mut members, "host")?;
    let when = read_when(&mut members)?;
    let word = members
        .get("kind")
        .and_then(Value::as_str)
        .ok_or("kind is needed; GET /_control lists the kinds")?;
    let entry = catalogue::find(word)
        .ok_or_else(|| format!("no kind is called {word}; GET /_control lists the kinds"))?;
    let kind =
        serde_json::from_value(Value::Object(members)).map_err(|error| format!("{}: {error}", entry.kind))?;
    check_place(entry, gateway, endpoint, host, when)?;
    Ok(Fault {
        kind,
        gateway,
        endpoint,
        host,
        when,
    })
}

fn read_when(members: &mut Map<String, Value>) -> Result<When, String> {
    match (take_member(members, "times")?, take_member(members, "percent")?) {
        (None, None) => Ok(When::Always),
        (Some(n_times), None) => Ok(When::Times(n_times)),
        (None, Some(percent)) if percent <= 100 => Ok(When::Percent(percent)),
        (None, Some(_)) => Err("percent is 0 to 100".to_owned()),
        (Some(_), Some(_)) => Err("times or percent, not both".to_owned()),
    }
}

fn check_place(
    entry: &Entry,
    gateway: Option<Gateway>,
    endpoint: Option<Endpoint>,
    host: Option<Host>,
    when: When,
) -> Result<(), String> {
    let kind = entry.kind;
    if let Some(endpoint) = endpoint.filter(|endpoint| !entry.places.include(*endpoint)) {
        return Err(format!(
            "{kind} never strikes at {}; it strikes at: {}",
            endpoint.word(),
            entry.places.words()
        ));
    }
    if let (Some(own), Some(asked)) = (entry.gateway, gateway)
        && own != asked
    {
        return Err(format!("{kind} is for {} only", own.as_str()));
    }
    if host.is_some() && !entry.places.have_hosts() {
        return Err(format!("{kind} is the same at both addresses; leave host out"));
    }
    if entry.places == Places::Host && (gateway.is_some() || when != When::Always) {
        return Err(format!("{kind} is for {}", entry.places.words()));
    }
    Ok(())
}

fn take_member<T: DeserializeOwned>(
    members: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<T>, String> {
    let Some(value) = members.remove(name) else {
        return Ok(None);
    };
    serde_json::from_value(value).map_err(|error| format!("{name}: {error}"))
}

pub(crate) fn show_fault(fault: &Fault) -> Value {
    let mut shown = serde_json::to_value(fault.kind).expect("a fault kind is plain data");
    if let Some(gateway) = fault.gateway {
        shown["gateway"] = gateway.as_str().into();
    }
    if let Some(endpoint) = fault.endpoint {
        shown["endpoint"] = endpoint.word().into();
    }
    if let Some(host) = fault.host {
        shown["host"] = serde_json::to_value(host).expect("a host is a word");
    }
    match fault.when {
        When::Always => {}
        When::Times(n_times) => shown["times"] = n_times.into(),
        When::Percent(percent) => shown["percent"] = percent.into(),
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::faults::CATALOGUE;

    #[test]
    fn every_fault_of_the_catalogue_round_trips_through_json() {
        for entry in CATALOGUE {
            let mut fault = json!({"kind": entry.kind});
            if let Some(number) = entry.number {
                fault[number] = 1.into();
            }
            let read = read_fault(&fault).unwrap_or_else(|error| panic!("{fault}: {error}"));
            assert_eq!(show_fault(&read), fault);
        }
    }

    #[test]
    fn a_fault_that_can_never_apply_is_refused() {
        for (fault, word) in [
            (json!({"kind": "mute", "endpoint": "query"}), "notice"),
            (json!({"kind": "gbk", "gateway": "wechat"}), "alipay"),
            (json!({"kind": "stale", "seconds": 1, "host": "backup"}), "host"),
            (json!({"kind": "refuse", "times": 1}), "address"),
            (json!({"kind": "stale"}), "seconds"),
            (json!({"kind": "meteor"}), "meteor"),
            (json!({"kind": "busy", "times": 1, "percent": 1}), "both"),
            (json!({"kind": "busy", "percent": 101}), "100"),
            (json!({"endpoint": "query"}), "kind"),
            (json!([]), "object"),
        ] {
            let error = read_fault(&fault).expect_err(&fault.to_string());
            assert!(error.contains(word), "{fault}: {error}");
        }
    }
}
