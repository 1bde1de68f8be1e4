//! Checks ids, and finds them in URLs pasted from a browser (TGT-1 to TGT-3).

use std::sync::LazyLock;

use regex::Regex;

use crate::cli;
use crate::config::is_valid_id;

use super::arguments::{Argument, ArgumentOrigin, Kind};
use super::problems::{Problem, Problems};

const ID_HINT: &str = "use the id of the conversation, such as 97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77, or its URL";

const LIST_HINT: &str = "repeat -c for each id, or use -c @FILE for a file with one id per line";

static UUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b")
        .expect("the pattern is constant")
});

/// The form of conversation ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdRule {
    /// UUIDs, which become lower case.
    Uuid,
    /// Any id that can be a segment of a path, unchanged: an API URL is set, and may be that of a simulator.
    Any,
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Queue => "queue",
            Self::User => "user",
        }
    }

    /// Returns the path segments that precede an id of this kind in a URL, in lower case.
    fn path_prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Conversation => {
                &["interactions/", "interaction/", "conversations/", "conversation/", "conversations/messages/"]
            }
            Self::Queue => &["queues/", "queue/"],
            Self::User => &["users/", "user/", "people/", "person/"],
        }
    }
}

/// Returns the ids of the conversations, each once, in the order they were given. Adds a problem for each argument without
/// one.
pub(super) fn of_conversations(arguments: &[Argument], rule: IdRule, problems: &mut Problems) -> Vec<String> {
    let mut ids = Vec::new();
    let blank_hint = blank_hint(arguments);
    for argument in arguments.iter().filter(|argument| argument.kind == Kind::Conversation) {
        match id_of(argument, rule, blank_hint) {
            Ok(id) if ids.contains(&id) => {}
            Ok(id) => ids.push(id),
            Err(problem) => problems.add(problem),
        }
    }
    ids
}

/// Returns the next step after a positional argument that is no id: it may be the rest of a name without quotes.
fn blank_hint(arguments: &[Argument]) -> Option<&'static str> {
    let has = |kind| arguments.iter().any(|argument| argument.kind == kind);
    match (has(Kind::Queue), has(Kind::User)) {
        (true, _) => Some("quote a name that contains blanks: --queue 'Billing EMEA'"),
        (false, true) => Some("quote a name that contains blanks: --user 'Sam Okafor'"),
        (false, false) => None,
    }
}

/// Returns whether a value is a UUID as a whole.
pub(super) fn is_uuid(value: &str) -> bool {
    UUID.find(value).is_some_and(|uuid| uuid.len() == value.len())
}

/// Returns whether a value is a URL: it has a scheme, or a slash and a UUID. A slash alone may be part of a name.
pub(super) fn is_url(value: &str) -> bool {
    value.contains("://") || (value.contains('/') && UUID.is_match(value))
}

fn id_of(argument: &Argument, rule: IdRule, blank_hint: Option<&'static str>) -> Result<String, Problem> {
    let Argument { setting, value, kind, place } = argument;
    let found = find_id(value, *kind, rule);
    let may_be_command = *place == ArgumentOrigin::FirstPositional || (found.is_err() && *kind == Kind::Conversation);
    let command = Some(value).filter(|_| may_be_command && !UUID.is_match(value));
    match (found, command.and_then(|value| cli::similar_command(value))) {
        (Ok(_), Some(command)) => Err(Problem::LikeCommand {
            setting: setting.clone(),
            reason: format!("'{value}' resembles the command {command}"),
            hint: format!("use genesys-tail {command}, or -c {value} for the conversation with this id"),
        }),
        (Err(reason), Some(command)) => Err(Problem::LikeCommand {
            setting: setting.clone(),
            reason,
            hint: format!("a similar command exists: genesys-tail {command}"),
        }),
        (Err(reason), None) => {
            let id_hint = if value.contains(',') { LIST_HINT } else { ID_HINT };
            let blank_hint = blank_hint.filter(|_| *place != ArgumentOrigin::Variable);
            let hint = blank_hint.or((rule == IdRule::Uuid && *kind == Kind::Conversation).then_some(id_hint));
            Err(Problem::NotAnId { setting: setting.clone(), reason, hint })
        }
        (Ok(id), None) => Ok(id),
    }
}

/// Returns the id itself, or the UUID in a URL.
pub(super) fn find_id(argument: &str, kind: Kind, rule: IdRule) -> Result<String, String> {
    let noun = kind.noun();
    if argument.contains('/') {
        return find_uuid(argument, kind).map(|uuid| in_case_of(rule, uuid));
    }
    // The value of curl's --user holds a password and must not be shown.
    if argument.contains(':') {
        return Err(format!("not a {noun} id: contains a colon"));
    }
    if is_uuid(argument) {
        return Ok(in_case_of(rule, argument));
    }
    if rule == IdRule::Uuid && kind == Kind::Conversation {
        return Err(format!("'{argument}' is not a {noun} id"));
    }
    if !is_valid_id(argument) {
        return Err(format!("'{argument}' is not a {noun} id (letters, digits, . _ -)"));
    }
    Ok(argument.to_owned())
}

fn in_case_of(rule: IdRule, uuid: &str) -> String {
    match rule {
        IdRule::Uuid => uuid.to_ascii_lowercase(),
        IdRule::Any => uuid.to_owned(),
    }
}

/// Returns the only UUID of a URL. Among several, the one that follows a path segment of its kind.
fn find_uuid(url: &str, kind: Kind) -> Result<&str, String> {
    let mut uuids: Vec<&str> = Vec::new();
    let mut preceded: Vec<&str> = Vec::new();
    for found in UUID.find_iter(url) {
        add_other(&mut uuids, found.as_str());
        if ends_with_prefix(&url[..found.start()], kind) {
            add_other(&mut preceded, found.as_str());
        }
    }
    match if uuids.len() > 1 { preceded } else { uuids }.as_slice() {
        [] => Err(format!("'{url}' contains no {} id", kind.noun())),
        [uuid] => Ok(uuid),
        _ => Err(format!("'{url}' contains several ids; use only the {} id", kind.noun())),
    }
}

fn add_other<'a>(uuids: &mut Vec<&'a str>, uuid: &'a str) {
    if !uuids.iter().any(|other| other.eq_ignore_ascii_case(uuid)) {
        uuids.push(uuid);
    }
}

fn ends_with_prefix(before: &str, kind: Kind) -> bool {
    let before = before.to_ascii_lowercase();
    kind.path_prefixes().iter().any(|prefix| before.ends_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
    const B: &str = "0f6d2a51-7f0e-4a44-8f1a-6d1f0b9f1c02";

    #[test]
    fn ids_are_checked_and_found_in_urls() {
        let longest = "x".repeat(128);
        let url = format!("https://apps.usw2.pure.cloud/directory/#/analytics/interactions/{A}/admin/details");
        let two = format!("https://apps.mypurecloud.ie/directory/#/queues/{B}/interactions/{A}");
        let api = format!("api.mypurecloud.ie/api/v2/conversations/messages/{A}/x/{B}");
        for (argument, id) in [(A, A), ("a.b_c-1", "a.b_c-1"), (&longest, &longest), (&url, A), (&two, A), (&api, A)] {
            assert_eq!(find_id(argument, Kind::Conversation, IdRule::Any).as_deref(), Ok(id));
        }
        let (long, ambiguous) = (format!("{longest}x"), format!("https://x/{A}/{B}"));
        for argument in [".", "..", ".hidden", "a b", "a?b", "ä", "a\nb", "../x", "https://x/y", &long, &ambiguous] {
            assert!(find_id(argument, Kind::Conversation, IdRule::Any).is_err(), "{argument}");
        }
    }

    #[test]
    fn of_several_ids_in_a_url_the_one_of_its_kind_is_used() {
        let url = format!("https://apps.mypurecloud.ie/directory/#/queues/{B}/interactions/{A}");
        let cases = [
            (Kind::Queue, url.clone(), Ok(B)),
            (Kind::Conversation, url.clone(), Ok(A)),
            (Kind::Queue, format!("https://x/#/admin/queue/{B}/members/{A}"), Ok(B)),
            (Kind::User, format!("https://x/directory/#/person/{A}"), Ok(A)),
            (Kind::User, format!("https://x/people/{A}/{B}"), Ok(A)),
            (Kind::User, url, Err("contains no user id")),
            (Kind::User, format!("https://x/users/{A}/people/{B}"), Err("use only the user id")),
        ];
        for (kind, argument, expected) in cases {
            match (find_id(&argument, kind, IdRule::Any), expected) {
                (Ok(id), Ok(expected)) => assert_eq!(id, expected, "{argument}"),
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
                (found, _) => panic!("{argument}: {found:?}"),
            }
        }
    }

    /// TGT-1, TGT-2.
    #[test]
    fn a_conversation_id_is_a_uuid_in_any_case_unless_an_api_url_is_set() {
        let (upper, braces) = (A.to_uppercase(), format!("{{{A}}}"));
        let url = format!("https://apps.mypurecloud.ie/directory/#/queues/{B}/interactions/{upper}?x={A}");
        for argument in [A, &upper, &url] {
            assert_eq!(find_id(argument, Kind::Conversation, IdRule::Uuid).as_deref(), Ok(A), "{argument}");
        }
        for kind in [Kind::Queue, Kind::User] {
            assert_eq!(find_id(&upper, kind, IdRule::Uuid).as_deref(), Ok(A));
        }
        let (short, long) = (&A[..8], format!("{A}0"));
        for argument in ["foo", short, &long, &A[1..], &braces, &A.replace('-', ""), &A.replace('7', "g"), "@", "x y"] {
            let reason = find_id(argument, Kind::Conversation, IdRule::Uuid).unwrap_err();
            assert_eq!(reason, format!("'{argument}' is not a conversation id"));
        }
        for argument in ["foo", short, &long, &upper, "A.b_c-1"] {
            assert_eq!(find_id(argument, Kind::Conversation, IdRule::Any).as_deref(), Ok(argument));
        }
    }
}
