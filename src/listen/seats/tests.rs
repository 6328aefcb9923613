use futures_util::FutureExt as _;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Takes a seat of a shared address, which has no limit of its own.
fn sit(seats: &Seats) -> Seat {
    seats.take(ip("127.0.0.1"), true).unwrap()
}

fn without_grace(n_connections: usize) -> Seats {
    Seats::with_grace(n_connections, Duration::ZERO)
}

fn is_told_to_end(seat: &Seat) -> bool {
    seat.occupant.phase() == Phase::Leaving
}

#[tokio::test]
async fn the_longest_waiting_connection_is_closed_and_running_requests_never() {
    let seats = without_grace(5);
    let mut working = vec![sit(&seats)];
    working[0].occupant.enter(Phase::Working);
    let streaming = sit(&seats);
    streaming.occupant.enter(Phase::Streaming);
    let old_head = sit(&seats);
    let answering = sit(&seats);
    answering.occupant.enter(Phase::Answering);

    for (n, slowest) in [old_head, answering, streaming].into_iter().enumerate() {
        seats.wait_for_room().await;
        assert!(is_told_to_end(&slowest), "{n}");
        slowest.must_end().await;
        // A request that is being handled takes its place.
        drop(slowest);
        working.push(sit(&seats));
        working[n + 1].occupant.enter(Phase::Working);
    }
    seats.wait_for_room().await;
    assert!(!working.iter().any(is_told_to_end));
}

#[tokio::test]
async fn a_dripping_body_ages_from_its_first_missing_byte() {
    let seats = without_grace(3);
    let (dripping, idle) = (sit(&seats), sit(&seats));
    dripping.occupant.enter(Phase::Working);
    dripping.occupant.move_on(Phase::Working, Phase::Body);
    idle.occupant.enter(Phase::Working);
    idle.occupant.enter(Phase::Head);
    dripping.occupant.move_on(Phase::Working, Phase::Body);
    seats.wait_for_room().await;
    assert!(is_told_to_end(&dripping) && !is_told_to_end(&idle));
}

#[tokio::test]
async fn with_all_seats_busy_only_the_reserve_is_left() {
    let seats = without_grace(34);
    let work = |_| {
        let seat = sit(&seats);
        seat.occupant.enter(Phase::Working);
        seat
    };
    let mut busy: Vec<Seat> = (0..32).map(work).collect();
    assert!(!busy[31].occupant.is_crowded());
    seats.wait_for_room().await;
    busy.push(work(32));
    assert!(busy[32].occupant.is_crowded());
    while tokio::time::timeout(2 * PAUSE, seats.wait_for_room())
        .await
        .is_ok()
    {
        busy.push(work(0));
    }
    assert_eq!(seats.count(), 34, "the newcomer waits outside");
    busy.pop();
    seats.wait_for_room().await;
}

#[tokio::test]
async fn callbacks_keep_their_seats_up_to_the_reserve() {
    let seats = without_grace(34);
    let body = |phase| {
        let seat = sit(&seats);
        seat.occupant.enter(phase);
        seat
    };
    let callbacks: Vec<Seat> = (0..2).map(|_| body(Phase::ReservedBody)).collect();
    let mut others: Vec<Seat> = (0..4).map(|_| body(Phase::Body)).collect();
    others.extend((0..26).map(|_| body(Phase::Head)));
    seats.wait_for_room().await;
    assert!(callbacks.iter().all(|seat| !is_told_to_end(seat)));
    assert_eq!(others.iter().filter(|seat| is_told_to_end(seat)).count(), 1);
    others.retain(|seat| !is_told_to_end(seat));
    // A third one exceeds the reserve: then age decides.
    let _third = body(Phase::ReservedBody);
    assert_eq!(seats.0.n_staying.load(Ordering::Relaxed), 32);
    seats.wait_for_room().await;
    assert_eq!(callbacks.iter().filter(|seat| is_told_to_end(seat)).count(), 1);
}

#[tokio::test]
async fn streams_take_half_of_the_seats_and_the_oldest_ends() {
    let seats = without_grace(9);
    let mut streams = Vec::new();
    for _ in 0..5 {
        let seat = sit(&seats);
        seat.occupant.enter(Phase::Streaming);
        streams.push(seat);
    }
    let told: Vec<bool> = streams.iter().map(is_told_to_end).collect();
    assert_eq!(told, [true, false, false, false, false]);
    streams.clear();
    assert_eq!(seats.0.n_streaming.load(Ordering::Relaxed), 0);
    assert_eq!(seats.0.n_staying.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn slow_bodies_take_an_eighth_of_the_seats_and_unread_answers_a_quarter() {
    let seats = without_grace(34);
    let enter = |phase| {
        let seat = sit(&seats);
        seat.occupant.enter(Phase::Working);
        seat.occupant.enter(phase);
        seat
    };
    for (phase, max) in [(Phase::Body, 4), (Phase::Answering, 8)] {
        let slow: Vec<Seat> = (0..=max).map(|_| enter(phase)).collect();
        let n_told = slow.iter().filter(|seat| is_told_to_end(seat)).count();
        assert_eq!((n_told, is_told_to_end(&slow[0])), (1, true), "{phase:?}");
    }
    assert_eq!(seats.0.n_in_body.load(Ordering::Relaxed), 0);
    assert_eq!(seats.0.n_answering.load(Ordering::Relaxed), 0);
    assert_eq!(seats.0.n_working.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn bodies_that_arrive_slowly_hold_a_bounded_number_of_bytes() {
    let seats = without_grace(100);
    let mut bodies = Vec::new();
    for _ in 0..3 {
        let seat = sit(&seats);
        seat.occupant.enter(Phase::Body);
        seat.occupant.hold_bytes(MAX_BODY_BYTES / 3);
        bodies.push(seat);
    }
    assert!(bodies.iter().all(|seat| !is_told_to_end(seat)));
    bodies[2].occupant.hold_bytes(10);
    assert!(is_told_to_end(&bodies[0]) && !is_told_to_end(&bodies[2]));
}

#[tokio::test]
async fn one_address_holds_a_hundred_connections_and_a_proxy_any_number() {
    let seats = without_grace(4096);
    let stranger = ip("203.0.113.7");
    let mut theirs: Vec<Seat> = (0..MAX_PER_ADDRESS)
        .map(|_| seats.take(stranger, false).unwrap())
        .collect();
    let newcomer = seats.take(stranger, false).unwrap();
    assert!(theirs.iter().any(is_told_to_end) && !is_told_to_end(&newcomer));
    theirs.retain(|seat| !is_told_to_end(seat));
    theirs.push(newcomer);
    while theirs.len() < MAX_PER_ADDRESS {
        theirs.push(seats.take(stranger, false).unwrap());
    }
    for seat in &theirs {
        seat.occupant.enter(Phase::Working);
    }
    assert!(seats.take(stranger, false).is_none(), "all of them are at work");
    assert!(seats.take(ip("203.0.113.8"), false).is_some());
    let many: Vec<Seat> = (0..1000).map(|_| sit(&seats)).collect();
    assert!(many.iter().all(|seat| !is_told_to_end(seat)));
    drop((many, theirs));
    assert!(seats.0.lock().by_address.is_empty());
}

#[tokio::test]
async fn a_head_on_its_way_is_spared_while_the_reserve_lasts() {
    let seats = Seats::with_grace(34, Duration::from_secs(8));
    let young: Vec<Seat> = (0..34)
        .map(|_| {
            assert!(seats.wait_for_room().now_or_never().is_some());
            sit(&seats)
        })
        .collect();
    assert!(seats.wait_for_room().now_or_never().is_none());
    assert!(
        !young.iter().any(is_told_to_end),
        "nobody has read yet what the last one asks for"
    );
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    assert!(
        seats.wait_for_room().now_or_never().is_none(),
        "a seat has to be left first"
    );
    assert!(is_told_to_end(&young[0]) && !is_told_to_end(&young[33]));
}
