//! Names of queues and users that cannot be followed (TGT-8, TGT-9).

use crate::api::calls::DirectoryEntry;
use crate::api::error_body::ErrorBody;
use crate::config::TargetKind;
use crate::exit_code::ErrorClass;

/// The maximum number of matches that a message lists.
const MAX_LISTED: usize = 10;

/// A name that belongs to no queue or user, to several, or that may not be looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct NameError {
    message: String,
    tip: String,
    class: ErrorClass,
}

impl NameError {
    /// Returns the error for a name that is not known at `host`; `similar` are the closest names, the closest first.
    pub(super) fn unknown(kind: TargetKind, name: &str, host: &str, similar: &[DirectoryEntry]) -> Self {
        let noun = kind.noun();
        let names: Vec<String> = similar.iter().map(label).collect();
        let tip = match &names[..] {
            [] if name.contains(',') => format!("repeat --{noun} for each name"),
            [] => format!("check the {} and the region; a {noun} exists only in its own region", key_noun(kind)),
            [name] => format!("a similar {noun} exists: {name}"),
            names => format!("some similar {noun}s exist: {}", names.join(", ")),
        };
        Self { message: format!("{noun} '{name}' not found at {host}"), tip, class: ErrorClass::NoInput }
    }

    /// Returns the error for a name of several queues or users.
    pub(super) fn ambiguous(kind: TargetKind, name: &str, found: &[DirectoryEntry]) -> Self {
        let noun = kind.noun();
        let listed: Vec<String> =
            found.iter().take(MAX_LISTED).map(|entry| format!("{} {}", entry.id, label(entry))).collect();
        let more = found.len().saturating_sub(MAX_LISTED);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        Self {
            message: format!("{} {noun}s have the name '{name}': {}{more}", found.len(), listed.join(", ")),
            tip: format!("use the id: --{noun} {}", found.first().map_or("ID", |first| &first.id)),
            class: ErrorClass::NoInput,
        }
    }

    /// Returns the error for a search that the OAuth client may not make.
    pub(super) fn forbidden(kind: TargetKind, name: &str, host: &str, body: &ErrorBody) -> Self {
        let (noun, permission) = (kind.noun(), search_permission(kind));
        Self {
            message: format!("permission to look up {noun} '{name}' denied by {host}: {body}"),
            tip: format!("grant {permission} to a role of the OAuth client, or use the id: --{noun} ID"),
            class: ErrorClass::NoPermission,
        }
    }

    /// Returns the next step.
    pub(crate) fn hint(&self) -> &str {
        &self.tip
    }

    pub(crate) fn class(&self) -> ErrorClass {
        self.class
    }
}

/// Returns the permission that the search for a name requires.
fn search_permission(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Queue => "routing:queue:view",
        TargetKind::User => "directory:user:view",
    }
}

fn key_noun(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Queue => "name",
        TargetKind::User => "name or e-mail address",
    }
}

/// Returns the quoted name, with the e-mail address of a user.
fn label(entry: &DirectoryEntry) -> String {
    let name = format!("'{}'", entry.name);
    entry.email.as_ref().map_or_else(|| name.clone(), |email| format!("{name} ({email})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, name: &str, email: Option<&str>) -> DirectoryEntry {
        DirectoryEntry { id: id.to_owned(), name: name.to_owned(), email: email.map(str::to_owned) }
    }

    #[test]
    fn an_unknown_name_leads_to_similar_ones() {
        let billing = entry("q1", "Billing", None);
        let sam = entry("u1", "Sam Okafor", Some("sam@example.com"));
        for (kind, name, similar, tip) in [
            (TargetKind::Queue, "Biling", vec![billing.clone()], "a similar queue exists: 'Billing'"),
            (
                TargetKind::User,
                "Sam",
                vec![sam.clone(), sam],
                "some similar users exist: 'Sam Okafor' (sam@example.com), 'Sam Okafor' (sam@example.com)",
            ),
            (TargetKind::Queue, "A,B", Vec::new(), "repeat --queue for each name"),
            (
                TargetKind::User,
                "x",
                Vec::new(),
                "check the name or e-mail address and the region; a user exists only in its own region",
            ),
        ] {
            let error = NameError::unknown(kind, name, "api.test", &similar);
            assert_eq!(error.to_string(), format!("{} '{name}' not found at api.test", kind.noun()));
            assert_eq!((error.hint(), error.class()), (tip, ErrorClass::NoInput));
        }
    }

    #[test]
    fn an_ambiguous_name_lists_at_most_ten_matches() {
        let found = [entry("q1", "Billing", None), entry("q2", "BILLING", None)];
        let error = NameError::ambiguous(TargetKind::Queue, "billing", &found);
        assert_eq!(error.to_string(), "2 queues have the name 'billing': q1 'Billing', q2 'BILLING'");
        assert_eq!(error.hint(), "use the id: --queue q1");
        let many = vec![entry("q1", "Billing", None); 13];
        let error = NameError::ambiguous(TargetKind::Queue, "Billing", &many).to_string();
        assert!(error.ends_with(", and 3 more") && error.matches("q1").count() == 10, "{error}");
    }
}
