//! The named queues and users.

use std::io;

use super::CheckContext;
use super::messages;
use super::report::{CheckResult, Report};
use crate::api::hints::GRANT_PERMISSION;
use crate::config::{NamedTarget, TargetKey, TargetQuery, Targets};
use crate::exit_code::ErrorClass;
use crate::source::{SourceError, find_target};

/// A named queue or user with the result of its look-up.
pub(super) struct FoundTarget {
    query: TargetQuery,
    result: Result<NamedTarget, SourceError>,
}

/// Looks up each queue and user.
pub(super) async fn find(context: &CheckContext<'_>) -> Vec<FoundTarget> {
    let mut found = Vec::new();
    for query in &context.check.targets {
        found.push(FoundTarget { query: query.clone(), result: find_target(&context.rest, query).await });
    }
    found
}

/// Returns the ids of the queues and users that a tail would follow. An id needs no look-up.
pub(super) fn followed(found: &[FoundTarget]) -> Targets {
    let id = |FoundTarget { query, result }: &FoundTarget| match (&query.key, result) {
        (_, Ok(named)) => Some(named.clone()),
        (TargetKey::Id(id), _) => Some(NamedTarget { target: query.kind.with_id(id.clone()), name: None }),
        (TargetKey::Name(_), Err(_)) => None,
    };
    Targets::of(&found.iter().filter_map(id).collect::<Vec<_>>())
}

/// Prints a line about each queue and user.
pub(super) fn check(found: &[FoundTarget], report: &mut Report<'_>) -> io::Result<()> {
    found.iter().try_for_each(|found| report.print(&result(found)))
}

/// Fails if the queue or user does not exist, or if its id is not available: a tail works without a name.
fn result(FoundTarget { query, result }: &FoundTarget) -> CheckResult {
    match (result, &query.key) {
        (Ok(NamedTarget { target, name: Some(name) }), _) => CheckResult::ok(format!("target {target}: {name}")),
        (Ok(NamedTarget { target, name: None }), _) => CheckResult::ok(format!("target {target}: found, no name")),
        (Err(SourceError::NoTarget { host, body, .. }), _) => {
            let message = format!("target {query}: not found at {host}: {body}");
            CheckResult::fail(ErrorClass::NoInput, message, "check the id and the region")
        }
        (Err(error), TargetKey::Name(_)) => {
            let (subject, message) = (query.to_string(), error.to_string());
            let is_named = message.starts_with(&subject);
            let message = if is_named { message } else { format!("{subject}: {message}") };
            CheckResult::fail(error.class(), format!("target {message}"), remedy(error))
        }
        (Err(error), TargetKey::Id(_)) => {
            CheckResult::warn(format!("target {query}: name not available: {error}"), remedy(error))
        }
    }
}

fn remedy(error: &SourceError) -> String {
    let remedy = match error {
        SourceError::Auth(_) => "see the sign-in line",
        SourceError::Forbidden { .. } => GRANT_PERMISSION,
        SourceError::Unavailable { body, .. } => return messages::try_again(body),
        error => error.hint(),
    };
    remedy.to_owned()
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::super::report::Status;
    use super::*;
    use crate::api::error_body::ErrorBody;
    use crate::config::{Target, TargetKind};
    use crate::status::redact::Secrets;

    fn by(key: TargetKey, result: Result<NamedTarget, SourceError>) -> FoundTarget {
        FoundTarget { query: TargetQuery { kind: TargetKind::Queue, key }, result }
    }

    fn id() -> TargetKey {
        TargetKey::Id("q1".to_owned())
    }

    fn name() -> TargetKey {
        TargetKey::Name("Billing".to_owned())
    }

    fn named(name: Option<&str>) -> NamedTarget {
        NamedTarget { target: Target::Queue("q1".to_owned()), name: name.map(str::to_owned) }
    }

    fn body(status: StatusCode) -> ErrorBody {
        ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default())
    }

    #[test]
    fn a_name_is_optional() {
        let found = [by(id(), Ok(named(Some("Billing")))), by(name(), Ok(named(None)))];
        assert_eq!(result(&found[0]).to_string(), "ok    target queue q1: Billing");
        assert_eq!(result(&found[1]).to_string(), "ok    target queue q1: found, no name");
        assert_eq!(followed(&found).queues, ["q1"]);
    }

    #[test]
    fn an_absent_queue_is_a_failure_and_a_forbidden_look_up_only_of_a_name() {
        let host = || "api.test".to_owned();
        let absent = SourceError::NoTarget {
            host: host(),
            target: Box::new(named(None).target),
            body: body(StatusCode::NOT_FOUND),
        };
        let forbidden = || SourceError::Forbidden { host: host(), body: body(StatusCode::FORBIDDEN) };
        let status = |found| result(&found).status;
        assert_eq!(status(by(id(), Err(absent))), Status::Fail(ErrorClass::NoInput));
        assert_eq!(status(by(id(), Err(forbidden()))), Status::Warn);
        assert_eq!(status(by(name(), Err(forbidden()))), Status::Fail(ErrorClass::NoPermission));
        let found = [by(id(), Err(forbidden())), by(name(), Err(forbidden()))];
        assert_eq!(followed(&found).queues, ["q1"]);
    }
}
