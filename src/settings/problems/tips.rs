//! The next step after problems with settings.

use crate::config::UnusableBundle;
use crate::config::region;
use crate::config::similar_region::similar_regions;

use super::{FilesRead, MISSING_CLIENT_ID, MISSING_CLIENT_SECRET, MISSING_CONVERSATION, Problem, SECRET_NOT_ALONE};

const FIRST_RUN: &str =
    "set them in the environment or in .env: genesys-tail help settings; genesys-tail --demo needs no account";
const UNREADABLE_FILE: &str = "make the .env file readable, or use --env-file FILE";
const CONVERSATION: &str = "name a conversation, or use --queue or --user";

/// Returns the next step. A value that resembles a command comes first, then missing settings and regions, then the first
/// problem.
pub(super) fn tip(problems: &[Problem], files: &FilesRead) -> String {
    let command = problems.iter().find_map(|problem| match problem {
        Problem::LikeCommand { hint, .. } => Some(hint.clone()),
        _ => None,
    });
    let first = || problems.first().map_or_else(String::new, |first| tip_for(first).to_owned());
    command
        .or_else(|| tip_for_missing_and_similar(problems, files))
        .or_else(|| tip_for_values(problems))
        .unwrap_or_else(first)
}

fn tip_for_missing_and_similar(problems: &[Problem], files: &FilesRead) -> Option<String> {
    let missing = tip_for_missing(problems, files)?;
    let similar = unknown_region(problems).and_then(tip_for_similar);
    Some(similar.map_or_else(|| missing.clone(), |similar| format!("{missing}; {similar}")))
}

fn tip_for_missing(problems: &[Problem], files: &FilesRead) -> Option<String> {
    let missing: Vec<&str> = problems.iter().filter_map(Problem::missing).collect();
    let them = match missing[..] {
        [] => return None,
        [MISSING_CONVERSATION] => return Some(CONVERSATION.to_owned()),
        [_] => "it",
        _ => "them",
    };
    if files.is_env_file_unreadable {
        return Some(UNREADABLE_FILE.to_owned());
    }
    let is_client_missing = [MISSING_CLIENT_ID, MISSING_CLIENT_SECRET].iter().all(|what| missing.contains(what));
    let place = match &files.env_file {
        Some(path) => format!("set {them} in {}, which has no value for {them}", path.display()),
        None if is_client_missing && !files.profiles_unused => return Some(FIRST_RUN.to_owned()),
        None => format!("set {them} in the environment or in .env"),
    };
    Some(if files.profiles_unused { format!("{place}, or use a gc profile: --profile NAME") } else { place })
}

fn tip_for_values(problems: &[Problem]) -> Option<String> {
    problems.iter().find_map(|problem| match problem {
        Problem::UnknownRegion { value, .. } => Some(tip_for_similar(value).unwrap_or_else(tip_for_region)),
        Problem::NotAnId { hint, .. } => hint.map(str::to_owned),
        _ => None,
    })
}

fn unknown_region(problems: &[Problem]) -> Option<&str> {
    problems.iter().find_map(|problem| match problem {
        Problem::UnknownRegion { value, .. } => Some(value.as_str()),
        _ => None,
    })
}

fn tip_for_region() -> String {
    format!("use one of {}, or a domain such as mypurecloud.ie", region::known_names())
}

/// Returns the tip with the regions that a value resembles, in the form of the parser of arguments.
pub(in crate::settings) fn tip_for_similar(region: &str) -> Option<String> {
    match similar_regions(region)[..] {
        [] => None,
        [name] => Some(format!("a similar region exists: '{name}'")),
        ref names => Some(format!("some similar regions exist: '{}'", names.join("', '"))),
    }
}

fn tip_for(problem: &Problem) -> &'static str {
    match problem {
        Problem::Unusable { setting, reason } => tip_for_unusable(setting, reason),
        Problem::Contradictory { .. } => "remove one of the two; see genesys-tail help settings",
        _ => "correct it; see genesys-tail help settings",
    }
}

fn tip_for_unusable(setting: &str, reason: &str) -> &'static str {
    let name = setting.split(' ').next().unwrap_or_default();
    match name {
        _ if reason.starts_with("line ") => "correct this line, or start it with # to ignore it",
        "--client-secret-file" if reason == SECRET_NOT_ALONE => "for NAME=value lines, use --env-file FILE",
        "--env-file" => "check the path of --env-file, and that the file is readable",
        "--cacert" if reason == UnusableBundle::Der.to_string() => {
            "convert it: openssl x509 -inform der -in FILE -out ca.pem"
        }
        "--conversation" if setting.ends_with("@-") => "check that the command before the pipe prints one id a line",
        "--conversation" if setting.contains('@') => "check the path after @, and that the file has one id a line",
        "--since" => "use a later time, such as --since 30days",
        "--queue" => "use the URL of the queue's page, the id or the name",
        "--user" => "use the id, the e-mail address or the name of a user",
        _ if name.to_lowercase().ends_with("_proxy") || name == "--proxy" => {
            "use a URL such as http://proxy.example:3128"
        }
        _ => "correct it; see genesys-tail help settings",
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn missing(what: &'static str) -> Problem {
        Problem::Missing { what, names: "" }
    }

    fn unknown_region(value: &str) -> Problem {
        Problem::UnknownRegion { setting: "--region".to_owned(), value: value.to_owned() }
    }

    #[test]
    fn the_tip_about_missing_settings_depends_on_what_is_missing_and_on_the_files() {
        let (id, secret) = (|| missing(MISSING_CLIENT_ID), || missing(MISSING_CLIENT_SECRET));
        let conversation = || missing(MISSING_CONVERSATION);
        let in_file = "set it in /home/ada/.env, which has no value for it";
        let all_in_file = "set them in /home/ada/.env, which has no value for them";
        let with_profile = ", or use a gc profile: --profile NAME";
        for (problems, env_file, profiles_unused, expected) in [
            (vec![conversation(), id(), secret()], None, false, FIRST_RUN.to_owned()),
            (vec![id(), secret()], None, true, format!("set them in the environment or in .env{with_profile}")),
            (vec![secret()], None, false, "set it in the environment or in .env".to_owned()),
            (vec![secret()], Some("/home/ada/.env"), false, in_file.to_owned()),
            (vec![id(), secret()], Some("/home/ada/.env"), false, all_in_file.to_owned()),
            (vec![id(), secret()], Some("/home/ada/.env"), true, format!("{all_in_file}{with_profile}")),
            (vec![conversation()], Some("/home/ada/.env"), true, CONVERSATION.to_owned()),
        ] {
            let files = FilesRead { env_file: env_file.map(PathBuf::from), profiles_unused, ..FilesRead::default() };
            assert_eq!(tip(&problems, &files), expected);
        }
        let unreadable = FilesRead { is_env_file_unreadable: true, ..FilesRead::default() };
        assert_eq!(tip(&[id(), secret()], &unreadable), UNREADABLE_FILE);
    }

    #[test]
    fn a_similar_command_precedes_missing_settings_and_these_precede_values() {
        let command = Problem::LikeCommand {
            setting: String::new(),
            reason: String::new(),
            hint: "a similar command exists: genesys-tail check".to_owned(),
        };
        let tip = |problems: &[Problem]| super::tip(problems, &FilesRead::default());
        let conversation = || missing(MISSING_CONVERSATION);
        assert_eq!(tip(&[conversation(), command]), "a similar command exists: genesys-tail check");
        assert_eq!(tip(&[conversation(), unknown_region("europe")]), CONVERSATION);
        let both = format!("{CONVERSATION}; a similar region exists: 'eu-west-1'");
        assert_eq!(tip(&[conversation(), unknown_region("mypurecloud.i")]), both);
    }

    #[test]
    fn the_tip_about_a_region_names_similar_ones_or_else_all() {
        let tip = |value| tip(&[unknown_region(value)], &FilesRead::default());
        assert_eq!(tip("Ireland"), "a similar region exists: 'eu-west-1'");
        assert_eq!(tip("us-east"), "some similar regions exist: 'us-east-1', 'us-east-2'");
        assert!(tip("europe").starts_with("use one of us-east-1, us-east-2, "));
    }

    #[test]
    fn the_tip_fits_the_setting() {
        for (setting, reason, expected) in [
            ("--env-file none.env", "file not found", "path of --env-file"),
            ("--env-file some.env", "line 3 is not NAME=value", "correct this line"),
            ("--conversation @none.txt", "No such file or directory", "path after @"),
            ("HTTPS_PROXY in /home/ada/.env", "must be an http URL", "http://proxy.example:3128"),
            ("--cacert ca.der", "is a DER certificate, not PEM", "openssl x509 -inform der"),
            ("--cacert ca.pem", "No such file or directory", "help settings"),
        ] {
            let problem = Problem::Unusable { setting: setting.to_owned(), reason: reason.to_owned() };
            let tip = tip(&[problem], &FilesRead::default());
            assert!(tip.contains(expected), "{setting}: {reason}: {tip}");
        }
    }
}
