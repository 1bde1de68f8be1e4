//! The look-up of queues and users before they are followed (TGT-8, TGT-9).

use std::collections::VecDeque;

use tokio::time::{Instant, sleep_until};

use super::SourceError;
use crate::api::calls;
use crate::api::rest::{Rest, RestError};
use crate::config::{Target, Targets};

/// The queues and users that were not looked up yet. One that was found once is not looked up again.
#[derive(Debug)]
pub(super) struct TargetLookup {
    unknown: VecDeque<Target>,
    has_warned: bool,
}

impl TargetLookup {
    /// Creates the look-up of these queues and users.
    pub(super) fn new(targets: &Targets) -> Self {
        Self { unknown: targets.iter().collect(), has_warned: false }
    }

    /// Looks up the queues and users that are not known yet. Cancel safe.
    ///
    /// # Errors
    ///
    /// A queue or user that does not exist, or the failure of the request.
    pub(super) async fn complete(&mut self, rest: &Rest) -> Result<(), SourceError> {
        while let Some(target) = self.unknown.front() {
            sleep_until(rest.next_request_at(Instant::now())).await;
            match calls::target_name(rest, target).await {
                Ok(name) => tracing::debug!("following {target} ({})", name.as_deref().unwrap_or("no name")),
                Err(RestError::Forbidden { body, .. }) => {
                    warn_without_name(std::mem::replace(&mut self.has_warned, true), target, &body.to_string());
                }
                Err(error) => return Err(SourceError::from_target_lookup(error, target)),
            }
            self.unknown.pop_front();
        }
        Ok(())
    }
}

/// Logs that a queue or user is followed without its name. Further ones follow at debug level.
fn warn_without_name(has_warned: bool, target: &Target, reason: &str) {
    let message = format!("the name of {target} is not available ({reason}); following it by id");
    if has_warned {
        tracing::debug!("{message}");
    } else {
        tracing::warn!("{message}");
    }
}
