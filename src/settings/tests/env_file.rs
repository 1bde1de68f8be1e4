//! `.env` files of other programs (R5, CLI-69).

use super::*;

/// Lines of other programs that dotenvy cannot parse, and some that it can.
const FOREIGN: [&[u8]; 7] = [
    b"APP_NAME=My App\n",
    b"# Caf\xe9\nNAME=Caf\xe9\nCITY=M\xfcn chen\n",
    b"MOTTO=It's fine\nDEBUG=1\n",
    b"not a line\n- yaml: true\nA=${x\n",
    b"\xef\xbb\xbfAPP_NAME=My App\r\nB=\"open\r\n",
    b"=x\n1A=2\nTERMS=a b\n",
    b"",
];

fn resolve(given: &Given<'_>, content: &[u8], args: &[&str]) -> Result<Resolved, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), content).unwrap();
    given.resolve_in(folder.path(), args)
}

#[test]
fn lines_of_other_programs_are_ignored() {
    for content in FOREIGN {
        let resolved = resolve(&complete(&[]), content, &[]).unwrap();
        assert!(resolved.messages.warnings.is_empty(), "{:?}", resolved.messages);
        let mut with_ours = b"GENESYS_REGION=eu-west-1\n".to_vec();
        with_ours.extend_from_slice(content);
        let Task::Tail(config) = resolve(&complete(&[]), &with_ours, &[]).unwrap().task else { panic!("not a tail") };
        assert_eq!(config.endpoints.api.as_str(), "https://api.mypurecloud.ie/");
    }
    let notes = resolve(&complete(&[]), b"A=1\nAPP_NAME=My App\nB=hunter2 hunter2\n", &["-v"]).unwrap().messages.notes;
    let [first, second] = notes.as_slice() else { panic!("{notes:?}") };
    assert!(first.starts_with("line 2 of ") && second.starts_with("line 3 of "), "{notes:?}");
    assert!(!notes.concat().contains("hunter2"));
}

#[test]
fn an_invalid_line_that_can_concern_a_variable_of_this_program_is_reported() {
    let cases: [(&[u8], &str); 7] = [
        (b"APP_NAME=My App\nGENESYS_REGION=eu west\n", "line 2 is not NAME=value"),
        (b"export GENESYS_CLIENT_SECRET=hunter2 hunter2\n", "line 1 is not NAME=value"),
        (b"GENESYS_CLIENT_ID: hunter2\n", "line 1 is not NAME=value"),
        (b"HTTPS_PROXY=a b\n", "line 1 is not NAME=value"),
        (b"MOTTO=It's fine\nGENESYS_REGION=eu-west-1\n", "line 1 is not NAME=value"),
        (b"A=Caf\xe9\nGENESYS_CLIENT_SECRET=hunter2\xe9\n", "line 2 is not UTF-8 text"),
        (b"\nno_proxy='a\n", "line 2 is not NAME=value"),
    ];
    for (content, reason) in cases {
        let error = resolve(&complete(&[]), content, &[]).unwrap_err().to_string();
        assert!(error.contains(".env: ") && error.contains(reason), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn every_line_of_the_named_file_must_be_valid() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work.env");
    let args = ["--env-file", path.to_str().unwrap()];
    for content in &FOREIGN[..6] {
        std::fs::write(&path, content).unwrap();
        let error = complete(&[]).error(&args);
        assert!(error.starts_with(&format!("--env-file {}: ", path.display())), "{error}");
    }
    for content in [&b"GENESYS_REGION=eu-west-1"[..], b"\xef\xbb\xbfGENESYS_REGION=eu-west-1\r\n"] {
        std::fs::write(&path, content).unwrap();
        assert_eq!(complete(&[]).tail(&args).endpoints.api.as_str(), "https://api.mypurecloud.ie/");
    }
}

/// The file of a shell that writes UTF-16, as `>` of Windows PowerShell does.
#[test]
fn a_file_in_utf_16_is_read() {
    let content: Vec<u8> = "\u{feff}GENESYS_REGION=eu-west-1\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let Task::Tail(config) = resolve(&complete(&[]), &content, &[]).unwrap().task else { panic!("not a tail") };
    assert_eq!(config.endpoints.api.as_str(), "https://api.mypurecloud.ie/");
}

/// A file that is too large stands for one without permission to read, which the superuser can read.
#[test]
fn a_file_that_cannot_be_read_is_a_warning_and_part_of_the_error_if_a_setting_is_missing() {
    let content = vec![b'#'; (1 << 20) + 1];
    for args in [&[][..], &["check"]] {
        let warnings = resolve(&complete(&[]), &content, args).unwrap().messages.warnings;
        let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
        assert!(warning.ends_with(".env ignored: cannot read it: larger than 1 MiB"), "{warning}");
    }
    let error = resolve(&nothing(), &content, &[ONE]).unwrap_err().to_string();
    assert!(
        error.starts_with("settings missing: client id (") && error.ends_with(".env: larger than 1 MiB"),
        "{error}"
    );
}

/// CLI-65.
#[test]
fn problems_with_files_are_reported_together_with_all_others() {
    let error = resolve(&nothing(), b"GENESYS_CLIENT_ID=a b\n", &["foo", "--region", "europe", "--profile", "x"]);
    let error = error.unwrap_err().to_string();
    for part in [".env: line 1 is not", "--profile x: file not found", "--region: 'europe' is not a region"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!error.contains("missing"), "the files may hold the client: {error}");
}

#[test]
fn the_tip_about_missing_settings_names_the_file_that_was_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "GENESYS_CLIENT_ID=client\nGENESYS_CLIENT_SECRET=\n").unwrap();
    let file = folder.path().join(".env").display().to_string();
    for args in [&["check"][..], &[ONE], &["check", "--env-file", &file]] {
        let error = nothing().resolve_in(folder.path(), args).unwrap_err();
        assert_eq!(error.hint(), format!("set it in {file}, which has no value for it"), "{args:?}");
    }
}
