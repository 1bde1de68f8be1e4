//! Ids, as they are and in addresses pasted from a browser.

use std::sync::LazyLock;

use regex::Regex;

use super::error::Problems;

const LONGEST_ID: usize = 128;

static UUID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b")
        .expect("the pattern is constant")
});

/// What an id is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    noun: &'static str,
    /// What stands before it in an address, in lower case.
    after: &'static [&'static str],
}

pub(super) const CONVERSATION: Kind = Kind {
    noun: "conversation",
    after: &["interactions/", "interaction/", "conversations/", "conversation/", "conversations/messages/"],
};
pub(super) const QUEUE: Kind = Kind { noun: "queue", after: &["queues/", "queue/"] };
pub(super) const USER: Kind = Kind { noun: "user", after: &["users/", "user/", "people/", "person/"] };

/// Adds the id in `word` where it is new, or says why there is none.
pub(super) fn add(setting: &str, word: &str, kind: Kind, ids: &mut Vec<String>, problems: &mut Problems) {
    match id_of(word, kind) {
        Ok(id) if ids.contains(&id) => {}
        Ok(id) => ids.push(id),
        Err(reason) => problems.unusable(setting, reason),
    }
}

/// An id is taken as it is, of an address the UUID in it.
fn id_of(word: &str, kind: Kind) -> Result<String, String> {
    if word.contains('/') {
        return uuid_in(word, kind).map(str::to_owned);
    }
    // What curl takes for --user is a secret, and not to be shown.
    if word.contains(':') {
        return Err(format!("it holds a colon, which no {} id does", kind.noun));
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = (1..=LONGEST_ID).contains(&word.len()) && !word.starts_with('.') && word.bytes().all(allowed);
    if fits { Ok(word.to_owned()) } else { Err(format!("{word:?} is no {} id (letters, digits, . _ -)", kind.noun)) }
}

/// The only UUID of an address. Of several, the one that follows the name of its kind.
fn uuid_in(address: &str, kind: Kind) -> Result<&str, String> {
    let mut found: Vec<_> = UUID.find_iter(address).collect();
    if found.iter().any(|other| other.as_str() != found[0].as_str()) {
        found.retain(|uuid| follows_its_name(&address[..uuid.start()], kind));
        found.dedup_by_key(|uuid| uuid.as_str());
    }
    match found.as_slice() {
        [] => Err(format!("{address:?} holds no {} id", kind.noun)),
        [first, others @ ..] if others.iter().any(|other| other.as_str() != first.as_str()) => {
            Err(format!("{address:?} holds several ids; give the one of the {}", kind.noun))
        }
        [first, ..] => Ok(first.as_str()),
    }
}

fn follows_its_name(before: &str, kind: Kind) -> bool {
    let before = before.to_ascii_lowercase();
    kind.after.iter().any(|name| before.ends_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77";
    const B: &str = "0f6d2a51-7f0e-4a44-8f1a-6d1f0b9f1c02";

    #[test]
    fn ids_are_checked_and_addresses_searched() {
        let longest = "x".repeat(LONGEST_ID);
        let url = format!("https://apps.usw2.pure.cloud/directory/#/analytics/interactions/{A}/admin/details");
        let two = format!("https://apps.mypurecloud.ie/directory/#/queues/{B}/interactions/{A}");
        let api = format!("api.mypurecloud.ie/api/v2/conversations/messages/{A}/x/{B}");
        for (word, id) in [(A, A), ("a.b_c-1", "a.b_c-1"), (&longest, &longest), (&url, A), (&two, A), (&api, A)] {
            assert_eq!(id_of(word, CONVERSATION).as_deref(), Ok(id));
        }
        let (long, ambiguous) = (format!("{longest}x"), format!("https://x/{A}/{B}"));
        for word in [".", "..", ".hidden", "a b", "a?b", "ä", "a\nb", "../x", "https://x/y", &long, &ambiguous] {
            assert!(id_of(word, CONVERSATION).is_err(), "{word}");
        }
    }

    #[test]
    fn of_several_ids_in_an_address_the_one_of_the_kind_is_taken() {
        let address = format!("https://apps.mypurecloud.ie/directory/#/queues/{B}/interactions/{A}");
        let cases = [
            (QUEUE, address.clone(), Ok(B)),
            (CONVERSATION, address.clone(), Ok(A)),
            (QUEUE, format!("https://x/#/admin/queue/{B}/members/{A}"), Ok(B)),
            (USER, format!("https://x/directory/#/person/{A}"), Ok(A)),
            (USER, format!("https://x/people/{A}/{B}"), Ok(A)),
            (USER, address, Err("holds no user id")),
            (USER, format!("https://x/users/{A}/people/{B}"), Err("give the one of the user")),
            (QUEUE, "Web Support".into(), Err("is no queue id")),
        ];
        for (kind, word, expected) in cases {
            match (id_of(&word, kind), expected) {
                (Ok(id), Ok(expected)) => assert_eq!(id, expected, "{word}"),
                (Err(reason), Err(words)) => assert!(reason.contains(words), "{reason}"),
                (found, _) => panic!("{word}: {found:?}"),
            }
        }
    }
}
