//! The names of topics that hold the id of a conversation.

/// The beginning of the topics of detail events.
const DETAIL: &str = "v2.detail.events.conversation.";

const TRANSCRIPTION: &str = ".transcription";

/// The conversation and the name of a detail event, such as `user.start`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DetailTopic {
    pub(super) conversation: String,
    pub(super) event: String,
}

/// Returns whether a topic is that of the transcription of a call.
pub(super) fn is_transcription(topic: &str) -> bool {
    ends_with(topic, TRANSCRIPTION) && !starts_with(topic, DETAIL) && !starts_with(topic, "v2.system.")
}

/// Returns the conversation of the topic of a transcription.
pub(super) fn conversation_of_transcription(topic: &str) -> Option<&str> {
    let (start, end) = ("v2.conversations.".len(), topic.len().checked_sub(TRANSCRIPTION.len())?);
    topic.get(start..end).filter(|id| !id.is_empty())
}

/// Splits the topic of a detail event into conversation id and event. Both may contain dots; the id in the body, if any,
/// decides.
pub(super) fn detail_event(topic: &str, in_body: Option<&str>) -> Option<DetailTopic> {
    let rest = topic.get(DETAIL.len()..).filter(|_| starts_with(topic, DETAIL))?;
    let by_body = in_body.and_then(|id| Some((id, rest.strip_prefix(id)?.strip_prefix('.')?)));
    let (conversation, event) = by_body.or_else(|| rest.split_once('.'))?;
    Some(DetailTopic { conversation: conversation.to_owned(), event: event.to_ascii_lowercase() })
}

fn starts_with(topic: &str, beginning: &str) -> bool {
    topic.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning))
}

fn ends_with(topic: &str, ending: &str) -> bool {
    let end = topic.len().checked_sub(ending.len()).and_then(|at| topic.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(ending))
}
