//! `--events`: calls and conversations of an event stream (STR-1 to STR-5).

mod calls_alone;
mod feed;
mod input;
mod settings;
mod with_account;
