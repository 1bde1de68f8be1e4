//! Standard input, which only one setting can be read from.

use std::io::Read;

use crate::system::io_error;

pub(super) struct Stdin<'a> {
    reader: &'a mut dyn Read,
    taken_by: Option<&'static str>,
}

impl<'a> Stdin<'a> {
    pub(super) fn new(reader: &'a mut dyn Read) -> Self {
        Self { reader, taken_by: None }
    }

    /// Reads all of it for the setting `by`, or says why it cannot be read.
    pub(super) fn take(&mut self, by: &'static str) -> Result<String, String> {
        if let Some(other) = self.taken_by.replace(by) {
            return Err(format!("standard input is read by {other} already"));
        }
        let mut text = String::new();
        self.reader.read_to_string(&mut text).map_err(|error| io_error::describe(&error))?;
        Ok(text)
    }
}
