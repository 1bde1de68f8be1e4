//! A supervised source against scripted servers.

mod endings;
mod harness;
mod idle_timeout;
mod outages;
mod renewal;
mod retries;
mod status_lines;
