//! The comparison of names (TGT-7), and the names that resemble an unknown one (TGT-8).

use crate::api::calls::DirectoryEntry;
use crate::caseless::{caseless, composed};

/// The similarity from which a name is offered: 1 is equality.
const MIN_SIMILARITY: f64 = 0.6;

/// The maximum number of similar names.
const MAX_SIMILAR: usize = 5;

/// Returns the entries with this name or e-mail address as a whole. Letter case counts only if one matches with it.
pub(super) fn matches(name: &str, entries: &[DirectoryEntry]) -> Vec<DirectoryEntry> {
    let having = |is_equal: &dyn Fn(&str) -> bool| {
        let has = |entry: &&DirectoryEntry| labels(entry).any(|label| is_equal(label.trim()));
        entries.iter().filter(has).cloned().collect::<Vec<_>>()
    };
    let in_same_case = having(&|label| composed(label) == composed(name));
    if in_same_case.is_empty() { having(&|label| caseless(label) == caseless(name)) } else { in_same_case }
}

/// Returns the entries that resemble a name, the most similar first.
pub(super) fn similar(name: &str, entries: &[DirectoryEntry]) -> Vec<DirectoryEntry> {
    let mut scored: Vec<_> = entries.iter().map(|entry| (similarity(name, entry), entry)).collect();
    scored.retain(|(score, _)| *score >= MIN_SIMILARITY);
    scored.sort_by(|(a, x), (b, y)| b.total_cmp(a).then_with(|| x.name.cmp(&y.name)));
    scored.into_iter().take(MAX_SIMILAR).map(|(_, entry)| entry.clone()).collect()
}

fn labels(entry: &DirectoryEntry) -> impl Iterator<Item = &str> {
    [Some(&entry.name), entry.email.as_ref()].into_iter().flatten().map(String::as_str)
}

fn similarity(name: &str, entry: &DirectoryEntry) -> f64 {
    // An asterisk is a habit of other tools.
    let name = caseless(name.trim_matches('*'));
    let score = |label: &str| {
        let label = caseless(label);
        // Most addresses of an organization have the same domain.
        let (name, label) = match (name.split_once('@'), label.split_once('@')) {
            (Some((name, _)), Some((label, _))) => (name, label),
            _ => (name.as_str(), label.as_str()),
        };
        let distance = strsim::normalized_damerau_levenshtein(name, label);
        let is_part = !label.is_empty() && (label.contains(name) || name.contains(label));
        // Among names that contain each other, the closer one comes first.
        if is_part { MIN_SIMILARITY.max(f64::midpoint(1.0, distance)) } else { distance }
    };
    labels(entry).map(score).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[&str]) -> Vec<DirectoryEntry> {
        let entry = |(id, name): (usize, &&str)| DirectoryEntry {
            id: id.to_string(),
            name: (*name).to_owned(),
            email: name.split_once(' ').map(|(first, _)| format!("{}@example.com", first.to_lowercase())),
        };
        names.iter().enumerate().map(entry).collect()
    }

    fn ids(found: &[DirectoryEntry]) -> Vec<&str> {
        found.iter().map(|entry| entry.id.as_str()).collect()
    }

    #[test]
    fn a_name_matches_as_a_whole_and_the_same_case_wins() {
        let queues =
            entries(&["Billing", "billing", "Billing EMEA", "STRASSE", "Tom \"T\" O'Neil", "Ü/日本", " Padded "]);
        for (name, expected) in [
            ("Billing", &["0"][..]),
            ("billing", &["1"]),
            ("BILLING", &["0", "1"]),
            ("billing emea", &["2"]),
            ("straße", &["3"]),
            ("tom \"t\" o'neil", &["4"]),
            ("ü/日本", &["5"]),
            ("padded", &["6"]),
            ("Bill", &[]),
            ("*Billing*", &[]),
            ("u\u{308}/日本", &["5"]),
            ("", &[]),
        ] {
            assert_eq!(ids(&matches(name, &queues)), expected, "{name}");
        }
        let users = entries(&["Sam Okafor", "Noor Haddad"]);
        assert_eq!(ids(&matches("NOOR@example.com", &users)), ["1"]);
    }

    #[test]
    fn similar_names_contain_each_other_or_have_few_differences() {
        let queues = entries(&["Billing", "Billing EMEA", "Insurance", "Delivery", "Biling"]);
        assert_eq!(ids(&similar("Bilingg", &queues)), ["4", "0"]);
        assert_eq!(ids(&similar("bill", &queues)), ["0", "1"]);
        assert_eq!(ids(&similar("Billing EMEA and APAC", &queues)), ["1", "0"]);
        assert!(similar("xyz", &queues).is_empty());
        let users = entries(&["Sam Okafor", "Noor Haddad"]);
        assert_eq!(ids(&similar("sma@example.com", &users)), ["0"]);
        assert_eq!(ids(&similar("*haddad*", &users)), ["1"]);
        let many = entries(&["Billing 1", "Billing 2", "Billing 3", "Billing 4", "Billing 5", "Billing 6"]);
        assert_eq!(similar("billing", &many).len(), MAX_SIMILAR);
    }
}
