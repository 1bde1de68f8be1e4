//! The next step for a setting that is set and cannot be used.

use super::{ConfigError, Problem};

impl ConfigError {
    /// Returns the next step for the first problem, for errors without a more exact hint.
    pub(crate) fn tip(&self) -> &'static str {
        match self.problems.first() {
            Some(Problem::Unusable { setting, reason }) => tip_for(setting, reason),
            Some(Problem::Contradictory { .. }) => "remove one of the two; see genesys-tail help settings",
            _ => "correct it; see genesys-tail help settings",
        }
    }
}

fn tip_for(setting: &str, reason: &str) -> &'static str {
    let name = setting.split(' ').next().unwrap_or_default();
    match name {
        _ if reason.starts_with("line ") => "correct this line, or start it with # to ignore it",
        "--env-file" => "check the path of --env-file, and that the file is readable",
        "--conversation" if setting.contains('@') => "check the path after @, and that the file has one id a line",
        _ if name.to_lowercase().ends_with("_proxy") || name == "--proxy" => {
            "use a URL such as http://proxy.example:3128"
        }
        _ => "correct it; see genesys-tail help settings",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tip_fits_the_setting() {
        for (setting, reason, expected) in [
            ("--env-file none.env", "file not found", "path of --env-file"),
            ("--env-file some.env", "line 3 is not NAME=value", "correct this line"),
            ("--conversation @none.txt", "No such file or directory", "path after @"),
            ("HTTPS_PROXY in /home/ada/.env", "must be an http URL", "http://proxy.example:3128"),
            ("--cacert ca.pem", "No such file or directory", "help settings"),
        ] {
            assert!(tip_for(setting, reason).contains(expected), "{setting}: {reason}");
        }
    }
}
