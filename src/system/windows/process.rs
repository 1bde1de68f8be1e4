//! Other processes.

/// Returns the command that ends a process.
pub(crate) fn end_command(process: u32) -> String {
    format!("taskkill /f /pid {process}")
}
