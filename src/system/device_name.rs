//! The names that Windows reserves for devices, in any folder and with any extension.

/// The devices without a number.
const NAMES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// The devices that a digit follows.
const NUMBERED: [&str; 2] = ["COM", "LPT"];

/// Returns whether a path leads to a device.
pub(crate) fn is_device_name(path: &str) -> bool {
    if path.starts_with(r"\\.\") {
        return true;
    }
    let name = path.rsplit(['\\', '/', ':']).find(|part| !part.is_empty()).unwrap_or_default();
    let name = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    NAMES.contains(&name.as_str()) || NUMBERED.iter().any(|device| is_numbered(&name, device))
}

fn is_numbered(name: &str, device: &str) -> bool {
    let number = name.strip_prefix(device).map(|number| number.chars().collect::<Vec<_>>());
    matches!(number.as_deref(), Some(['0'..='9' | '¹' | '²' | '³']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_recognised_in_any_case_and_folder_and_with_any_extension() {
        for path in [
            "NUL",
            "nul",
            "con.log",
            r"C:\logs\aux.jsonl",
            "logs/prn",
            "NUL .txt",
            "nul:",
            "COM1",
            "lpt9.raw",
            "com¹",
            "CONOUT$",
            r"\\.\COM12",
            r"\\.\pipe\x",
        ] {
            assert!(is_device_name(path), "{path}");
        }
    }

    #[test]
    fn other_names_are_files() {
        for path in [
            "",
            "null",
            "console.log",
            "COM",
            "COM10",
            "lptx",
            r"C:\nul\file",
            "con/file",
            r"\\server\share\file",
            "97b9dcb3-3c1b-4e0a-9f0e-2f6f0d1c5a77.log",
            "a.nul",
            r"\\?\C:\file",
        ] {
            assert!(!is_device_name(path), "{path}");
        }
    }
}
