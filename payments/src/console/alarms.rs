//! Robots that tell operators of incidents: what has become of their last message, and a test.

use domain::Timestamp;
use futures_util::FutureExt;

use super::{Act, Action, Actor, ConsoleError, perform};
use crate::alarm::{Robot, queue_test};
use crate::store::deliveries::{self, DeliveryFilter};
use crate::{Error, Services};

/// A receiver of messages with its last one.
#[derive(Debug, Clone)]
pub struct RobotState {
    pub robot: Robot,
    pub last: Option<LastMessage>,
}

#[derive(Debug, Clone)]
pub struct LastMessage {
    /// `pending`, `succeeded` or `failed`.
    pub status: String,
    pub error: Option<String>,
    pub created_at: Timestamp,
}

/// The receivers of the settings.
pub async fn list_robots(services: &Services) -> Result<Vec<RobotState>, Error> {
    let robots = &services.outbox.robots.list();
    services
        .db
        .snapshot(|tx| {
            async move {
                let mut states = Vec::new();
                for robot in robots {
                    let newest = DeliveryFilter::default();
                    let rows = deliveries::list(tx, robot.target(), &newest, 1).await?;
                    let last = rows.into_iter().next().map(|row| LastMessage {
                        status: row.status,
                        error: row.error,
                        created_at: Timestamp::from_millis(row.created_at),
                    });
                    states.push(RobotState { robot: *robot, last });
                }
                Ok(states)
            }
            .boxed()
        })
        .await
        .map_err(Error::Internal)
}

/// Sends a test message to every receiver.
pub async fn test_alarms(services: &Services, actor: &Actor) -> Result<(), ConsoleError> {
    let robots = services.outbox.robots.list();
    if robots.is_empty() {
        return Err(Error::NotFound.into());
    }
    let words: Vec<&str> = robots.into_iter().map(Robot::as_str).collect();
    let act = Act {
        action: Action::TestAlarms,
        subject: &words.join(" "),
        detail: "",
    };
    perform(services, actor, act, &|tx| {
        async move {
            queue_test(services, tx).await?;
            Ok::<_, ConsoleError>(())
        }
        .boxed()
    })
    .await
}
