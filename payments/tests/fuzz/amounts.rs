//! Yuan as gateways write them.

use domain::Money;

#[test]
fn an_amount_survives_being_written_and_read() {
    bolero::check!().with_type::<i64>().for_each(|fen| {
        if let Ok(money) = Money::from_fen(*fen) {
            assert_eq!(Money::parse_yuan(&money.to_yuan()), Ok(money));
        }
    });
}

#[test]
fn an_amount_means_what_its_digits_say() {
    bolero::check!()
        .with_type::<String>()
        .for_each(|text| check(text));
    // Random text is seldom a number.
    bolero::check!()
        .with_type::<(u32, Option<u16>, u8)>()
        .for_each(|(whole, part, width)| {
            let width = usize::from(*width % 5);
            match part {
                Some(part) => check(&format!("{whole}.{part:0width$}")),
                None => check(&whole.to_string()),
            }
        });
}

/// A parsed text has exactly digits, at most one point, at most two decimals, and the amount that they spell.
fn check(text: &str) {
    let Ok(money) = Money::parse_yuan(text) else {
        return;
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    assert!(!whole.is_empty() && part.len() <= 2, "{text:?}");
    assert!(
        format!("{whole}{part}").bytes().all(|byte| byte.is_ascii_digit()),
        "{text:?}"
    );
    let fen: i128 = format!("{whole}{part:0<2}").parse().unwrap();
    assert_eq!(i128::from(money.fen()), fen, "{text:?}");
}
