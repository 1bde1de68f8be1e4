//! Everything about standard error: status lines, redaction of secrets, and the line that shows the connection status.

pub(crate) mod connection_status;
pub mod logging;
pub mod redact;
pub(crate) mod status_line;
pub mod stderr;
