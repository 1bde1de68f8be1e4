//! One function per REST call, used by the tail and by `check` alike.
//!
//! A conversation, queue, user or channel id may come from the network; [`path_segment`] keeps it within its segment.

mod analytics;
mod call_transcript;
mod channels;
mod conversations;
mod details;
mod directory;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

pub(crate) use self::analytics::{observed_open_conversations, open_conversation_rows};
pub(crate) use self::call_transcript::{call_transcript, call_transcript_link};
pub(crate) use self::channels::{available_topics, channel_exists, create_channel, subscribe};
pub(crate) use self::conversations::{message_bodies, message_snapshot, snapshot};
pub(crate) use self::details::{RowQuery, conversation_rows, observed_conversations, rows_of};
pub(crate) use self::directory::{
    DirectoryEntry, DirectoryPage, PageRequest, USERS_PER_REQUEST, UserMatch, queues, search_users, target_name,
    user_names, users,
};

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn path_segment(id: &str) -> PercentEncode<'_> {
    utf8_percent_encode(id, RESERVED)
}
