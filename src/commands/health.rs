//! `tongqian health`: for images without a shell or a client of their own.

use std::time::Duration;

use crate::config::Config;
use crate::{Failure, doctor, say};

const PATIENCE: Duration = Duration::from_secs(4);

/// Asks the server on `LISTEN` whether it is ready.
pub async fn check_health(config: &Config) -> Result<(), Failure> {
    let url = format!("http://{}/health/ready", doctor::reachable(config.listen));
    let client = doctor::local_client(PATIENCE).map_err(|error| Failure::Refused(error.to_string()))?;
    let answer = client.get(&url).send().await;
    match answer {
        Ok(answer) if answer.status().is_success() => {
            say("ready");
            Ok(())
        }
        Ok(answer) => Err(Failure::Refused(format!("{url} answers {}", answer.status()))),
        Err(error) => Err(Failure::Refused(format!("{url} does not answer: {error}"))),
    }
}
