//! `/_control/statements`: differences that a test plants in the gateways' statements.

use serde_json::{Value, json};

use super::{Outcome, read_body};
use crate::dispatcher::Dispatcher;
use crate::statement::Plant;
use crate::wire::Request;

pub(super) fn show(dispatcher: &Dispatcher) -> Outcome {
    let plants = serde_json::to_value(&dispatcher.state().plants).map_err(|error| error.to_string())?;
    Ok(json!({"statements": plants}))
}

/// Adds one difference, or all of a list or none of it.
pub(super) fn add(dispatcher: &Dispatcher, request: &Request) -> Outcome {
    let value: Value = read_body(request)?;
    let plants: Result<Vec<Plant>, _> = match value.get("statements") {
        Some(list) if value.as_object().is_some_and(|members| members.len() == 1) => {
            serde_json::from_value(list.clone())
        }
        Some(_) => return Err("statements is a list, and stands alone".to_owned()),
        None => serde_json::from_value(value).map(|plant| vec![plant]),
    };
    let plants = plants.map_err(|error| error.to_string())?;
    dispatcher.act(|state, now_ms| {
        state.lapse(now_ms);
        state.plant(&plants)
    })?;
    show(dispatcher)
}

pub(super) fn clear(dispatcher: &Dispatcher) -> Outcome {
    dispatcher.act(|state, _| state.plants.clear());
    show(dispatcher)
}
