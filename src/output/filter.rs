//! The selection of the messages to show (OUT-5).

use regex::Regex;

use crate::config::{Filter, Hidden};
use crate::event::{EventBody, Message, Role, TranscriptEvent};

impl Filter {
    pub(super) fn shows(&self, event: &TranscriptEvent<'_>) -> bool {
        match &event.body {
            EventBody::Message(message) => self.shows_role(message.role) && self.shows_text(message),
            EventBody::Update { .. } => !self.hidden.contains(&Hidden::Update),
            EventBody::Closed => !self.hidden.contains(&Hidden::Closed),
            EventBody::Gap(_) => !self.hidden.contains(&Hidden::Gap),
        }
    }

    fn shows_role(&self, role: Role) -> bool {
        if self.only.is_empty() { role != Role::System || self.system } else { self.only.contains(&role) }
    }

    fn shows_text(&self, message: &Message<'_>) -> bool {
        if self.include.is_empty() && self.exclude.is_empty() {
            return true;
        }
        let text = message.display_text();
        let matches = |regex: &Regex| regex.is_match(&text);
        (self.include.is_empty() || self.include.iter().any(matches)) && !self.exclude.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{event, gap, message, message_event};
    use super::*;
    use crate::event::Attachment;

    fn shown_roles(filter: &Filter) -> Vec<Role> {
        let all = [Role::Customer, Role::Agent, Role::Bot, Role::System, Role::Unknown];
        all.into_iter().filter(|&role| filter.shows(&message_event(role, "Ada", "Hello"))).collect()
    }

    #[test]
    fn system_messages_are_hidden_unless_a_flag_names_them() {
        use Role::{Agent, Bot, Customer, System, Unknown};
        let only = |system, only: &[Role]| Filter { system, only: only.to_vec(), ..Filter::default() };
        assert_eq!(shown_roles(&only(false, &[])), [Customer, Agent, Bot, Unknown]);
        assert_eq!(shown_roles(&only(true, &[])), [Customer, Agent, Bot, System, Unknown]);
        assert_eq!(shown_roles(&only(false, &[System])), [System]);
        assert_eq!(shown_roles(&only(true, &[Customer, Bot])), [Customer, Bot]);
    }

    #[test]
    fn patterns_include_and_exclude_messages_by_their_text() {
        let regexes = |patterns: &[&str]| patterns.iter().map(|p| Regex::new(p).unwrap()).collect();
        let shown = |include: &[&str], exclude: &[&str], text| {
            let filter = Filter { include: regexes(include), exclude: regexes(exclude), ..Filter::default() };
            filter.shows(&message_event(Role::Customer, "Ada", text))
        };
        assert!(shown(&["refund", "order"], &[], "my order"));
        assert!(!shown(&["refund", "order"], &[], "hello"));
        assert!(!shown(&["order"], &["(?i)TEST"], "test order"));
        assert!(shown(&["a\nb"], &[], "a\nb"));
    }

    #[test]
    fn patterns_match_an_attachment_as_it_is_shown() {
        let mut card = message(Role::Bot, "Bot", "");
        card.attachments = vec![Attachment { kind: "card".into(), name: Some("Plan".into()), ..Attachment::default() }];
        let include = vec![Regex::new(r"^\[card: Plan\]$").unwrap()];
        assert!(Filter { include, ..Filter::default() }.shows(&event(EventBody::Message(card))));
    }

    /// Returns whether an update, a closing and a gap are shown.
    fn shows_without_role(filter: &Filter) -> [bool; 3] {
        let events = [event(EventBody::Update { description: None }), event(EventBody::Closed), gap()];
        events.map(|event| filter.shows(&event))
    }

    #[test]
    fn filters_of_messages_never_hide_updates_closings_and_gaps() {
        let never = Regex::new("^$.").unwrap();
        let filter = Filter { only: vec![Role::Bot], include: vec![never], ..Filter::default() };
        assert_eq!(shows_without_role(&filter), [true; 3]);
    }

    #[test]
    fn each_kind_of_event_without_a_role_can_be_hidden() {
        let hiding = |hidden: &[Hidden]| Filter { hidden: hidden.to_vec(), ..Filter::default() };
        assert_eq!(shows_without_role(&hiding(&[Hidden::Update])), [false, true, true]);
        assert_eq!(shows_without_role(&hiding(&[Hidden::Closed])), [true, false, true]);
        assert_eq!(shows_without_role(&hiding(&[Hidden::Gap, Hidden::Update])), [false, true, false]);
        assert!(hiding(&[Hidden::Update, Hidden::Closed, Hidden::Gap]).shows(&message_event(Role::Bot, "Quill", "Hi")));
    }
}
