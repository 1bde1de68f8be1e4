//! The named queues and users of the organization.

use std::collections::HashSet;

use super::ids::{NamedEntity, queue, user, uuid};
use super::model::DEFAULT_QUEUE;
use crate::simulator::script::Script;

/// A user with an e-mail address.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) email: String,
}

/// The queues and users, in the order of their names.
#[derive(Debug)]
pub(crate) struct Directory {
    queues: Vec<NamedEntity>,
    users: Vec<User>,
}

impl Directory {
    /// Creates the directory of the scripts' queues and agents and of further ones. A name may occur several times.
    pub(crate) fn new<'a>(scripts: impl Iterator<Item = &'a Script>, queues: &[String], users: &[String]) -> Self {
        let (mut queue_names, mut user_names) = (vec![DEFAULT_QUEUE.to_owned()], Vec::new());
        for script in scripts {
            queue_names.extend(script.queues());
            user_names.extend(script.agents());
        }
        let mut queues: Vec<_> = entities(queue_names, queues, queue, "queue");
        let mut users: Vec<_> = entities(user_names, users, user, "user").into_iter().map(User::from).collect();
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        users.sort_by(|a, b| a.name.cmp(&b.name));
        Self { queues, users }
    }

    pub(crate) fn queues(&self) -> &[NamedEntity] {
        &self.queues
    }

    pub(crate) fn users(&self) -> &[User] {
        &self.users
    }
}

impl From<NamedEntity> for User {
    fn from(NamedEntity { id, name }: NamedEntity) -> Self {
        let email = format!("{}@northwind.example", name.to_lowercase().replace(' ', "."));
        Self { id, name, email }
    }
}

/// Returns an entity for each different name of the scripts and for each further name.
fn entities(names: Vec<String>, more: &[String], entity: fn(&str) -> NamedEntity, kind: &str) -> Vec<NamedEntity> {
    let mut entities: Vec<NamedEntity> = Vec::new();
    for name in names {
        if !entities.iter().any(|known| known.name == name) {
            entities.push(entity(&name));
        }
    }
    let mut known: HashSet<String> = entities.iter().map(|entity| entity.name.clone()).collect();
    for name in more {
        let is_new = known.insert(name.clone());
        let number = entities.len();
        let id = if is_new { entity(name).id } else { uuid(&format!("{kind} {name} {number}")) };
        entities.push(NamedEntity { id, name: name.clone() });
    }
    entities
}
