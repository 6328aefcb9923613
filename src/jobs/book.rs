//! When each job last ended well, by the monotonic clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use payments::LateJob;

/// A run may take long, and a database may be away for a while; this is neither.
const PATIENCE: Duration = Duration::from_secs(600);
const UNBROKEN: &str = "nothing panics while it holds the book";

/// Kept in memory: what was before the start of this server is no concern of its jobs.
#[derive(Debug, Clone, Default)]
pub struct JobBook(Arc<Mutex<HashMap<&'static str, Entry>>>);

#[derive(Debug, Clone, Copy)]
struct Entry {
    ended_well_at: Instant,
    longest_wait: Duration,
}

impl JobBook {
    pub fn begin(&self, job: &'static str, longest_wait: Duration) {
        let entry = Entry {
            ended_well_at: Instant::now(),
            longest_wait,
        };
        self.0.lock().expect(UNBROKEN).insert(job, entry);
    }

    pub fn note_success(&self, job: &'static str) {
        if let Some(entry) = self.0.lock().expect(UNBROKEN).get_mut(job) {
            entry.ended_well_at = Instant::now();
        }
    }

    /// Jobs that have not ended well for longer than their schedule and some patience explain.
    pub fn find_late(&self) -> Vec<LateJob> {
        self.find_late_at(Instant::now())
    }

    fn find_late_at(&self, now: Instant) -> Vec<LateJob> {
        let jobs = self.0.lock().expect(UNBROKEN);
        let late = |(name, entry): (&&'static str, &Entry)| {
            let age = now.saturating_duration_since(entry.ended_well_at);
            (age > entry.longest_wait + PATIENCE).then_some(LateJob { name, age })
        };
        jobs.iter().filter_map(late).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_late_when_its_schedule_does_not_explain_its_age() {
        let book = JobBook::default();
        book.begin("often", Duration::from_secs(6));
        book.begin("daily", Duration::from_secs(86_401));
        let later = |seconds| {
            let late = book.find_late_at(Instant::now() + Duration::from_secs(seconds));
            late.into_iter().map(|job| job.name).collect::<Vec<_>>()
        };
        assert!(later(600).is_empty());
        assert_eq!(later(610), ["often"]);
        book.note_success("often");
        assert!(later(600).is_empty());
    }
}
