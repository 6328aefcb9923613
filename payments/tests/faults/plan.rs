//! Plan of one seed's run: its people and its faults (swarm testing: each fault is on or off for the whole run, with a rate
//! of its own).

use std::time::Duration;

use domain::LatePolicy;
use simulator::{Endpoint, Fault, FaultKind, Faults};

use crate::people::N_SCENARIOS;
use crate::rng::Rng;

#[derive(Debug, Clone)]
pub struct Plan {
    pub seed: u64,
    pub n_shoppers: u64,
    pub n_servers: usize,
    /// Time in which people act and faults occur.
    pub trouble: Duration,
    /// Whether faults end and both books must agree afterwards; otherwise only safety is checked.
    pub heals: bool,
    /// Notifications or reconciliation may be off for the whole run, never both: then no payment would be noticed.
    pub callbacks: bool,
    pub reconciles: bool,
    pub late_policy: LatePolicy,
    pub payment_ttl: Duration,
    pub order_ttl: Duration,
    /// In percent of the messages.
    pub lost_requests: u64,
    pub lost_replies: u64,
    pub slow: u64,
    pub refused: u64,
    /// Average interval of crashes and pauses.
    pub crash_every: Option<Duration>,
    pub pause_every: Option<Duration>,
    /// Clock offset of the first server.
    pub skew_ms: i64,
    pub has_backup_host: bool,
    pub hostile: bool,
    pub leases_ignored: bool,
    /// One scenario for all people, so that rare coincidences become frequent.
    pub bias: Option<usize>,
    pub gateway_faults: Vec<Fault>,
    /// In percent of the steps of requests: the request is dropped there, as if its client had gone.
    pub drops: u64,
    /// In percent of the requests: the outcome of a commit about then is lost, whether it took effect or not.
    pub lost_commits: u64,
    /// Whether floods of refused requests are sent.
    pub flood: bool,
}

impl Plan {
    pub fn of(seed: u64) -> Plan {
        let mut rng = Rng::new(seed.wrapping_mul(0x2545_F491_4F6C_DD1D));
        let rng = &mut rng;
        let (callbacks, reconciles) = rng.one_of(&[(true, true), (true, true), (false, true), (true, false)]);
        let is_short = rng.percent(65);
        let (payment_ttl, order_ttl) = if is_short {
            (rng.seconds(15, 60), rng.seconds(30, 120))
        } else {
            (Duration::from_mins(15), Duration::from_mins(30))
        };
        Plan {
            seed,
            n_shoppers: 2 + rng.below(4),
            n_servers: if rng.percent(40) { 2 } else { 1 },
            trouble: rng.seconds(90, 200),
            heals: rng.percent(75),
            callbacks,
            reconciles,
            late_policy: rng.one_of(&[LatePolicy::Refund, LatePolicy::Refund, LatePolicy::Accept]),
            payment_ttl,
            order_ttl,
            lost_requests: rate(rng, 50, 15),
            lost_replies: rate(rng, 50, 15),
            slow: rate(rng, 40, 20),
            refused: rate(rng, 20, 20),
            crash_every: rng.percent(50).then(|| rng.seconds(15, 60)),
            pause_every: rng.percent(30).then(|| rng.seconds(20, 90)),
            skew_ms: if rng.percent(30) {
                i64::try_from(rng.below(40_000)).unwrap() - 20_000
            } else {
                0
            },
            has_backup_host: rng.percent(30),
            hostile: rng.percent(40),
            leases_ignored: rng.percent(15),
            bias: rng.percent(40).then(|| rng.place(N_SCENARIOS)),
            gateway_faults: gateway_faults(rng),
            drops: rate(rng, 40, 4),
            lost_commits: rate(rng, 40, 8),
            flood: rng.percent(40),
        }
    }

    /// A run without faults.
    pub fn calm(seed: u64) -> Plan {
        Plan {
            n_shoppers: 0,
            n_servers: 1,
            callbacks: true,
            reconciles: true,
            late_policy: LatePolicy::Refund,
            lost_requests: 0,
            lost_replies: 0,
            slow: 0,
            refused: 0,
            crash_every: None,
            pause_every: None,
            skew_ms: 0,
            has_backup_host: false,
            hostile: false,
            leases_ignored: false,
            bias: None,
            gateway_faults: Vec::new(),
            drops: 0,
            lost_commits: 0,
            flood: false,
            ..Plan::of(seed)
        }
    }

    /// Faults of the gateways: during the trouble, or for ever.
    pub fn faults(&self, in_trouble: bool) -> Faults {
        let mut faults = Faults::none();
        if !self.callbacks {
            faults = faults.with(Fault::new(FaultKind::Mute));
        }
        if in_trouble {
            for fault in &self.gateway_faults {
                faults = faults.with(*fault);
            }
        }
        faults
    }

    /// The gateway may accept a payment after it confirmed a close, or hide a payment of the last seconds.
    pub fn gateway_lies(&self) -> bool {
        self.gateway_faults
            .iter()
            .any(|fault| matches!(fault.kind, FaultKind::LatePay | FaultKind::Stale { .. }))
    }
}

fn rate(rng: &mut Rng, on: u64, most: u64) -> u64 {
    if rng.percent(on) { 1 + rng.below(most) } else { 0 }
}

fn gateway_faults(rng: &mut Rng) -> Vec<Fault> {
    let calls = [
        Endpoint::Create,
        Endpoint::Query,
        Endpoint::Close,
        Endpoint::Refund,
        Endpoint::QueryRefund,
    ];
    let everywhere = [
        FaultKind::ResetBefore,
        FaultKind::ResetAfter,
        FaultKind::HangBefore,
        FaultKind::HangAfter,
        FaultKind::Truncate,
        FaultKind::Html502,
        FaultKind::Html502After,
        FaultKind::ErrorBefore,
        FaultKind::ErrorAfter,
        FaultKind::Busy,
        FaultKind::BusyAfter,
        FaultKind::BadSignature,
        FaultKind::NoSignature,
        FaultKind::Probe,
        FaultKind::OtherTrade,
    ];
    let mut faults = Vec::new();
    for kind in everywhere {
        if rng.percent(20) {
            let percent = 5 + u32::try_from(rng.below(25)).unwrap();
            faults.push(Fault::new(kind).at(rng.one_of(&calls)).percent(percent));
        }
    }
    let notifications = [
        FaultKind::Mute,
        FaultKind::Duplicate { copies: 2 },
        FaultKind::Delay { ms: 20_000 },
        FaultKind::Reorder,
        FaultKind::BadSignature,
    ];
    for kind in notifications {
        if rng.percent(30) {
            faults.push(Fault::new(kind).at(Endpoint::Notification).percent(40));
        }
    }
    if rng.percent(25) {
        faults.push(Fault::new(FaultKind::Early).percent(40));
    }
    if rng.percent(30) {
        faults.push(Fault::new(FaultKind::LatePay).at(Endpoint::Close).percent(80));
    }
    if rng.percent(15) {
        faults.push(
            Fault::new(FaultKind::Stale { seconds: 3 })
                .at(Endpoint::Query)
                .percent(40),
        );
    }
    for kind in [
        FaultKind::NotEnough,
        FaultKind::RefundAbnormal,
        FaultKind::RefundClosed,
        FaultKind::NotFound,
    ] {
        if rng.percent(12) {
            let percent = 20 + u32::try_from(rng.below(40)).unwrap();
            faults.push(Fault::new(kind).at(Endpoint::Refund).percent(percent));
        }
    }
    if rng.percent(15) {
        faults.push(Fault::new(FaultKind::UserPaying).at(Endpoint::Close).percent(40));
    }
    faults
}
