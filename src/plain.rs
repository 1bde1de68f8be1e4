//! What the operating system says, in plain words.

use std::io;

/// The words of an I/O error without the number that is put behind them, as in `(os error 2)`.
pub(crate) fn words(error: &io::Error) -> String {
    let words = error.to_string();
    match error.raw_os_error().and_then(|number| words.strip_suffix(&format!(" (os error {number})"))) {
        Some(plain) => plain.to_owned(),
        None => words,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_left_out_and_nothing_else() {
        assert_eq!(words(&io::Error::from_raw_os_error(2)), "No such file or directory");
        assert_eq!(words(&io::Error::other("it is full (os error 2)")), "it is full (os error 2)");
    }
}
