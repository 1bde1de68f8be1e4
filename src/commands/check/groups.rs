//! The queues and users that were named.

use std::io;

use super::Visit;
use super::report::Report;
use super::step::Step;
use super::words;
use crate::api::calls;
use crate::api::rest::RestError;

/// Looks each of them up, and says a line about it.
pub(super) async fn check(visit: &Visit<'_>, report: &mut Report<'_>) -> io::Result<()> {
    let groups = &visit.check.targets;
    for id in &groups.queues {
        visit.pace().await;
        report.say(&judge("queue", id, &calls::queue_name(&visit.rest, id).await))?;
    }
    for id in &groups.users {
        visit.pace().await;
        report.say(&judge("user", id, &calls::user_name(&visit.rest, id).await))?;
    }
    Ok(())
}

/// Returns a failure only if the queue or user does not exist: a tail works without their names.
fn judge(kind: &str, id: &str, name: &Result<Option<String>, RestError>) -> Step {
    match name {
        Ok(Some(name)) => Step::ok(format!("{kind} {id}: {name}")),
        Ok(None) => Step::ok(format!("{kind} {id}")),
        Err(error @ RestError::NotFound { .. }) => Step::fail(
            error.class(),
            format!("{kind} {id}: {error}"),
            "check the id and the region: nothing is ever said where nobody is",
        ),
        Err(error) => Step::warn(format!("{kind} {id} cannot be looked up: {error}"), words::mend(error)),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::HeaderMap;

    use super::super::step::Verdict;
    use super::*;
    use crate::api::error_body::ErrorBody;
    use crate::exit_code::ErrorClass;
    use crate::status::redact::Secrets;

    #[test]
    fn a_group_has_to_exist_but_need_not_be_known_by_name() {
        let named = Ok(Some("Billing".to_owned()));
        assert_eq!(judge("queue", "q1", &named).to_string(), "ok    queue q1: Billing");
        assert_eq!(judge("user", "u1", &Ok(None)).to_string(), "ok    user u1");
        let answer = |status| ErrorBody::new(status, &HeaderMap::new(), b"", &Secrets::default());
        let host = "api.test".to_owned();
        let absent = RestError::NotFound { host: host.clone(), answer: answer(StatusCode::NOT_FOUND) };
        assert_eq!(judge("queue", "q1", &Err(absent)).verdict, Verdict::Fail(ErrorClass::NoInput));
        let forbidden = RestError::Forbidden { host, answer: answer(StatusCode::FORBIDDEN) };
        assert_eq!(judge("queue", "q1", &Err(forbidden)).verdict, Verdict::Warn);
    }
}
