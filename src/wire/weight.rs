//! Whether JSON may be read at all. The shortest values take two or three bytes on the wire and a hundred times as much
//! in memory, so a limit on bytes alone would let a few megabytes fill the machine.

/// Shorter JSON is read without being counted: the worst of it takes some 30 MiB.
const LIGHT: usize = 256 * 1024;

/// Objects and lists in one answer or frame. A conversation of ten thousand messages has some fifty thousand.
const MOST_CONTAINERS: usize = 200_000;

/// Values that follow another in an object or a list.
const MOST_VALUES: usize = 2_000_000;

/// Whether reading this takes no more memory than an answer is worth. What is no JSON is for the parser to refuse.
pub(super) fn is_bearable(json: &str) -> bool {
    json.len() <= LIGHT || is_within(json.as_bytes(), MOST_CONTAINERS, MOST_VALUES)
}

/// Counts outside of strings, which may hold whatever they like.
fn is_within(json: &[u8], mut containers: usize, mut values: usize) -> bool {
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        let left = match byte {
            b'{' | b'[' => &mut containers,
            b',' => &mut values,
            b'"' => {
                at = end_of_string(json, at + 1);
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        if *left == 0 {
            return false;
        }
        *left -= 1;
        at += 1;
    }
    true
}

/// Where the string that begins here is over, its closing quote included.
fn end_of_string(json: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        if json[at + found] == b'"' {
            return at + found + 1;
        }
        at += found + 2;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_strings_weighs_nothing() {
        for (json, containers, values) in [
            ("", 0, 0),
            ("7", 0, 0),
            ("[]", 1, 0),
            (r#"{"a":[{},{}]}"#, 4, 1),
            (r#"["[{,","\"[{,","\\",7]"#, 1, 3),
            (r#"["[[[["#, 1, 0),
            (r#"["\"#, 1, 0),
        ] {
            assert!(is_within(json.as_bytes(), containers, values), "{json}");
            assert!(containers == 0 || !is_within(json.as_bytes(), containers - 1, values), "{json}");
            assert!(values == 0 || !is_within(json.as_bytes(), containers, values - 1), "{json}");
        }
    }

    #[test]
    fn little_is_always_read_and_much_of_nothing_never() {
        assert!(is_bearable(&"{},".repeat(1000)));
        for nothing in ["{},", "[],", "[", "0,", "\"\","] {
            assert!(!is_bearable(&nothing.repeat(MOST_VALUES + 1)), "{nothing}");
        }
        assert!(is_bearable(&format!(r#"{{"text":"{}"}}"#, "[{,".repeat(MOST_VALUES))), "a long text is one value");
    }
}
