//! Time of each job's last success, by the monotonic clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use payments::LateJob;

/// Grace for a long run or a short outage of the database.
const PATIENCE: Duration = Duration::from_mins(10);
const UNBROKEN: &str = "nothing panics while it holds the book";

/// Kept in memory: only runs since this start count.
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

    /// Returns the jobs whose last success is older than their schedule plus the grace.
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
    fn a_job_is_late_when_it_is_older_than_schedule_and_grace() {
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
