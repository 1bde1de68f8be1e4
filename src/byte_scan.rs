//! Searches for special bytes, eight at a time (SWAR: one `u64` holds eight lanes of a byte each).
//!
//! Most strings of a frame are shorter than the set-up of a vector search takes.

/// A byte of value 1 in each lane.
const ONES: u64 = u64::MAX / 0xff;

/// The highest bit of each lane.
const HIGH_BITS: u64 = ONES * 0x80;

/// Returns the position of the first quote, backslash or C0 control: the end of a JSON string, the start of an escape,
/// or a byte that is invalid in a string.
pub(crate) fn find_json_special(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = json_specials(word) & !word & HIGH_BITS;
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|&byte| is_json_special(byte)).map(|found| words.len() * 8 + found)
}

/// Returns the position of the first byte that `is_special`.
///
/// `is_special` must be `false` for printable ASCII but quote and backslash: groups of eight such bytes are skipped
/// without a call of it.
pub(crate) fn find_special(bytes: &[u8], is_special: impl Fn(u8) -> bool) -> Option<usize> {
    let find = |bytes: &[u8]| bytes.iter().position(|&byte| is_special(byte));
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        if !is_ordinary(u64::from_le_bytes(*word))
            && let Some(found) = find(word)
        {
            return Some(index * 8 + found);
        }
    }
    find(rest).map(|found| words.len() * 8 + found)
}

fn is_json_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Sets the highest bit of each lane with a C0 control, a quote or a backslash. The other bits are arbitrary, and so
/// are the highest bits of lanes beyond ASCII and of lanes above the first match, which a borrow may reach.
fn json_specials(word: u64) -> u64 {
    let below = |lanes: u64, limit: u64| lanes.wrapping_sub(ONES * limit);
    // Flipping bit 1 maps the quote (0x22) to 0x20, right behind the controls: one comparison finds both.
    let quote_or_control = below(word ^ (ONES * 0x02), 0x21);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    quote_or_control | backslash
}

/// Returns whether all lanes are printable ASCII but quote and backslash.
fn is_ordinary(word: u64) -> bool {
    // DEL (0x7f) plus one is beyond ASCII.
    let delete = word.wrapping_add(ONES);
    (json_specials(word) | delete | word) & HIGH_BITS == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_special_byte_is_found(plain in "[ !a-zü]{0,40}", rest in "[a\"\\\\]{0,9}") {
            for byte in 0..=u8::MAX {
                let bytes = [plain.as_bytes(), &[byte], rest.as_bytes()].concat();
                prop_assert_eq!(find_json_special(&bytes), bytes.iter().position(|&byte| is_json_special(byte)));
                for is_special in [|byte| byte >= 0x7f || is_json_special(byte), |byte| byte < 0x20 || byte == 0xc3] {
                    prop_assert_eq!(find_special(&bytes, is_special), bytes.iter().position(|&byte| is_special(byte)));
                }
            }
        }
    }
}
