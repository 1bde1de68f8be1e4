//! Finds the ends of objects, without reading them.

/// Finds the ends of JSON objects in bytes that arrive in parts.
#[derive(Debug, Default)]
pub(crate) struct ObjectScanner {
    depth: u32,
    place: Place,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    String,
    Escape,
}

impl ObjectScanner {
    /// Returns the end of the last object that is complete with these bytes.
    pub(crate) fn end_of_last(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut end = None;
        while let Some(length) = self.next_end(&bytes[end.unwrap_or(0)..]) {
            end = Some(end.unwrap_or(0) + length);
        }
        end
    }

    /// Returns the end of the first object that is complete with these bytes. All are scanned if there is none.
    pub(crate) fn next_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let found = match self.place {
                Place::Outside => memchr::memchr3(b'"', b'{', b'}', rest)?,
                Place::String => memchr::memchr2(b'"', b'\\', rest)?,
                Place::Escape => 0,
            };
            at += found + 1;
            if self.step(bytes[at - 1]) {
                return Some(at);
            }
        }
        None
    }

    /// Takes a byte that may matter. Returns whether it ends an object.
    fn step(&mut self, byte: u8) -> bool {
        match (self.place, byte) {
            (Place::Escape, _) => self.place = Place::String,
            (Place::String, b'\\') => self.place = Place::Escape,
            (Place::String, _) => self.place = Place::Outside,
            (Place::Outside, b'"') => self.place = Place::String,
            (Place::Outside, b'{') => self.depth += 1,
            (Place::Outside, _) => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
        }
        false
    }
}
