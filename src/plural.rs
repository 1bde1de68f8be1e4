//! Numbers with their nouns, for messages.

use std::fmt::Display;

/// Returns `1 message`, `2 messages`.
pub(crate) fn count<N: Copy + Display + PartialEq + From<u8>>(number: N, noun: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([0_usize, 1, 2].map(|number| count(number, "frame")), ["0 frames", "1 frame", "2 frames"]);
        assert_eq!(count(1_u64, "line"), "1 line");
    }
}
