//! Which messages are shown.

use regex::Regex;

use crate::config::Selection;
use crate::event::{EventBody, Message, Role, TranscriptEvent};

impl Selection {
    pub(super) fn shows(&self, event: &TranscriptEvent<'_>) -> bool {
        match &event.body {
            EventBody::Message(message) => self.shows_role(message.role) && self.shows_words(message),
            EventBody::Update { .. } | EventBody::Closed | EventBody::Gap(_) => true,
        }
    }

    fn shows_role(&self, role: Role) -> bool {
        if self.only.is_empty() { role != Role::System || self.system } else { self.only.contains(&role) }
    }

    fn shows_words(&self, message: &Message<'_>) -> bool {
        if self.include.is_empty() && self.exclude.is_empty() {
            return true;
        }
        let words = message.display_text();
        let matches = |regex: &Regex| regex.is_match(&words);
        (self.include.is_empty() || self.include.iter().any(matches)) && !self.exclude.iter().any(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{event, gap, message, said};
    use super::*;
    use crate::event::Attachment;

    fn roles_shown(selection: &Selection) -> Vec<Role> {
        let all = [Role::Customer, Role::Agent, Role::Bot, Role::System, Role::Unknown];
        all.into_iter().filter(|&role| selection.shows(&said(role, "Ada", "Hello"))).collect()
    }

    #[test]
    fn roles_are_chosen_by_flag() {
        use Role::{Agent, Bot, Customer, System, Unknown};
        let only = |system, only: &[Role]| Selection { system, only: only.to_vec(), ..Selection::default() };
        assert_eq!(roles_shown(&only(false, &[])), [Customer, Agent, Bot, Unknown]);
        assert_eq!(roles_shown(&only(true, &[])), [Customer, Agent, Bot, System, Unknown]);
        assert_eq!(roles_shown(&only(false, &[System])), [System]);
        assert_eq!(roles_shown(&only(true, &[Customer, Bot])), [Customer, Bot]);
    }

    #[test]
    fn words_are_chosen_by_expression() {
        let regexes = |patterns: &[&str]| patterns.iter().map(|p| Regex::new(p).unwrap()).collect();
        let shown = |include: &[&str], exclude: &[&str], text| {
            let selection = Selection { include: regexes(include), exclude: regexes(exclude), ..Selection::default() };
            selection.shows(&said(Role::Customer, "Ada", text))
        };
        assert!(shown(&["refund", "order"], &[], "my order"));
        assert!(!shown(&["refund", "order"], &[], "hello"));
        assert!(!shown(&["order"], &["(?i)TEST"], "test order"));
        assert!(shown(&["a\nb"], &[], "a\nb"));
    }

    #[test]
    fn an_attachment_is_matched_as_it_is_shown() {
        let mut card = message(Role::Bot, "Bot", "");
        card.attachments = vec![Attachment { kind: "card".into(), name: Some("Plan".into()), ..Attachment::default() }];
        let include = vec![Regex::new(r"^\[card: Plan\]$").unwrap()];
        assert!(Selection { include, ..Selection::default() }.shows(&event(EventBody::Message(card))));
    }

    #[test]
    fn what_is_no_message_is_always_shown() {
        let nothing = Regex::new("^$.").unwrap();
        let selection = Selection { only: vec![Role::Bot], include: vec![nothing], ..Selection::default() };
        assert!(
            [event(EventBody::Update { description: None }), event(EventBody::Closed), gap()]
                .iter()
                .all(|event| selection.shows(event))
        );
    }
}
