//! Ids that follow from names, the same in every simulator.

use serde::Serialize;
use serde_json::{Value, json};

/// A user or queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NamedEntity {
    pub(crate) id: String,
    pub(crate) name: String,
}

pub(crate) fn user(name: &str) -> NamedEntity {
    NamedEntity { id: uuid(&format!("user {name}")), name: name.to_owned() }
}

pub(crate) fn queue(name: &str) -> NamedEntity {
    NamedEntity { id: uuid(&format!("queue {name}")), name: name.to_owned() }
}

/// Returns the division of every user, queue and conversation.
pub(crate) fn division() -> Value {
    let id = uuid("division");
    json!({ "id": id, "selfUri": format!("/api/v2/authorization/divisions/{id}") })
}

/// Returns a UUID that depends on `name` only.
pub(crate) fn uuid(name: &str) -> String {
    // FNV-1a is short, and its results never change.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut random = fastrand::Rng::with_seed(hash);
    let [a, b] = [random.u64(..), random.u64(..)];
    let groups = (a >> 32, (a >> 16) & 0xffff, a & 0xfff, (b >> 48) & 0x3fff | 0x8000, b & 0xffff_ffff_ffff);
    format!("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", groups.0, groups.1, groups.2, groups.3, groups.4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_kind_and_name() {
        assert_eq!(user("Sam"), user("Sam"));
        assert_ne!(user("Sam").id, queue("Sam").id);
        let id = user("Sam").id;
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!((lengths, &id[14..15]), (vec![8, 4, 4, 4, 12], "4"));
    }
}
