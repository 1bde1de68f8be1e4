//! Everything about standard error: status lines, redaction of secrets, and the line that shows the connection status.

#[cfg(test)]
pub(crate) mod captured_lines;
pub(crate) mod connection_status;
pub(crate) mod log_line;
pub(crate) mod logging;
pub(crate) mod redact;
pub(crate) mod service_status;
pub(crate) mod status_line;
pub(crate) mod stderr;
pub(crate) mod work;
