//! Planted bugs: mistakes that were really made somewhere. Some seed must find each, or the simulation is not sensitive
//! enough. They run on a copy of the product with `planted.patch` (`scripts/planted.sh`).

use crate::life::live;
use crate::plan::Plan;

const SEEDS: u64 = 2_000;

/// First seed that finds the bug, and its failures.
fn first_to_find(bug: &'static str) -> (u64, Vec<String>) {
    for seed in 0..SEEDS {
        payments::faults::plant(Some(bug));
        let life = live(Plan::of(seed), false);
        payments::faults::plant(None);
        if !life.failures.is_empty() {
            return (seed, life.failures);
        }
    }
    panic!("{SEEDS} seeds did not find: {bug}");
}

fn is_found(bug: &'static str, in_words: &[&str]) {
    let (seed, failures) = first_to_find(bug);
    println!("seed {seed} finds {bug}: {}", failures[0]);
    assert!(
        failures
            .iter()
            .any(|failure| in_words.iter().any(|words| failure.contains(words))),
        "seed {seed} fails for another reason than {bug}: {failures:#?}"
    );
}

#[test]
fn an_acknowledgement_before_the_commit_is_found() {
    is_found("acknowledged before the commit", &["was acknowledged"]);
}

#[test]
fn a_refund_that_is_checked_apart_from_its_insert_is_found() {
    is_found(
        "refund checked apart from its insert",
        // A refund of more than is left is never accepted by the gateway, so it stays open for ever.
        &["refunds never exceed", "went back of", "never came right: refund"],
    );
}

#[test]
fn late_money_that_is_ignored_is_found() {
    is_found(
        "late money ignored",
        &["is paid at the gateway", "was acknowledged as paid"],
    );
}

#[test]
fn an_end_without_asking_the_gateway_is_found() {
    is_found(
        "ended without asking the gateway",
        &[
            "while its order was open",
            "after its order was cancelled",
            "can still be paid",
        ],
    );
}

#[test]
fn another_refund_number_on_every_try_is_found() {
    is_found("another refund number on every try", &["refund"]);
}

#[test]
fn a_duplicate_notification_that_is_credited_again_is_found() {
    is_found("duplicate notification credited again", &["rows break"]);
}

#[test]
fn an_expiry_without_the_state_guard_is_found() {
    is_found(
        "expiry without the state guard",
        &[
            "went from paid to closed",
            "the state of every payment has its event",
        ],
    );
}

#[test]
fn missing_reconciliation_is_found() {
    is_found("no reconciliation", &["nobody noticed", "never came right"]);
}

#[test]
fn a_retried_commit_of_unknown_outcome_is_found() {
    is_found(
        "commit of unknown outcome run again",
        &["a request for a refund made one refund"],
    );
}

#[test]
fn a_refusal_that_rolls_back_its_group_is_found() {
    is_found(
        "refusal takes its neighbours back",
        &["because of their neighbours"],
    );
}
