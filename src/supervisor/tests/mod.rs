//! The tail of one conversation, held to scripted servers.

mod endings;
mod harness;
mod idle_timeout;
mod outages;
mod renewal;
mod retries;
