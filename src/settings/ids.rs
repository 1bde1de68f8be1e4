//! Checks ids, and finds them in URLs pasted from a browser.

use std::sync::LazyLock;

use regex::Regex;

use crate::config::is_valid_id;

use super::problems::Problems;

static UUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b")
        .expect("the pattern is constant")
});

/// The kind of object that an id belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    noun: &'static str,
    /// Path segments that precede an id of this kind in a URL, in lower case.
    path_prefixes: &'static [&'static str],
}

pub(super) const CONVERSATION: Kind = Kind {
    noun: "conversation",
    path_prefixes: &["interactions/", "interaction/", "conversations/", "conversation/", "conversations/messages/"],
};
pub(super) const QUEUE: Kind = Kind { noun: "queue", path_prefixes: &["queues/", "queue/"] };
pub(super) const USER: Kind = Kind { noun: "user", path_prefixes: &["users/", "user/", "people/", "person/"] };

/// Adds the id in `argument` to `ids` unless they have it. Adds a problem with `setting` if there is none.
pub(super) fn add(setting: &str, argument: &str, kind: Kind, ids: &mut Vec<String>, problems: &mut Problems) {
    match find_id(argument, kind) {
        Ok(id) if ids.contains(&id) => {}
        Ok(id) => ids.push(id),
        Err(reason) => problems.unusable(setting, reason),
    }
}

/// Returns the id itself, or the UUID in a URL.
fn find_id(argument: &str, kind: Kind) -> Result<String, String> {
    if argument.contains('/') {
        return find_uuid(argument, kind).map(str::to_owned);
    }
    // The value of curl's --user holds a password and must not be shown.
    if argument.contains(':') {
        return Err(format!("not a {} id: contains a colon", kind.noun));
    }
    if !is_valid_id(argument) {
        return Err(format!("'{argument}' is not a {} id (letters, digits, . _ -)", kind.noun));
    }
    Ok(argument.to_owned())
}

/// Returns the only UUID of a URL. Among several, the one that follows a path segment of its kind.
fn find_uuid(url: &str, kind: Kind) -> Result<&str, String> {
    let mut uuids: Vec<_> = UUID.find_iter(url).collect();
    if uuids.iter().any(|other| other.as_str() != uuids[0].as_str()) {
        uuids.retain(|uuid| ends_with_prefix(&url[..uuid.start()], kind));
        uuids.dedup_by_key(|uuid| uuid.as_str());
    }
    match uuids.as_slice() {
        [] => Err(format!("'{url}' contains no {} id", kind.noun)),
        [first, others @ ..] if others.iter().any(|other| other.as_str() != first.as_str()) => {
            Err(format!("'{url}' contains several ids; use only the {} id", kind.noun))
        }
        [first, ..] => Ok(first.as_str()),
    }
}

fn ends_with_prefix(before: &str, kind: Kind) -> bool {
    let before = before.to_ascii_lowercase();
    kind.path_prefixes.iter().any(|prefix| before.ends_with(prefix))
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
            assert_eq!(find_id(argument, CONVERSATION).as_deref(), Ok(id));
        }
        let (long, ambiguous) = (format!("{longest}x"), format!("https://x/{A}/{B}"));
        for argument in [".", "..", ".hidden", "a b", "a?b", "ä", "a\nb", "../x", "https://x/y", &long, &ambiguous] {
            assert!(find_id(argument, CONVERSATION).is_err(), "{argument}");
        }
    }

    #[test]
    fn of_several_ids_in_a_url_the_one_of_its_kind_is_used() {
        let url = format!("https://apps.mypurecloud.ie/directory/#/queues/{B}/interactions/{A}");
        let cases = [
            (QUEUE, url.clone(), Ok(B)),
            (CONVERSATION, url.clone(), Ok(A)),
            (QUEUE, format!("https://x/#/admin/queue/{B}/members/{A}"), Ok(B)),
            (USER, format!("https://x/directory/#/person/{A}"), Ok(A)),
            (USER, format!("https://x/people/{A}/{B}"), Ok(A)),
            (USER, url, Err("contains no user id")),
            (USER, format!("https://x/users/{A}/people/{B}"), Err("use only the user id")),
            (QUEUE, "Web Support".into(), Err("is not a queue id")),
        ];
        for (kind, argument, expected) in cases {
            match (find_id(&argument, kind), expected) {
                (Ok(id), Ok(expected)) => assert_eq!(id, expected, "{argument}"),
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{reason}"),
                (found, _) => panic!("{argument}: {found:?}"),
            }
        }
    }
}
