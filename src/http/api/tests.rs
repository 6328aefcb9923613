use super::*;

#[test]
fn an_idempotency_key_is_visible_ascii() {
    let key = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                IDEMPOTENCY_KEY,
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            );
        }
        idempotency_key(&headers).map_err(|problem| problem.status.as_u16())
    };
    let longest = "k".repeat(255);
    assert_eq!(key(&[]), Ok(None));
    assert_eq!(key(&[&longest]), Ok(Some(longest.clone())));
    for values in [
        &[""][..],
        &["two words"],
        &["schlüssel"],
        &["a", "a"],
        &[&format!("{longest}k")],
    ] {
        assert_eq!(key(values), Err(422), "{values:?}");
    }
}

#[test]
fn the_same_body_at_another_path_is_another_request() {
    assert_ne!(
        request_fingerprint("/orders/1/cancel", b"{}"),
        request_fingerprint("/orders/2/cancel", b"{}")
    );
    assert_eq!(
        request_fingerprint("/orders", b"{}"),
        request_fingerprint("/orders", b"{}")
    );
}
