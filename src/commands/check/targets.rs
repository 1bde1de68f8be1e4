//! The named queues and users.

use std::io;

use super::CheckContext;
use super::messages;
use super::report::{CheckResult, Report};
use crate::api::calls;
use crate::api::rest::RestError;
use crate::config::Target;

/// Requests the name of each queue and user, and prints a line about it.
pub(super) async fn check(context: &CheckContext<'_>, report: &mut Report<'_>) -> io::Result<()> {
    for target in context.check.targets.iter() {
        context.throttle().await;
        report.print(&result(&target, &calls::target_name(&context.rest, &target).await))?;
    }
    Ok(())
}

/// Fails only if the queue or user does not exist: a tail works without their names.
fn result(target: &Target, name: &Result<Option<String>, RestError>) -> CheckResult {
    match name {
        Ok(Some(name)) => CheckResult::ok(format!("target {target}: {name}")),
        Ok(None) => CheckResult::ok(format!("target {target}: found, no name")),
        Err(error @ RestError::NotFound { host, body }) => CheckResult::fail(
            error.class(),
            format!("target {target}: not found at {host}: {body}"),
            "check the id and the region",
        ),
        Err(error) => {
            CheckResult::warn(format!("target {target}: name not available: {error}"), messages::remedy(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::super::report::Status;
    use super::*;
    use crate::api::error_body::ErrorBody;
    use crate::exit_code::ErrorClass;
    use crate::status::redact::Secrets;

    fn queue() -> Target {
        Target::Queue("q1".to_owned())
    }

    #[test]
    fn a_name_is_optional() {
        let named = Ok(Some("Billing".to_owned()));
        assert_eq!(result(&queue(), &named).to_string(), "ok    target queue q1: Billing");
        assert_eq!(
            result(&Target::User("u1".to_owned()), &Ok(None)).to_string(),
            "ok    target user u1: found, no name"
        );
    }

    #[test]
    fn an_absent_queue_is_a_failure_and_a_forbidden_one_a_warning() {
        let body = |status| ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default());
        let host = "api.test".to_owned();
        let absent = RestError::NotFound { host: host.clone(), body: body(StatusCode::NOT_FOUND) };
        assert_eq!(result(&queue(), &Err(absent)).status, Status::Fail(ErrorClass::NoInput));
        let forbidden = RestError::Forbidden { host, body: body(StatusCode::FORBIDDEN) };
        assert_eq!(result(&queue(), &Err(forbidden)).status, Status::Warn);
    }
}
