//! The tail of one conversation, held to scripted servers.

mod endings;
mod losses;
mod renewal;
mod retries;
mod silence;
mod stage;
